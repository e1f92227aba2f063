"""Faults of what the site depends on. They say nothing of any file, so no work fails by them."""

from gateway.errors import DomainError, ErrorCode
from gateway.full_disks import is_disk_full
from gateway.kinds.enums import JobWait


class SiteFault(DomainError):
    """Raised when the site cannot do something now, such as while its object store is away.

    Tasks that meet one wait, as `wait` says for what, and are then tried again, without limit.
    """

    def __init__(self, wait: JobWait, message: str) -> None:
        super().__init__(ErrorCode.UNAVAILABLE, message)
        self.wait = wait


def store_away(wait: JobWait = JobWait.STORE) -> SiteFault:
    """Return the fault of the site's own object store; `wait` is `CLOCK` if its clock differs."""
    message = (
        "The clocks of the object store and of this server differ."
        if wait is JobWait.CLOCK
        else "The object store is not available."
    )
    return SiteFault(wait, f"{message} Try again later.")


def find_site_fault(error: BaseException | None) -> SiteFault | None:
    """Return the fault of the site to which an error is due, which may be in a group of others."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(find_site_fault, error.exceptions)), None)
    if is_disk_full(error):
        return SiteFault(JobWait.STORE, "A disk of the site is full.")
    return error if isinstance(error, SiteFault) else None
