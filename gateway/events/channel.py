"""Listens to a PostgreSQL channel, and reconnects whenever the connection is lost."""

import asyncio
from collections.abc import Callable

from psycopg import Error
from psycopg.sql import SQL, Identifier

from gateway.database.outages import log_failure
from gateway.database.served_connections import ServedConnection
from gateway.ended_tasks import raise_if_cancelled

MIN_DELAY = 0.1
MAX_DELAY = 5.0
HEARTBEAT_SECONDS = 4.0
"""Time between two statements on a connection that listens, by which it is found to be dead."""


async def follow_channel(
    conninfo: str,
    channel: str,
    on_notice: Callable[[str], None],
    on_listening: Callable[[], None],
) -> None:
    """Listen to a channel until cancelled.

    Args:
        on_notice: called with the payload of each notification.
        on_listening: called whenever a connection starts to listen; notifications before that
            may have been lost.
    """
    delay = MIN_DELAY
    while True:
        try:
            async with await ServedConnection.connect(conninfo, autocommit=True) as connection:
                await connection.execute(SQL("LISTEN {}").format(Identifier(channel)))
                delay = MIN_DELAY
                on_listening()
                while True:
                    async for notice in connection.notifies(timeout=HEARTBEAT_SECONDS):
                        on_notice(notice.payload)
                    await connection.execute("SELECT 1")
        except Error as error:
            # psycopg ends the statement first, and this may fail instead of the cancellation.
            raise_if_cancelled(error)
            log_failure("channel_lost", error, channel=channel)
        await asyncio.sleep(delay)
        delay = min(2 * delay, MAX_DELAY)
