"""Listening to a PostgreSQL channel for as long as it takes: a lost connection is made anew."""

import asyncio
from collections.abc import Callable

import structlog
from psycopg import AsyncConnection, Error
from psycopg.conninfo import make_conninfo
from psycopg.sql import SQL, Identifier

FIRST_DELAY = 0.1
LAST_DELAY = 5.0
# A connection whose other end vanished silently is noticed after about 30 seconds.
_KEEPALIVE = {"keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}

log = structlog.get_logger(__name__)


async def follow_channel(
    conninfo: str, channel: str, heard: Callable[[str], None], listening: Callable[[], None]
) -> None:
    """Call `heard` with each payload, until cancelled.

    `listening` is called whenever a connection begins to listen: what was sent before may have been missed.
    """
    delay = FIRST_DELAY
    while True:
        try:
            async with await AsyncConnection.connect(
                make_conninfo(conninfo, **_KEEPALIVE), autocommit=True
            ) as connection:
                await connection.execute(SQL("LISTEN {}").format(Identifier(channel)))
                delay = FIRST_DELAY
                listening()
                async for notice in connection.notifies():
                    heard(notice.payload)
        except Error as error:
            log.warning("channel_lost", channel=channel, error=str(error), retry_in=delay)
        await asyncio.sleep(delay)
        delay = min(2 * delay, LAST_DELAY)
