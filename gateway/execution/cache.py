"""What is kept because making it is dear: the latest entries, in bounds of number and of bytes."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Cache(Generic[T]):
    """At most `entries` values that take at most `size` bytes together, by their makers' estimate."""

    def __init__(self, entries: int, size: int) -> None:
        self._entries = entries
        self._size = size
        self._kept: OrderedDict[Hashable, tuple[T, int]] = OrderedDict()
        self._taken = 0

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def taken(self) -> int:
        """The bytes that the values take."""
        return self._taken

    def get(self, key: Hashable) -> T | None:
        """The value of a key, if it is kept."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, value: T, size: int) -> T:
        """Keep a value of that many bytes, unless it alone would take too much of the room."""
        if key not in self._kept and size <= self._size // 4:
            self._kept[key] = value, size
            self._taken += size
            while len(self._kept) > self._entries or self._taken > self._size:
                _, (_, freed) = self._kept.popitem(last=False)
                self._taken -= freed
        return value
