"""Signed URLs bound to the credential that asked for them, if the site wants it.

The holder in a URL names an API key, or a user with the time at which their JWT expires. It is the
same for all URLs of a credential, so that browsers find what they have in their cache.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from gateway.auth.accounts import viewer_of_key_uuid, viewer_of_user
from gateway.auth.anonymous import MAX_URL_SECONDS
from gateway.auth.viewer import Viewer
from gateway.database.engine import Database
from gateway.settings import Settings
from gateway.stores.base import UrlBounds

ANYONE = "anyone"
"""Holder of URLs that were signed without a credential."""
_KEY, _USER = "key", "user"


def url_bounds(settings: Settings, viewer: Viewer) -> UrlBounds:
    """Return the bounds of URLs that are signed for a viewer."""
    longest = timedelta(seconds=max_url_seconds(settings, viewer))
    return UrlBounds(longest, holder_of(viewer) if settings.bind_signed_urls else None)


def max_url_seconds(settings: Settings, viewer: Viewer) -> int:
    """Return the longest lifetime of URLs that are signed for a viewer, in seconds."""
    if viewer.is_anonymous:
        return min(MAX_URL_SECONDS, settings.max_signed_url_seconds)
    return settings.max_signed_url_seconds


async def find_holder(database: Database, holder: str) -> Viewer | None:
    """Return the viewer that a signed URL is bound to, if their credential is still valid."""
    kind, uuid, *rest = holder.split(".")
    if kind == _KEY:
        return await viewer_of_key_uuid(database, UUID(uuid))
    expires_at = datetime.fromtimestamp(int(rest[0]), UTC) if rest else None
    return await viewer_of_user(database, UUID(uuid), expires_at)


def holder_of(viewer: Viewer) -> str:
    """Return how URLs name the credential of a viewer."""
    if viewer.is_anonymous:
        return ANYONE
    if viewer.key_uuid:
        return f"{_KEY}.{viewer.key_uuid.hex}"
    until = f".{int(viewer.expires_at.timestamp())}" if viewer.expires_at else ""
    return f"{_USER}.{viewer.user_uuid.hex}{until}"
