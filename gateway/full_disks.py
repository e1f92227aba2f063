"""Disks without room: the error, which failures amount to it, and a line in the log."""

import errno
import sqlite3
from math import inf
from time import monotonic

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

    It may be one of this machine, of the database server or of the object store. What led to the
    error counts, too.
    """
    pending, seen = [error], set[int]()  # what an error wraps may refer to the error again
    while pending:
        each = pending.pop()
        if each is None or id(each) in seen:
            continue
        if _says_full(each):
            return True
        seen.add(id(each))
        if isinstance(each, BaseExceptionGroup):
            pending += each.exceptions
        pending += [getattr(each, "orig", None), each.__cause__ or each.__context__]
    return False


def _says_full(error: BaseException) -> bool:
    """Return whether an error itself says so."""
    match error:
        case InsufficientStorage():
            return True
        case OSError(errno=number) if number in _FULL:
            return True
        case sqlite3.OperationalError(sqlite_errorcode=sqlite3.SQLITE_FULL):
            return True
    if getattr(error, "sqlstate", None) == _POSTGRES_FULL:
        return True
    match getattr(error, "response", None):  # as boto3 has it
        case {"Error": {"Code": code}} if code in _STORE_FULL:
            return True
        case {"ResponseMetadata": {"HTTPStatusCode": 507}}:
            return True
    return False


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
