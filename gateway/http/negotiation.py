"""Media types and ETags: what a request offers, accepts and already has.

See docs/decisions/http-headers.md for why this is not a library's.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
HTML = "text/html"
EVENT_STREAM = "text/event-stream"

_PARAMETER = re.compile(r';\s*([!#$%&\'*+.^_`|~\w-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;"]*)')


@lru_cache(maxsize=64)
def parse_media_type(header: str) -> tuple[str, Mapping[str, str]]:
    """Return a media type and its parameters in lower case, without quotes."""
    name = header.partition(";")[0].strip().lower()
    parameters = {
        key.lower(): value.strip('"').lower() for key, value in _PARAMETER.findall(header)
    }
    return name, parameters


@lru_cache(maxsize=64)
def preferred(accept: str | None, offers: tuple[str, ...]) -> str | None:
    """Return the offer that an Accept header prefers; None if it accepts none of them.

    Ties are broken by the order in the header, then by the order of the offers.
    """
    if not accept or not accept.strip():
        return offers[0]
    ranges = []
    for part in accept.split(","):
        name, parameters = parse_media_type(part)
        try:
            ranges.append((name, float(parameters.get("q", "1"))))
        except ValueError:
            continue  # a range with a malformed quality is ignored
    ranked = [(*_rank(offer, ranges), -index, offer) for index, offer in enumerate(offers)]
    quality, *_, best = max(ranked)
    return best if quality > 0 else None


def is_known(tag: str, if_none_match: str | None) -> bool:
    """Return whether an If-None-Match header lists an ETag, compared weakly (RFC 9110, 13.1.2)."""
    known = {text.strip().removeprefix("W/") for text in (if_none_match or "").split(",")}
    return known == {"*"} or tag.removeprefix("W/") in known


def _rank(offer: str, ranges: Sequence[tuple[str, float]]) -> tuple[float, int]:
    """Return the quality and the negated index of the most specific range that covers the offer."""
    for pattern in (offer, f"{offer.partition('/')[0]}/*", "*/*"):
        for index, (name, quality) in enumerate(ranges):
            if name == pattern:
                return quality, -index
    return 0.0, 0
