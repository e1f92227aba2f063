"""Downloads by signed URLs: the headers of their responses, and URLs that stay the same."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from gateway.clock import SITE_CLOCK
from gateway.stores.headers import disposition_header, plain_file_name, safe_media_type

MAX_LIFETIME = timedelta(days=7)
"""The longest time for which any store accepts a signature."""


@dataclass(frozen=True, slots=True)
class Download:
    """A download by a signed URL. The signature covers every header that it implies.

    Attributes:
        file_name: Name under which the content is saved.
        content_type: Media type that the response states.
        is_inline: Whether browsers may show the content instead of saving it.
        signed_at: When the signature begins, in UTC; in the past.
        expires_at: When it expires, in UTC.
        cache_seconds: How long browsers may keep the content.
    """

    file_name: str
    content_type: str
    is_inline: bool
    signed_at: datetime
    expires_at: datetime
    cache_seconds: int

    @property
    def content_disposition(self) -> str:
        """The Content-Disposition of the response."""
        return disposition_header(self.file_name, is_inline=self.is_inline)

    @property
    def cache_control(self) -> str:
        """The Cache-Control of the response: objects never change under their key."""
        return cache_control(self.cache_seconds)

    @property
    def signed_seconds(self) -> int:
        """The seconds from `signed_at` to `expires_at`."""
        return int((self.expires_at - self.signed_at).total_seconds())


def plan_download(
    file_name: str,
    content_type: str,
    lifetime: timedelta,
    longest: timedelta = MAX_LIFETIME,
    *,
    is_inline: bool = False,
) -> Download:
    """Return a download that stays available for at least `lifetime` from now.

    Its times are rounded, so that the URL stays the same for up to half of the lifetime and
    browsers find the content in their cache. They are rounded less where the lifetime comes close
    to the `longest`.
    """
    seconds, period, signed_seconds = _rounding(lifetime, longest)
    start = int(SITE_CLOCK.time()) // period * period
    signed_at, expires_at = _times(start, signed_seconds)
    return Download(
        file_name=plain_file_name(file_name),
        content_type=safe_media_type(content_type),
        is_inline=is_inline,
        signed_at=signed_at,
        expires_at=expires_at,
        cache_seconds=seconds,
    )


# A page has the URLs of a hundred files, which share their times.
@lru_cache
def _rounding(lifetime: timedelta, longest: timedelta) -> tuple[int, int, int]:
    """Return, in seconds, a lifetime, the period to which its times are rounded, and their sum.

    The sum is no more than the `longest`, which leaves no room for rounding.
    """
    seconds, most = int(lifetime.total_seconds()), int(longest.total_seconds())
    period = max(1, min(seconds // 2, most - seconds))
    return seconds, period, min(period + seconds, most)


@lru_cache
def _times(start: int, seconds: int) -> tuple[datetime, datetime]:
    """Return the beginning and the end of a span, from seconds since the epoch."""
    return datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(start + seconds, UTC)


def cache_control(seconds: int) -> str:
    """Return the Cache-Control of content that never changes and is meant for one viewer."""
    return f"private, max-age={seconds}, immutable"
