"""The sample files are the same each time, and different by seed."""

from collections.abc import Callable

import pytest

from gateway.media import samples

GENERATORS = [value for value in vars(samples).values() if hasattr(value, "cache_info")]


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda generator: generator.__name__)
def test_deterministic(generator: Callable[..., bytes]) -> None:
    """One seed, one file; many seeds, many files; asked again, nothing is made again."""
    made = generator.__wrapped__  # type: ignore[attr-defined]  # behind the cache
    assert made(seed=3) == made(seed=3)
    assert len({generator(seed=seed) for seed in range(20)}) == 20
    assert generator(seed=3) is generator(seed=3)
