"""A cache of what is expensive to make: the latest entries, within bounds of number and memory."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Cache(Generic[T]):
    """A least-recently-used cache.

    It keeps at most `entries` values, which take at most `size` bytes together by the estimates of
    those who put them.
    """

    def __init__(self, entries: int, size: int) -> None:
        self._entries = entries
        self._size = size
        self._values: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._memory = 0

    def __len__(self) -> int:
        return len(self._values)

    @property
    def memory(self) -> int:
        """The estimated number of bytes that the values take."""
        return self._memory

    def get(self, key: Hashable) -> T | None:
        """Return the value of a key; None if it is not cached."""
        entry = self._values.get(key)
        if entry is None:
            return None
        self._values.move_to_end(key)
        return entry[0]

    def put(self, key: Hashable, value: T, size: int) -> T:
        """Cache a value of that many bytes unless it fills a quarter of the cache; return it."""
        if key not in self._values and size <= self._size // 4:
            self._values[key] = value, size
            self._memory += size
            while len(self._values) > self._entries or self._memory > self._size:
                _, (_, freed) = self._values.popitem(last=False)
                self._memory -= freed
        return value
