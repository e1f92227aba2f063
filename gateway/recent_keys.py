"""Keys that were noted not long ago, so that what they stand for is not repeated too soon."""

import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from typing import TypeVar

K = TypeVar("K", bound=Hashable)

MAX_KEYS = 100_000


class RecentKeys:
    """Remembers keys for a number of seconds, at most `MAX_KEYS` of them, in this process only."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._times: OrderedDict[Hashable, float] = OrderedDict()

    def unknown(self, keys: Iterable[K]) -> list[K]:
        """Return the keys that were not noted within the time."""
        start = time.monotonic() - self._seconds
        return [key for key in keys if self._times.get(key, start) <= start]

    def note(self, keys: Iterable[Hashable]) -> None:
        """Remember keys from now on."""
        for key in keys:
            self._times[key] = time.monotonic()
            self._times.move_to_end(key)
        while len(self._times) > MAX_KEYS:
            self._times.popitem(last=False)
