"""Lifetimes of signed URLs: what clients may request, and what the site allows."""

from datetime import timedelta
from typing import Annotated

import strawberry

from gateway.auth.url_holders import max_url_seconds, url_bounds
from gateway.context import Context
from gateway.error_texts import between
from gateway.errors import bad_input
from gateway.stores.base import UrlBounds

MIN_LIFETIME = 60

Lifetime = Annotated[
    int | None,
    strawberry.argument(
        description="Minimum number of seconds for which the URL is valid, from 60 to 604,800, or to "
        "a lower limit of the site. Defaults to a setting of the site, normally 3,600. The time is "
        "rounded up, so that the URL stays the same for a while and browsers can cache what it "
        "serves."
    ),
]


def lifetime_of(context: Context, requested: int | None) -> timedelta:
    """Return the lifetime of a signed URL; raise `BAD_USER_INPUT` if it is out of range."""
    settings = context.services.settings
    longest = max_url_seconds(settings, context.viewer)
    usual = min(settings.signed_url_seconds, longest)
    seconds = usual if requested is None else requested
    if not MIN_LIFETIME <= seconds <= longest:
        message = between("lifetime", MIN_LIFETIME, longest, seconds)
        raise bad_input(message, "lifetime")
    return timedelta(seconds=seconds)


def bounds_of(context: Context) -> UrlBounds:
    """Return the bounds of URLs that are signed for the viewer."""
    return url_bounds(context.services.settings, context.viewer)
