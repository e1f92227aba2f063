"""Listens to a PostgreSQL channel, and reconnects whenever the connection is lost."""

import asyncio
from collections.abc import Callable

from psycopg import AsyncConnection, Error
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

from gateway.database.outages import log_failure

MIN_DELAY = 0.1
MAX_DELAY = 5.0
# A peer that vanished without closing the connection is detected after about 30 seconds.
_KEEPALIVE = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}


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
            async with await AsyncConnection.connect(
                make_conninfo(conninfo, **_KEEPALIVE), autocommit=True
            ) as connection:
                await connection.execute(SQL("LISTEN {}").format(Identifier(channel)))
                delay = MIN_DELAY
                on_listening()
                async for notice in connection.notifies():
                    on_notice(notice.payload)
        except Error as error:
            log_failure("channel_lost", error, channel=channel)
        await asyncio.sleep(delay)
        delay = min(2 * delay, MAX_DELAY)
