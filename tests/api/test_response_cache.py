"""With `STOREGRAPH_RESPONSE_CACHE_BYTES`, answers are kept until anything is committed, for their viewer only."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from tests.fixtures.items import upload_items
from tests.fixtures.metrics import scrape
from tests.fixtures.sites import Site, fresh_settings, serve_embedded, serve_site
from tests.fixtures.uploading import File
from tests.processes import free_ports

FOLDERS = "query Folders($size: Int = 10) { storageFolders(first: $size) { nodes { uuid name } } }"
RATE = "{ rateLimit { remaining } }"


@pytest.fixture(params=["embedded", "scaled"])
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Site, Site]]:
    """Return two gateways over one site, both of which keep answers."""
    async with AsyncExitStack() as stack:
        more = {"response_cache_bytes": 1_000_000}
        settings = stack.enter_context(fresh_settings(request.param, request, tmp_path, **more))
        first = await stack.enter_async_context(serve_site(settings, works=False))
        url = f"http://127.0.0.1:{free_ports(1)[0]}"
        second = await stack.enter_async_context(
            serve_site(settings.model_copy(update={"public_url": url}), works=False)
        )
        second.keys = first.keys
        yield first, second


async def send(site: Site, document: str, variables: dict[str, Any] | None = None, who: str = "admin") -> Response:
    body = {"query": document, "variables": variables or {}}
    return await site.client.post(f"{site.url}/graphql", json=body, headers=site.headers(who))


async def is_kept(site: Site, document: str, variables: dict[str, Any] | None = None, who: str = "admin") -> bool:
    """Return whether an answer was kept."""
    response = await send(site, document, variables, who)
    assert "errors" not in response.json()
    return "cached" in response.headers["server-timing"]


async def folder_names(site: Site, who: str = "admin") -> list[str]:
    answer = (await send(site, FOLDERS, who=who)).json()
    return [folder["name"] for folder in answer["data"]["storageFolders"]["nodes"]]


async def test_an_answer_is_kept_until_any_gateway_changes_something(pair: tuple[Site, Site]) -> None:
    first, second = pair
    for number, (writer, reader) in enumerate([(first, first), (second, first), (first, second)]):
        await folder_names(reader)
        kept, again = [await send(reader, FOLDERS) for _ in range(2)]
        assert "cached" in again.headers["server-timing"]
        assert again.content == kept.content
        await writer.folder(f"f{number}")
        assert await folder_names(reader) == [f"f{each}" for each in range(number + 1)]


async def test_viewers_and_variables_have_answers_of_their_own(pair: tuple[Site, Site]) -> None:
    site, _ = pair
    group = await site.group("readers")
    await site.user("ann@example.org", groups=[group])
    folder = await site.folder("scans")
    assert await folder_names(site) == ["scans"]
    assert await folder_names(site, "ann@example.org") == []
    assert await is_kept(site, FOLDERS)
    assert await is_kept(site, FOLDERS, who="ann@example.org")
    assert not await is_kept(site, FOLDERS, {"size": 5})
    assert not await is_kept(site, FOLDERS + " ")
    await site.grant(folder, group, "VIEWER")
    assert await folder_names(site, "ann@example.org") == ["scans"]
    await site.done("removeStorageFolderGroups", {"folderUuid": folder, "groupUuids": [group]}, "folder { uuid }")
    assert await folder_names(site, "ann@example.org") == []


async def test_batches_and_get_requests_use_kept_answers(pair: tuple[Site, Site]) -> None:
    site, _ = pair
    await site.folder("scans")
    single = (await send(site, FOLDERS)).json()
    url, headers = f"{site.url}/graphql", site.headers()
    batch = await site.client.post(url, json=[{"query": FOLDERS}, {"query": RATE}], headers=headers)
    assert batch.json()[0] == single
    assert "cached" in batch.headers["server-timing"]
    assert (await site.client.get(url, params={"query": FOLDERS}, headers=headers)).json() == single


async def test_answers_that_depend_on_more_than_the_database_are_not_kept(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Signed URLs expire, a rate changes with every request, and errors are found again."""
    with fresh_settings("embedded", request, tmp_path, response_cache_bytes=1_000_000) as settings:
        async with serve_site(settings) as site:
            folder = await site.folder("scans")
            [item] = await upload_items(site, folder, [File("a.txt", "PLAIN_TEXT", b"a")])
            signed = f'{{ storageItem(uuid: "{item}") {{ signedUrl {{ url }} }} }}'
            archive = f'{{ storageItem(uuid: "{item}") {{ downloadUrl {{ url }} }} }}'
            for document in (signed, archive, RATE):
                assert [await is_kept(site, document) for _ in range(3)] == [False] * 3
            for _ in range(2):
                refused = await send(site, '{ storageFolders(after: "x") { nodes { name } } }')
                assert refused.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
            while not await is_kept(site, FOLDERS):
                pass  # the worker may still write
            counts = await scrape(site)
            for outcome, least in {"uncacheable": 11, "miss": 1, "hit": 1}.items():
                assert counts.value("storegraph_response_cache_total", outcome=outcome) >= least
            assert counts.value("storegraph_operations_total", executor="cached") >= 1


async def test_kept_answers_are_charged_for(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    more = {"response_cache_bytes": 1_000_000, "limits": {"cost_per_minute": 2_500}}
    async with serve_embedded(request, tmp_path, **more) as site:
        responses = [await send(site, FOLDERS, {"size": 1_000}) for _ in range(3)]
        assert "cached" in responses[1].headers["server-timing"]
        assert responses[2].json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
