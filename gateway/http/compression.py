"""gzip for answers and pages, where the client accepts it and the body is large enough to gain.

Only bodies that are in memory are compressed: downloads are mostly compressed already.
"""

import asyncio
import zlib
from collections.abc import Mapping
from functools import lru_cache

from gateway.http.negotiation import parse_media_type

MIN_BYTES = 1_400
"""Smaller bodies are sent in one packet either way."""
_THREAD_BYTES = 64 << 10
"""Bodies of this size take more than half a millisecond, for which no other request should wait."""
_FASTEST, _SMALLEST = 1, 9
"""Levels of zlib. For JSON, the fastest takes half the time of the default for 10% more bytes."""
_GZIP = 31
"""Window bits that make zlib write the gzip format."""

VARIES = {"vary": "accept-encoding"}


@lru_cache(maxsize=64)
def accepts_gzip(accept_encoding: str | None) -> bool:
    """Return whether an Accept-Encoding header allows gzip and does not prefer the plain body."""
    qualities: dict[str, float] = {}
    for part in (accept_encoding or "").split(","):
        name, parameters = parse_media_type(part)
        try:
            qualities[name] = float(parameters.get("q", "1"))
        except ValueError:
            continue  # a coding with a malformed quality is ignored
    quality = qualities.get("gzip", qualities.get("*", 0))
    return quality > 0 and quality >= qualities.get("identity", 0)


async def compressed(body: bytes, accept_encoding: str | None) -> tuple[bytes, Mapping[str, str]]:
    """Return a response's body, compressed if that is accepted and pays, and headers that say so.

    Long bodies are compressed in a thread.
    """
    if len(body) < MIN_BYTES or not accepts_gzip(accept_encoding):
        return body, VARIES
    if len(body) < _THREAD_BYTES:
        packed = _gzip(body, _FASTEST)
    else:
        packed = await asyncio.to_thread(_gzip, body, _FASTEST)
    return packed, {"content-encoding": "gzip", **VARIES}


def smallest(body: bytes) -> bytes:
    """Return a body that is compressed once and sent often, in the gzip format."""
    return _gzip(body, _SMALLEST)


def _gzip(body: bytes, level: int) -> bytes:
    compressor = zlib.compressobj(level, zlib.DEFLATED, _GZIP)
    return compressor.compress(body) + compressor.flush()
