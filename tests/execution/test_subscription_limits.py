"""The subscriptions of a user may cost so many points at once; those for the same thing share them."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from gateway.limits import Limits
from tests.fixtures.sites import Site, serve_embedded
from tests.fixtures.watching import Watch, subscribe

OTHER = "other@example.org"
WATCH = "subscription($folder: UUID!) { storageChanged(folderUuid: $folder) { latest } }"
POINTS_OF_ONE, POINTS_OF_REPETITION = 221, 10
"""A repetition has the same document and variables."""


@pytest_asyncio.fixture
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Site where a user has the points for two subscriptions and a repetition, and not one point more."""
    limits = Limits(subscription_cost=2 * POINTS_OF_ONE + POINTS_OF_REPETITION)
    async with serve_embedded(request, tmp_path, limits=limits) as running:
        yield running


async def begin(stack: AsyncExitStack, site: Site, folder: str, who: str = "admin") -> Watch:
    """Subscribe until the stack ends, and wait for the first event or the refusal."""
    body: dict[str, Any] = {"query": WATCH, "variables": {"folder": folder}}
    [watch] = await stack.enter_async_context(subscribe(site, body, who))
    await watch.until(lambda watch: watch.states or watch.over)
    return watch


def limit_of(watch: Watch) -> Any:
    """Return the limit for which a subscription was refused."""
    return watch.errors[0]["extensions"].get("limit") if watch.errors else None


async def test_a_subscription_that_exceeds_the_points_of_its_user_is_refused(site: Site) -> None:
    first, second, third = [await site.folder(name) for name in ("first", "second", "third")]
    await site.user(OTHER, "ADMIN")
    async with AsyncExitStack() as stack:
        for folder in (first, second, first):
            assert limit_of(await begin(stack, site, folder)) is None
        for folder in (third, first):
            assert limit_of(await begin(stack, site, folder)) == "subscriptionCost"
        assert limit_of(await begin(stack, site, third, OTHER)) is None


async def test_points_are_given_back_when_a_subscription_ends(site: Site) -> None:
    """However it ends: its client leaves, or it fails."""
    first, second, third = [await site.folder(name) for name in ("first", "second", "third")]
    async with AsyncExitStack() as stack:
        assert limit_of(await begin(stack, site, first)) is None
        async with AsyncExitStack() as brief:
            failed = await begin(brief, site, "00000000-0000-7000-8000-000000000000")
            assert failed.errors[0]["extensions"]["code"] == "NOT_FOUND"
            assert limit_of(await begin(brief, site, second)) is None
            assert limit_of(await begin(brief, site, third)) == "subscriptionCost"
        assert limit_of(await begin(stack, site, third)) is None
        assert limit_of(await begin(stack, site, second)) == "subscriptionCost"  # it is no repetition any more
