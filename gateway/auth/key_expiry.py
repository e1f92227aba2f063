"""When a new API key expires: not after what creates it, nor later than the site allows."""

from datetime import UTC, datetime, timedelta

from gateway.auth.viewer import Viewer
from gateway.clock import now
from gateway.errors import bad_input
from gateway.settings import Settings


def expiry_of_new_key(
    requested: datetime | None, settings: Settings, viewer: Viewer | None
) -> datetime | None:
    """Return when a key expires that is created now, in UTC; None if never.

    Args:
        requested: None for as late as possible.
        viewer: who creates it; None on the command line.

    Raises:
        DomainError: `BAD_USER_INPUT` at `expiresAt`, if the requested time is not in the future, or
            later than possible.
    """
    moment = now()
    latest, reason = None, ""
    if settings.max_key_seconds is not None:
        latest = moment + timedelta(seconds=settings.max_key_seconds)
        reason = "the site allows no longer lifetime"
    if viewer and viewer.expires_at and (latest is None or viewer.expires_at < latest):
        latest, reason = viewer.expires_at, "the credential of this request expires then"
    if requested is None:
        return latest
    if requested <= moment:
        raise bad_input("expiresAt must be in the future.", "expiresAt")
    if latest and requested > latest:
        message = f"expiresAt must not be later than {latest:%FT%TZ}: {reason}."
        raise bad_input(message, "expiresAt")
    try:
        return requested.astimezone(UTC)
    except OverflowError:
        raise bad_input("expiresAt is too far in the future.", "expiresAt") from None
