"""Outages of the database: which errors are due to one, and how to wait until it is over."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import psycopg
import sqlalchemy as sa
import structlog

from gateway.database.served_connections import NotSent
from gateway.ended_tasks import raise_if_cancelled
from gateway.full_disks import FULL_DISK_LOG, is_disk_full
from gateway.outages import DATABASE

T = TypeVar("T")

RETRY_SECONDS = 1.0
"""Time between two attempts of `outlast`."""
_SQLITE_OUTAGES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
}
_POSTGRES_OUTAGES = {
    "53300",  # too many connections
    "57P01",  # an administrator has ended the connection
    "57P02",  # another process of the server has crashed
    "57P03",  # the server starts or stops
}
_CONNECTION_EXCEPTION = "08"
_ENDS_WITHOUT_AN_ANSWER = {"57P01", "57P02"}
"""Codes with which a server that is being stopped may end a connection even during a commit."""
_PRIMARY_CODE = 0xFF
"""Bits of SQLite's error codes that have the primary code."""

log = structlog.get_logger()


def is_outage(error: BaseException | None) -> bool:
    """Return whether an error means that the database does not respond, so that a retry may help.

    A disk without room counts, too. A statement that the database refuses is none, nor is one that
    it cancels.
    """
    if is_disk_full(error):
        return True
    match error:
        case None:
            return False
        case sa.exc.TimeoutError():  # no connection became free
            return True
        case sa.exc.DBAPIError():
            return error.connection_invalidated or is_outage(error.orig)
        case psycopg.OperationalError(sqlstate=None):
            return True
        case psycopg.OperationalError(sqlstate=state):
            return state in _POSTGRES_OUTAGES or str(state).startswith(_CONNECTION_EXCEPTION)
        case sqlite3.OperationalError():
            return _primary_code(error) in _SQLITE_OUTAGES
        case BaseExceptionGroup():
            return any(is_outage(each) for each in error.exceptions)
    return is_outage(error.__cause__)


def raise_outage(errors: Iterable[BaseException | None]) -> None:
    """Raise the first of these errors that means that the database does not respond."""
    if outage := next((error for error in errors if error and is_outage(error)), None):
        raise outage


def _primary_code(error: sqlite3.OperationalError) -> int:
    return getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE


class CommitUnknown(Exception):
    """Raised if the connection was lost during a commit: the changes were made, or were not."""


def leaves_doubt(error: BaseException | None) -> bool:
    """Return whether a commit may have succeeded although it raised this error."""
    match error:
        case sa.exc.DBAPIError(orig=cause):
            return leaves_doubt(cause)
        case NotSent():
            return False
        case psycopg.OperationalError(sqlstate=None):
            return True
        case psycopg.OperationalError(sqlstate=state):
            return state in _ENDS_WITHOUT_AN_ANSWER or str(state).startswith(_CONNECTION_EXCEPTION)
        case sqlite3.OperationalError():
            return _primary_code(error) == sqlite3.SQLITE_IOERR
    return False


async def outlast(call: Callable[[], Awaitable[T]]) -> T:
    """Return what a function returns, called again until the database responds and has room."""
    while True:
        try:
            return await call()
        except Exception as error:
            raise_if_cancelled(error)
            if not _note(error):
                raise
        await asyncio.sleep(RETRY_SECONDS)


def log_failure(event: str, error: BaseException, **facts: object) -> None:
    """Log a failure with its traceback, or only its cause if that is an outage or a full disk."""
    if not _note(error):
        log.error(event, exc_info=error, **facts)


def _note(error: BaseException) -> bool:
    """Note an error that is due to an outage or a full disk, and return whether it is."""
    if is_disk_full(error):
        FULL_DISK_LOG.note(error)
        return True
    if is_outage(error):
        note_outage(error)
        return True
    return False


def note_outage(error: BaseException) -> None:
    """Note that the database failed, with the driver's error: Procrastinate's says nothing."""
    while not isinstance(error, sa.exc.DBAPIError) and error.__cause__:
        error = error.__cause__
    DATABASE.note_failure(error)
