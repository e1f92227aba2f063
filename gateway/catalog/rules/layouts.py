"""Layouts of data groups as plain JSON, in the shape in which clients send them: a tree of grids that ends in tiles."""

from collections.abc import Sequence
from typing import Any

from gateway.kinds.enums import CarouselPosition, LayoutDirection

CAROUSEL_SIZE = 25.0
"""Per cent of the room that a carousel's strip takes unless somebody says otherwise."""


def default_grid(
    keys: Sequence[str], direction: LayoutDirection = LayoutDirection.COLUMN
) -> dict[str, Any]:
    """Tiles of about the same size: split in halves, in one direction and then in the other."""
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
    """One item at a time, chosen from a strip below."""
    strip = {"carouselPosition": CarouselPosition.BOTTOM, "carouselSize": CAROUSEL_SIZE}
    return {"carousel": {"keys": list(keys), **strip}}
