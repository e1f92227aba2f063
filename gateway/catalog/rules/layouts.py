"""Default layouts of data groups, as JSON in the form of `DataGroupLayoutInput`."""

from collections.abc import Sequence
from typing import Any

from gateway.kinds.enums import CarouselPosition, LayoutDirection

CAROUSEL_SIZE = 25.0
"""Default share of a carousel's strip of thumbnails, in per cent."""


def default_grid(
    keys: Sequence[str], direction: LayoutDirection = LayoutDirection.COLUMN
) -> dict[str, Any]:
    """Return a grid of tiles of about the same size, split alternately in both directions."""
    if len(keys) == 1:
        return {"tile": {"key": keys[0]}}
    half = (len(keys) + 1) // 2
    turned = LayoutDirection.ROW if direction is LayoutDirection.COLUMN else LayoutDirection.COLUMN
    parts = {
        "first": default_grid(keys[:half], turned),
        "second": default_grid(keys[half:], turned),
    }
    return {"grid": {"direction": direction, **parts, "splitPercentage": 100 * half / len(keys)}}


def default_carousel(keys: Sequence[str]) -> dict[str, Any]:
    """Return a carousel: one item at a time, chosen from a strip below it."""
    strip = {"carouselPosition": CarouselPosition.BOTTOM, "carouselSize": CAROUSEL_SIZE}
    return {"carousel": {"keys": list(keys), **strip}}
