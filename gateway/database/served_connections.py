"""Connections to PostgreSQL that notice in time that the server, or the way to it, has gone.

The kernel notices when nothing acknowledges its packets (`CONNECTION_OPTIONS`). It cannot notice
that a proxy in between keeps the connection open and passes nothing on. So a statement without a
response is looked up on the server after a while, over a new connection: it may take as long as it
is allowed to, but not longer than the server works on it.

The server must notice too: a transaction whose client has gone keeps its locks, for which all
others would wait.
"""

from contextlib import suppress
from time import monotonic
from typing import Any, ClassVar, Self, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy.engine import URL

from gateway.database.psycopg_apis import WaitTimeout

RV = TypeVar("RV")

CONNECT_SECONDS = 5
CONNECTION_OPTIONS = {
    "connect_timeout": str(CONNECT_SECONDS),
    "keepalives_idle": "5",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",  # milliseconds
}
"""Parameters of libpq, unless the URL of the database has others.

A server must accept a connection in time, and the kernel gives up a peer that has vanished within
14 seconds.
"""
IDLE_SECONDS = 15.0
"""Time after which the server ends a transaction whose client sends nothing."""
_SESSION_OPTIONS = (
    "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3 "
    "-c idle_in_transaction_session_timeout={:.0f} "
    # It would compile what visibility has in it, most of which never runs, at each execution.
    "-c jit=off "
    # Rows are mostly in memory. As if from a disk, it would read the whole of a small table for
    # each row that is looked up in it; with less, it merges whole indexes where it can look up.
    "-c random_page_cost=2"
)
PAUSE_SECONDS = 2.0
"""Time after an attempt to connect that timed out in which no other is made."""
PATIENCE_SECONDS = 3.0
"""Time without a response after which a statement is looked up on the server."""
ANSWER_SECONDS = 2.0
"""Time in which the server must say what it works on; also the age of a state that counts."""
INTERVAL_SECONDS = 0.1
"""Psycopg's own default for `wait`."""
_IS_AT_WORK = """
SELECT pg_backend_pid(), (
    SELECT state IS NULL OR state NOT LIKE 'idle%%'
        OR state_change > now() - make_interval(secs => %s)
    FROM pg_stat_activity WHERE pid = %s
)
"""


def libpq_conninfo(url: URL) -> str:
    """Return the connection string of a PostgreSQL database for psycopg itself.

    As a URL, SQLAlchemy would write spaces in a way that libpq does not read.
    """
    _, parameters = url.get_dialect()().create_connect_args(url)
    return make_conninfo(**parameters)


class NotSent(psycopg.OperationalError):
    """Raised instead of sending COMMIT: the server has closed the connection."""


class _Connection(psycopg.AsyncConnection[Any]):
    """A connection that is not opened shortly after another attempt has timed out."""

    _timed_out_at: ClassVar[float] = -PAUSE_SECONDS

    @classmethod
    async def connect(cls, *conninfo: Any, **options: Any) -> Self:
        """Connect; those who wait for their turn, one after the other, need not all time out."""
        if monotonic() - _Connection._timed_out_at < PAUSE_SECONDS:
            raise psycopg.errors.ConnectionTimeout("the server has just not responded in time")
        try:
            return await super().connect(*conninfo, **options)
        except psycopg.errors.ConnectionTimeout:
            _Connection._timed_out_at = monotonic()
            raise


class ServedConnection(_Connection):
    """A connection that fails when the server no longer works on its statement."""

    @classmethod
    async def connect(cls, conninfo: str = "", **parameters: Any) -> Self:
        """Connect with options of the session; those of the URL and the caller take precedence."""
        options = (
            _SESSION_OPTIONS.format(IDLE_SECONDS * 1000),
            conninfo_to_dict(conninfo).get("options"),
            parameters.pop("options", None),
        )
        return await super().connect(
            conninfo, **parameters, options=" ".join(str(each) for each in options if each)
        )

    async def commit(self) -> None:
        """Commit, unless the server has closed the connection before.

        Raises:
            NotSent: it has, so that nothing was committed.
        """
        try:
            for _ in range(2):  # its last message, and that it has closed; neither call waits
                self.pgconn.consume_input()
        except psycopg.OperationalError as error:
            raise NotSent(str(error)) from error
        await super().commit()

    async def wait(
        self,
        gen: PQGen[RV],
        interval: float = INTERVAL_SECONDS,
        timeout: float | None = None,  # noqa: ASYNC109  # of psycopg
    ) -> RV:
        """Wait for a response, but not for longer than the server works on it.

        Every exchange with the server passes here. Whoever sets a `timeout`, as psycopg does to
        wait for notifications, looks after the connection. They are woken by what arrives, and need
        not look ten times a second, which would be a quarter of what an idle process costs.
        """
        if timeout is not None:
            return await super().wait(gen, max(interval, timeout), timeout)
        while True:
            with suppress(WaitTimeout):
                return await super().wait(gen, interval, PATIENCE_SECONDS)
            try:
                is_served = await self._is_served()
            except BaseException:  # cancelled, as when the operation is out of time
                with suppress(psycopg.Error):
                    await self.cancel_safe(timeout=ANSWER_SECONDS)
                self.pgconn.finish()
                raise
            if not is_served:
                try:
                    return await super().wait(gen, interval, 0)  # what has arrived meanwhile
                except WaitTimeout:
                    self.pgconn.finish()
                    message = "the server does not respond, or no longer works on the statement"
                    raise psycopg.OperationalError(message) from None

    async def _is_served(self) -> bool:
        """Return whether the server works on the statement, or responds without saying that."""
        parameters: dict[str, Any] = {
            **self.info.get_parameters(),
            "password": self.info.password,
            "connect_timeout": CONNECT_SECONDS,
        }
        try:
            inquirer = await _Inquirer.connect(make_conninfo(**parameters), autocommit=True)
            try:
                asked = ANSWER_SECONDS, self.info.backend_pid
                cursor = await inquirer.execute(_IS_AT_WORK, asked)
                [(pid, is_at_work)] = await cursor.fetchall()
                # A pooler gives its clients numbers of its own, by which nothing can be found.
                return pid != inquirer.info.backend_pid or bool(is_at_work)
            finally:
                await inquirer.close()
        except psycopg.OperationalError as error:
            return error.sqlstate is not None  # it refuses to say


class _Inquirer(_Connection):
    """A connection that waits for a response for a short while."""

    async def wait(
        self,
        gen: PQGen[RV],
        interval: float = INTERVAL_SECONDS,
        timeout: float | None = None,  # noqa: ASYNC109  # of psycopg
    ) -> RV:
        return await super().wait(gen, interval, ANSWER_SECONDS)
