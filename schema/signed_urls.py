"""Signed URLs of objects."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.scalars import JSON, URL
from schema.fields import column, row_type


@row_type()
@strawberry.type(
    description="A URL that gives access to an object for a limited time, without a credential."
)
class SignedUrl:
    url: URL = column("The URL. Send `headers` with the request.")
    method: str = column("The HTTP method that the URL is valid for.")
    expires_at: datetime = column(
        "When the URL expires, in UTC. A file at a public URL may become unavailable earlier, or "
        "stay available longer."
    )
    headers: JSON = column("Headers that must be sent with the request, by name; often empty.")
