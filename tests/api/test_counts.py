"""Total counts: exact where a counter knows them, and up to a limit elsewhere."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site, fresh_settings, serve_site
from tests.fixtures.uploading import File

TOTAL = "totalCount totalCountIsCapped"


@pytest.fixture(params=["embedded", "scaled"])
async def counting(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Yield a site that counts to three."""
    with fresh_settings(request.param, request, tmp_path, limits={"count": 3}) as settings:
        async with serve_site(settings) as running:
            yield running


def total(number: int, is_capped: bool = False) -> dict[str, Any]:
    return {"totalCount": number, "totalCountIsCapped": is_capped}


async def test_lists_are_counted_up_to_the_limit(counting: Site) -> None:
    site = counting
    top = await site.folder("counted")
    below = [await site.folder(f"counted {number}", top) for number in range(4)]
    files = [File(f"counted {number}.txt", "PLAIN_TEXT", b"text") for number in range(5)]
    await upload_items(site, top, files)
    await upload_items(site, below[0], files[:3])
    document = f"""query($u: UUID!, $ids: [ID!]!) {{
      storageFolder(uuid: $u) {{
        subfolders {{ {TOTAL} nodes {{ items {{ {TOTAL} }} }} }} items(first: 1) {{ {TOTAL} nodes {{ name }} }}
        kind: items(filter: {{itemTypes: [PLAIN_TEXT]}}) {{ {TOTAL} }}
        none: items(filter: {{itemTypes: [PDF]}}) {{ {TOTAL} }}
        named: items(filter: {{search: "counted"}}) {{ {TOTAL} }}
        one: items(filter: {{exactName: "counted 1.txt"}}) {{ {TOTAL} }} descendantItems {{ {TOTAL} }}
      }}
      searchStorageItems(filter: {{search: "counted"}}) {{ {TOTAL} }}
      search(text: "counted", types: [FOLDER]) {{ {TOTAL} }}
      nodes(ids: $ids) {{ ... on StorageFolder {{ items(filter: {{search: "counted"}}) {{ {TOTAL} }} }} }}
      datasets {{ {TOTAL} }}
    }}"""
    query = "query($u: UUID!) { storageFolder(uuid: $u) { id subfolders { nodes { id } } } }"
    folder = (await site.ask(query, {"u": top}))["storageFolder"]
    ids = [folder["id"], *(node["id"] for node in folder["subfolders"]["nodes"])]
    answer = await site.ask(document, {"u": top, "ids": ids})
    folder = answer["storageFolder"]
    assert folder["subfolders"] == {**total(4), "nodes": [{"items": total(count)} for count in (3, 0, 0, 0)]}
    assert folder["items"] == {**total(5), "nodes": [{"name": "counted 0.txt"}]}
    assert (folder["kind"], folder["none"], folder["one"]) == (total(5), total(0), total(1))
    assert folder["named"] == folder["descendantItems"] == answer["searchStorageItems"] == total(3, True)
    assert answer["search"] == total(3, True)
    assert [node["items"] for node in answer["nodes"]] == [total(3, True), total(3), *[total(0)] * 3]
    assert answer["datasets"] == total(0)


async def test_lists_with_facets_have_the_same_totals(counting: Site) -> None:
    site = counting
    folder, other = await site.folder("faceted"), await site.folder("faceted more")
    files = [File(f"faceted {number}.txt", "PLAIN_TEXT", b"text") for number in range(5)]
    await upload_items(site, folder, files)
    await upload_items(site, other, files[:2])
    document = f"""query($u: UUID!, $other: UUID!) {{
      storageFolder(uuid: $u) {{
        items(first: 1) {{ {TOTAL} FACETS }}
        named: items(filter: {{search: "faceted"}}) {{ {TOTAL} FACETS nodes {{ name }} }}
        one: items(filter: {{exactName: "faceted 1.txt"}}) {{ {TOTAL} FACETS }}
        none: items(filter: {{itemTypes: [PDF]}}) {{ {TOTAL} FACETS }}
      }}
      other: storageFolder(uuid: $other) {{ descendantItems {{ {TOTAL} FACETS }} }}
      searchStorageItems(filter: {{search: "faceted"}}) {{ {TOTAL} FACETS }}
      storageFolders(first: 2) {{ nodes {{ items(filter: {{search: "faceted"}}) {{ {TOTAL} FACETS }} }} }}
    }}"""
    of_both = []
    for facets in ("", "facets(by: [{attribute: OWNER}]) { values { count } otherCount }"):
        answer = await site.ask(document.replace("FACETS", facets), {"u": folder, "other": other})
        of_both.append(without(answer, "facets"))
    assert of_both[0] == of_both[1]
    assert answer["storageFolder"]["items"] == {**total(5), "facets": [{"values": [{"count": 5}], "otherCount": 0}]}
    assert answer["other"]["descendantItems"]["totalCount"] == 2


def without(value: Any, name: str) -> Any:
    """Return JSON without the members of a name."""
    if isinstance(value, dict):
        return {key: without(each, name) for key, each in value.items() if key != name}
    return [without(each, name) for each in value] if isinstance(value, list) else value
