"""The generator's source of randomness: one seed determines all values, times and ids included."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from gateway.models.base import fold

T = TypeVar("T")
_START, _SPAN = datetime(2024, 1, 1, tzinfo=UTC), timedelta(days=540)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Rng:
    """Random values of one seed.

    Its clock advances with each `next_moment`: `moments` of them take about a year and a half.
    """

    def __init__(self, seed: int, moments: int) -> None:
        self._random = random.Random(seed)
        self._step = _SPAN / max(moments, 1) * 2
        self._now = _START + timedelta(seconds=self.below(86_400))

    def below(self, end: int) -> int:
        """Return an integer from 0 up to, but not including, `end`."""
        return int(self._random.random() * end)

    def log_uniform(self, low: int, high: int) -> int:
        """Return an integer from `low` to `high`, all orders of magnitude equally likely."""
        return int(low * (high / low) ** self._random.random())

    def chance(self, share: float) -> bool:
        """Return True with this probability."""
        return self._random.random() < share

    def choice(self, choices: Sequence[T]) -> T:
        """Return one of the choices."""
        return choices[int(self._random.random() * len(choices))]

    def sample(self, choices: Sequence[T], count: int) -> list[T]:
        """Return `count` different choices in random order, or all if there are fewer."""
        return self._random.sample(choices, min(count, len(choices))) if count else []

    def next_moment(self) -> datetime:
        """Return a time shortly after the last one."""
        self._now += self._step * self._random.random()
        return self._now

    def uuid(self, moment: datetime) -> UUID:
        """Return a version 7 UUID of that time."""
        milliseconds = (moment - _EPOCH) // _MILLISECOND
        bits = self._random.getrandbits(74)
        return UUID(
            int=milliseconds << 80
            | 0x7 << 76
            | (bits >> 62) << 64
            | 0b10 << 62
            | bits & (1 << 62) - 1
        )

    def sha256(self) -> str:
        """Return what could be a SHA-256 digest."""
        return self._random.randbytes(32).hex()

    def object_key(self) -> str:
        """Return what could be the key of a stored object."""
        return self._random.randbytes(16).hex()


def name_columns(name: str) -> dict[str, str]:
    """Return a name and its folded form, by which rows are sorted and searched."""
    return {"name": name, "name_key": fold(name)}
