"""Clients learn what they may spend, and what their operations cost."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

RATE = "query Rate { rateLimit { limit remaining resetAt cost } storageFolders(first: 10) { nodes { name } } }"


async def test_operations_are_charged_to_the_viewer(shared_site: Site) -> None:
    await shared_site.user("spender@example.org")
    first = (await shared_site.ask(RATE, who="spender@example.org"))["rateLimit"]
    assert first["limit"] == shared_site.services.settings.limits.cost_per_minute
    assert first["cost"] == 11
    assert first["remaining"] >= first["limit"] - 2 * first["cost"]
    assert datetime.fromisoformat(first["resetAt"]) <= datetime.now(UTC) + timedelta(seconds=1)
