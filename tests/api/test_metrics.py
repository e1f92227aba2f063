"""Metrics for operators: shown to admins only."""

import re

import pytest

from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_admins_see_counters_of_operations(shared_site: Site) -> None:
    async def counted() -> float:
        answer = await shared_site.client.get(f"{shared_site.url}/metrics", headers=shared_site.headers("admin"))
        assert answer.status_code == 200
        assert "process_resident_memory_bytes" in answer.text
        executor = shared_site.services.settings.execution
        labels = f'executor="{executor}",name="Counted",status="ok",type="query"'
        result = re.search(rf"^storegraph_operations_total\{{{labels}\}} (\S+)$", answer.text, re.MULTILINE)
        return float(result[1]) if result else 0.0

    before = await counted()
    await shared_site.ask("query Counted { storageFolders { totalCount } }")
    assert await counted() == before + 1


async def test_others_see_no_metrics(shared_site: Site) -> None:
    await shared_site.user("watcher@example.org")
    for headers, status, code in (
        ({}, 401, "UNAUTHENTICATED"),
        (shared_site.headers("watcher@example.org"), 403, "FORBIDDEN"),
    ):
        answer = await shared_site.client.get(f"{shared_site.url}/metrics", headers=headers)
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, code)
