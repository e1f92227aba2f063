"""Where the generator draws from: everything follows from one seed, moments and ids included."""

import hashlib
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from gateway.models.base import fold

T = TypeVar("T")
_BEGIN, _SPAN = datetime(2024, 1, 1, tzinfo=UTC), timedelta(days=540)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Rng:
    """Draws of one seed; its clock moves on with each moment, so that `moments` of them take a year and a half."""

    def __init__(self, seed: int, moments: int) -> None:
        self._random = random.Random(seed)
        self._step = _SPAN / max(moments, 1) * 2
        self._now = _BEGIN + timedelta(seconds=self.below(86_400))

    def below(self, end: int) -> int:
        """A whole number from 0, less than `end`."""
        return int(self._random.random() * end)

    def log_uniform(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, small ones as likely as large ones."""
        return int(low * (high / low) ** self._random.random())

    def chance(self, share: float) -> bool:
        """Whether something happens that does in this share of all cases."""
        return self._random.random() < share

    def choice(self, choices: Sequence[T]) -> T:
        """One of these."""
        return choices[self.below(len(choices))]

    def sample(self, choices: Sequence[T], count: int) -> list[T]:
        """Different ones of these, as many as there are at most."""
        return self._random.sample(choices, min(count, len(choices)))

    def next_moment(self) -> datetime:
        """A moment a little after the last one."""
        self._now += self._step * self._random.random()
        return self._now

    def uuid(self, moment: datetime) -> UUID:
        """A version 7 uuid of that moment."""
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
        """The SHA-256 of something."""
        return hashlib.sha256(self._random.randbytes(16)).hexdigest()

    def object_key(self) -> str:
        """The key of an object."""
        return self._random.randbytes(16).hex()


def named(text: str) -> dict[str, str]:
    """A name with the key by which it is ordered and searched, as the columns of a row."""
    return {"name": text, "name_key": fold(text)}
