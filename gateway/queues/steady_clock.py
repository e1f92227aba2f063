"""The clock of the queue on SQLite: steps of the machine's wall clock do not change it.

All processes of the queue are on one machine, and share its steady clock, which counts from the
start of the machine. The database has the time at that start, so that due times and leases hold
across restarts.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from gateway.clock import boot_id, now, steady_time
from gateway.database.engine import Database, Transaction
from gateway.models.queue import QueueClockRecord, queue_clock


class SteadyClock:
    """The clock of one database. It never goes back, and may differ from the wall clock."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._started_at: datetime | None = None

    async def time(self, transaction: Transaction | None = None) -> datetime:
        """Return the current time; a caller that writes already passes its transaction."""
        if self._started_at is not None:
            return self._started_at + timedelta(seconds=steady_time())
        if transaction is not None:
            return await self._set(transaction)
        async with self._database.writing() as own:
            return await self._set(own)

    async def note(self, transaction: Transaction, moment: datetime) -> None:
        """Note a time that has come: the clock goes on from there after a start of the machine.

        A machine without a clock of its own may start decades in the past.
        """
        await transaction.execute(sa.update(queue_clock).values(seen_at=moment))

    async def _set(self, transaction: Transaction) -> datetime:
        """Read the time of the machine's start, or set it if the machine has started since."""
        row = await transaction.first(sa.select(queue_clock), QueueClockRecord)
        since_start = timedelta(seconds=steady_time())
        if row and row.boot_id == boot_id() and row.started_at + since_start >= row.seen_at:
            started_at = row.started_at
        else:
            started_at = (max(now(), row.seen_at) if row else now()) - since_start
            new = {
                "boot_id": boot_id(),
                "started_at": started_at,
                "seen_at": started_at + since_start,
            }
            await transaction.execute(sa.delete(queue_clock))
            await transaction.execute(sa.insert(queue_clock).values(new))

        def keep() -> None:
            self._started_at = started_at

        transaction.on_commit(keep)
        return started_at + since_start
