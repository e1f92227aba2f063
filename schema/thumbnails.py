"""Thumbnails of items."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.scalars import URL
from schema.fields import column, row_type


@row_type()
@strawberry.type(description="A small picture of an item, in a format that every browser shows.")
class Thumbnail:
    url: URL = column("A URL that serves the picture for a limited time, without a credential.")
    width: int = column("Width in pixels.")
    height: int = column("Height in pixels.")
    expires_at: datetime = column("When the URL expires, in UTC.")
