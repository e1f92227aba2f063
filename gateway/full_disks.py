"""Disks without room: the error, which failures amount to it, and a line in the log."""

import errno
import sqlite3
from math import inf
from time import monotonic

import sqlalchemy as sa
import structlog

LOG_SECONDS = 60.0
"""Time after which a disk that is still full is logged again."""
_FULL = (errno.ENOSPC, errno.EDQUOT)
_POSTGRES_FULL = "53100"
_STORE_FULL = {"InsufficientStorage", "QuotaExceeded", "XMinioStorageFull"}
"""Codes of S3 servers, besides the status 507."""

log = structlog.get_logger()


class InsufficientStorage(Exception):
    """Raised when a disk has no room for what is to be written, or for no more than deletions."""


def is_disk_full(error: BaseException | None) -> bool:
    """Return whether an error means that a disk has no room, or a user none left on it.

    It may be one of this machine, of the database server or of the object store.
    """
    match error:
        case None:
            return False
        case InsufficientStorage():
            return True
        case OSError(errno=number) if number in _FULL:
            return True
        case sqlite3.OperationalError(sqlite_errorcode=sqlite3.SQLITE_FULL):
            return True
        case sa.exc.DBAPIError():
            return is_disk_full(error.orig)
        case BaseExceptionGroup():
            return any(map(is_disk_full, error.exceptions))
    if getattr(error, "sqlstate", None) == _POSTGRES_FULL:
        return True
    match getattr(error, "response", None):  # as boto3 has it
        case {"Error": {"Code": code}} if code in _STORE_FULL:
            return True
        case {"ResponseMetadata": {"HTTPStatusCode": 507}}:
            return True
    return is_disk_full(error.__cause__ or error.__context__)


class FullDiskLog:
    """Logs failures of writes for want of room: a line a minute, however many there are."""

    def __init__(self) -> None:
        self._logged_at = -inf

    def note(self, error: BaseException) -> None:
        """Log a failure, unless one was logged in the last minute."""
        if monotonic() - self._logged_at >= LOG_SECONDS:
            self._logged_at = monotonic()
            log.error("disk_full", error=str(error).strip().partition("\n")[0])


FULL_DISK_LOG = FullDiskLog()
