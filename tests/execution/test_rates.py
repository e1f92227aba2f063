"""What a viewer spends flows into a bucket, which refuses operations while it is full."""

import asyncio

import pytest

from gateway.errors import ErrorCode
from gateway.execution.rates import CHARGED, RateExceeded, Rates


class Clock:
    """A clock that stands still."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def remaining() -> int:
    charged = CHARGED.get()
    assert charged
    return charged.remaining


def test_points_flow_out_evenly() -> None:
    clock = Clock()
    rates = Rates(600, clock)
    rates.charge("a", 600)
    assert remaining() == 0
    with pytest.raises(RateExceeded) as refusal:
        rates.charge("a", 25)
    assert (refusal.value.code, refusal.value.retry_after) == (ErrorCode.RATE_LIMITED, 3)
    clock.now += 2.5
    rates.charge("a", 25)
    clock.now += 1
    rates.charge("a", 1)
    assert remaining() == 9


def test_a_refusal_costs_nothing_and_others_have_buckets_of_their_own() -> None:
    rates = Rates(600, Clock())
    rates.charge("a", 500)
    for _ in range(3):
        with pytest.raises(RateExceeded):
            rates.charge("a", 200)
    rates.charge("a", 100)
    rates.charge("b", 100)
    assert remaining() == 500


def test_an_empty_bucket_accepts_what_is_larger_than_it() -> None:
    clock = Clock()
    rates = Rates(60, clock)
    rates.charge("a", 120)
    with pytest.raises(RateExceeded) as refusal:
        rates.charge("a", 90)
    clock.now += refusal.value.retry_after
    rates.charge("a", 90)


def test_empty_buckets_are_forgotten() -> None:
    clock = Clock()
    rates = Rates(60, clock)
    for number in range(10_000):
        rates.charge(number, 1)
    clock.now += 1.5
    rates.charge("last", 1)
    assert len(rates._buckets) == 1


async def test_the_charge_is_that_of_the_current_task() -> None:
    rates = Rates(600, Clock())

    async def run(viewer: str, cost: int) -> int:
        rates.charge(viewer, cost)
        await asyncio.sleep(0)
        return remaining()

    assert list(await asyncio.gather(run("a", 100), run("b", 200))) == [500, 400]
