"""Credentials that fail are limited by address, without harm to those that are good."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from structlog.typing import EventDict

from gateway.auth import credentials, failed_credentials
from gateway.limits import Limits
from tests.fixtures.sites import Site, serve_embedded
from tests.transports.serving import socket_to

LIMITS = Limits(failed_credentials=3)


@pytest.fixture
async def strict(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Site that accepts three failures of each address behind a trusted proxy."""
    async with serve_embedded(request, tmp_path, limits=LIMITS, trusted_proxies=["127.0.0.1"]) as site:
        yield site


async def attempt(site: Site, token: str, address: str = "192.0.2.1", path: str = "graphql") -> httpx.Response:
    headers = {"authorization": f"Bearer {token}", "x-forwarded-for": address}
    if path == "metrics":
        return await site.client.get(f"{site.url}/metrics", headers=headers)
    return await site.client.post(f"{site.url}/{path}", json={"query": "{ __typename }"}, headers=headers)


async def fail(site: Site, address: str = "192.0.2.1") -> None:
    for number in range(3):
        assert (await attempt(site, f"wrong {number}", address)).status_code == 401


async def test_further_failures_are_not_looked_at(strict: Site, logs: list[EventDict]) -> None:
    await fail(strict)
    for path in ("graphql", "metrics", "graphql"):
        refused = await attempt(strict, "wrong 4", path=path)
        assert refused.status_code == 429
        assert refused.json()["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert (await attempt(strict, "wrong 5", "192.0.2.2")).status_code == 401
    assert [event["limit"] for event in logs if event["event"] == "limit_hit"] == ["failed_credentials"]


async def test_addresses_of_one_ipv6_network_count_as_one(strict: Site) -> None:
    await fail(strict, "2001:db8::1")
    assert (await attempt(strict, "wrong", "2001:db8::2")).status_code == 429
    assert (await attempt(strict, "wrong", "2001:db8:0:1::1")).status_code == 401


async def test_a_known_credential_works_even_when_it_is_no_longer_cached(
    strict: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = strict.keys["admin"]
    assert (await attempt(strict, good)).status_code == 200
    await fail(strict)
    monkeypatch.setattr(credentials, "TRUST_SECONDS", 0)
    assert (await attempt(strict, good)).status_code == 200


async def test_a_good_credential_is_accepted_once_the_time_is_over(
    strict: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failed_credentials, "WINDOW_SECONDS", 0.5)
    await strict.user("late@example.org")
    await fail(strict)
    refused = await attempt(strict, strict.keys["late@example.org"])
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
    while (await attempt(strict, strict.keys["late@example.org"])).status_code == 429:
        pass
    assert (await attempt(strict, strict.keys["late@example.org"])).status_code == 200


async def test_sockets_count_too(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with serve_embedded(request, tmp_path, limits=LIMITS) as site:
        address = f"{urlsplit(site.url).netloc}/graphql"
        for expected in (4403, 4403, 4403, 4429):
            async with socket_to(address) as client:
                await client.send({"type": "connection_init", "payload": {"authorization": f"Bearer {expected}x"}})
                code, _ = await client.read_until_closed()
                assert code == expected
