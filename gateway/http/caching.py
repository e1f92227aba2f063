"""Answers that clients may keep: those to GET requests for persisted documents."""

import hashlib
from collections.abc import Mapping

from gateway.http.negotiation import is_known


def cacheable(
    body: bytes, if_none_match: str | None, max_age: int
) -> tuple[int, bytes, Mapping[str, str]]:
    """Return the status, body and headers of an answer: 304 and no body if the client has it.

    Args:
        if_none_match: the header of the request.
        max_age: the seconds for which the client may reuse the answer without asking again.
    """
    # Weak, because both encodings of the answer have it.
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {
        "etag": tag,
        "cache-control": f"private, max-age={max_age}" if max_age else "private, no-cache",
        "vary": "accept, accept-encoding, authorization",
    }
    return (304, b"", headers) if is_known(tag, if_none_match) else (200, body, headers)
