"""The meaning of errors of boto3: an object is missing, or the store is away."""

from collections.abc import Iterator
from contextlib import contextmanager

from boto3.exceptions import Boto3Error
from botocore.exceptions import ClientError, ParamValidationError

from gateway.full_disks import is_disk_full
from gateway.kinds.enums import JobWait
from gateway.site_faults import SiteFault, store_away
from gateway.stores.base import MissingObject

MISSING = {"404", "NoSuchKey"}
"""Errors for an object that does not exist."""
_SKEWED = {"RequestTimeTooSkewed", "RequestInTheFuture", "RequestExpired"}
"""Errors of a store whose clock differs."""
_REFUSED = {
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "NoSuchBucket",
    "RequestTimeout",
    "SignatureDoesNotMatch",
    "SlowDown",
    "TokenRefreshRequired",
}
"""Further errors that say nothing of the object, besides those of the server and throttling."""


@contextmanager
def missing_object(key: str) -> Iterator[None]:
    """Raise `MissingObject` where boto3 raises that the object does not exist."""
    try:
        yield
    except ClientError as error:
        if error_code(error) in MISSING:
            raise MissingObject(key) from None
        raise


def site_fault(error: BaseException | None) -> SiteFault | None:
    """Return the fault of the site to which an error of boto3 is due, None if it is another."""
    match error:
        case ClientError():
            if error_code(error) in _SKEWED:
                return store_away(JobWait.CLOCK)
            status = status_of(error)
            is_away = status >= 500 or status == 429 or error_code(error) in _REFUSED
            return store_away() if is_away else None
        case ParamValidationError() | None:
            return None
        case OSError() if is_disk_full(error):  # the disk for copies
            return None
        case Boto3Error():  # an upload that failed, or a download that was tried several times
            return site_fault(error.__context__) if error.__context__ else store_away()
    return store_away()


def error_code(error: ClientError) -> str:
    return error.response["Error"]["Code"]


def status_of(error: ClientError) -> int:
    return error.response["ResponseMetadata"]["HTTPStatusCode"]
