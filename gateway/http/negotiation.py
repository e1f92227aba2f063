"""Media types: which one a client sent, and which of ours it would rather have."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

JSON = "application/json"
GRAPHQL_JSON = "application/graphql-response+json"
HTML = "text/html"

_PARAMETER = re.compile(r';\s*([!#$%&\'*+.^_`|~\w-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s;"]*)')


@lru_cache(maxsize=64)
def media_type(header: str) -> tuple[str, Mapping[str, str]]:
    """A media type with its parameters, in lower case; quotes are taken off."""
    name = header.partition(";")[0].strip().lower()
    parameters = {
        key.lower(): value.strip('"').lower() for key, value in _PARAMETER.findall(header)
    }
    return name, parameters


@lru_cache(maxsize=64)
def preferred(accept: str | None, offers: tuple[str, ...]) -> str | None:
    """The offer that an Accept header likes best, by quality, its order, and ours; None if it takes none of them."""
    if not accept or not accept.strip():
        return offers[0]
    ranges = list(_ranges(accept))
    ranked = [(*_rank(offer, ranges), -index, offer) for index, offer in enumerate(offers)]
    quality, *_, best = max(ranked)
    return best if quality > 0 else None


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.split(","):
        name, parameters = media_type(part)
        try:
            yield name, float(parameters.get("q", "1"))
        except ValueError:
            continue  # a range whose quality cannot be read says nothing


def _rank(offer: str, ranges: Sequence[tuple[str, float]]) -> tuple[float, int]:
    """Quality and place of the most specific range that covers the offer."""
    for pattern in (offer, f"{offer.partition('/')[0]}/*", "*/*"):
        for index, (name, quality) in enumerate(ranges):
            if name == pattern:
                return quality, -index
    return 0.0, 0
