"""Searches over folders, items and users in one list.

Inventory: MID-CORE-34, MID-SRV-04, GIR-CMP-10, SUB-132.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site, serve_embedded
from tests.fixtures.uploading import File

pytestmark = pytest.mark.asyncio(loop_scope="module")
SEARCH = """query($text: String!, $types: [SearchResultType!], $orderBy: SearchOrder, $first: Int, $after: String) {
  search(text: $text, types: $types, orderBy: $orderBy, first: $first, after: $after) {
    nodes { __typename ... on StorageFolder { name } ... on StorageItem { name folder { name } }
      ... on Community { name } ... on User { email } }
    edges { cursor node { ... on Node { id } } }
    pageInfo { startCursor endCursor hasNextPage hasPreviousPage } totalCount } }"""


async def search(site: Site, text: str, who: str = "admin", **arguments: Any) -> dict[str, Any]:
    """Return a page of results."""
    page: dict[str, Any] = (await site.ask(SEARCH, {"text": text, **arguments}, who))["search"]
    assert len(page["nodes"]) == len(page["edges"])
    return page


async def found(site: Site, text: str, who: str = "admin", **arguments: Any) -> list[str]:
    """Return the names of all results, which are as many as the total says."""
    page = await search(site, text, who, **arguments)
    names = [node.get("name", node.get("email")) for node in page["nodes"]]
    assert page["totalCount"] == len(names)
    return names


async def texts(site: Site, folder: str, *names: str) -> list[str]:
    return await upload_items(site, folder, [File(name, "PLAIN_TEXT", name.encode()) for name in names])


async def test_results_of_all_types_by_relevance(shared_site: Site) -> None:
    """Exact before prefix before substring, then by name, whatever the type."""
    site = shared_site
    folder = await site.folder("Kidney")
    await site.folder("a kidney", folder)
    await texts(site, folder, "kidney", "kidney.txt", "left kidney", "liver")
    await site.user("kidney@example.org")
    await site.user("dr.kidney@example.org")
    page = await search(site, "KIDNEY")
    assert [(node["__typename"], node.get("name", node.get("email"))) for node in page["nodes"][:2]] in (
        [("StorageFolder", "Kidney"), ("PlainTextItem", "kidney")],
        [("PlainTextItem", "kidney"), ("StorageFolder", "Kidney")],
    )
    assert (await found(site, "KIDNEY"))[2:] == [
        "kidney.txt",
        "kidney@example.org",
        "a kidney",
        "dr.kidney@example.org",
        "left kidney",
    ]
    assert await found(site, "kidney", types=["USER"]) == ["kidney@example.org", "dr.kidney@example.org"]
    assert await found(site, "kidney", types=["FOLDER"]) == ["Kidney", "a kidney"]
    assert await found(site, "left", types=["ITEM", "FOLDER"]) == ["left kidney"]
    by_name = {"field": "NAME", "direction": "DESC"}
    assert (await found(site, "kidney", types=["ITEM", "USER"], orderBy=by_name))[0] == "left kidney"
    newest = await found(site, "kidney", types=[], orderBy={"field": "CREATED_AT"})
    assert newest[0] == "dr.kidney@example.org" and newest[-1] == "Kidney"
    oldest = await found(site, "kidney", orderBy={"field": "CREATED_AT", "direction": "ASC"})
    assert oldest == newest[::-1]
    assert len(await found(site, "kidney", orderBy={"field": "LAST_EDITED_AT"})) == 7


@pytest.mark.parametrize("field", ["RELEVANCE", "NAME", "CREATED_AT", "LAST_EDITED_AT"])
async def test_pages_cover_every_result_once(shared_site: Site, field: str) -> None:
    """Search is not capped, and says whether there are more.

    Inventory: SUB-132.
    """
    site = shared_site
    if not await found(site, "paged"):
        folder = await site.folder("paged")
        for number in range(3):
            await site.folder(f"paged {number}", folder)
        await texts(site, folder, "paged", "x paged", "paged 1", "paged")
        await site.user("paged@example.org")
    for direction in ("ASC", "DESC"):
        order = {"field": field, "direction": direction}
        whole = await search(site, "paged", orderBy=order)
        ids = [edge["node"]["id"] for edge in whole["edges"]]
        assert len(ids) == len(set(ids)) == whole["totalCount"] == 9
        seen: list[str] = []
        cursor = None
        while True:
            page = await search(site, "paged", orderBy=order, first=2, after=cursor)
            seen += [edge["node"]["id"] for edge in page["edges"]]
            info = page["pageInfo"]
            assert (info["hasPreviousPage"], page["totalCount"]) == (cursor is not None, 9)
            if not info["hasNextPage"]:
                break
            cursor = info["endCursor"]
        assert seen == ids
    assert (await search(site, "paged", first=0))["pageInfo"]["hasNextPage"] is True


async def test_only_what_the_viewer_sees_is_found(shared_site: Site) -> None:
    """Granted and public folders with what is in them and items that were shared; nothing of the rest counts."""
    site = shared_site
    granted, hidden, public = [await site.folder(f"lung {name}") for name in ("granted", "hidden", "public")]
    for folder in (granted, hidden, public):
        await texts(site, folder, "lung file")
    closed = await site.folder("lung closed", public)
    for folder, visibility in ((public, "PUBLIC"), (closed, "PRIVATE")):
        await site.done(
            "setStorageFolderVisibility", {"folderUuid": folder, "visibility": visibility}, "folder { uuid }"
        )
    (shared,) = await texts(site, hidden, "lung shared")
    await site.done("shareStorageItems", {"itemUuids": [shared], "folderUuid": granted}, "folder { uuid }")
    group = await site.group("breathing")
    who, stranger = await site.newcomer(group), await site.newcomer()
    await site.grant(granted, group, "VIEWER")
    both = ["lung file", "lung file", "lung granted", "lung public", "lung shared"]
    assert await found(site, "lung", who) == both
    assert await found(site, "lung", stranger) == ["lung file", "lung public"]
    assert len(await found(site, "lung")) == 8


async def test_communities_are_found_by_their_names(shared_site: Site) -> None:
    """Public ones by everyone, private ones by those who hold a role; their folder is not listed beside them."""
    site = shared_site
    for name, visibility in (("Thymus", "PUBLIC"), ("Thymus inside", "PRIVATE")):
        given = {"name": name, "visibility": visibility}
        await site.done("upsertCommunity", given, "community { uuid }")
    who = await site.newcomer()
    page = await search(site, "thymus", who)
    assert [node["__typename"] for node in page["nodes"]] == ["Community"]
    assert page["totalCount"] == 1
    assert await found(site, "thymus") == ["Thymus", "Thymus inside"]
    assert await found(site, "inside", types=["COMMUNITY"]) == ["Thymus inside"]
    assert await found(site, "ym", types=["COMMUNITY"]) == []
    assert await found(site, "thymus", who, types=["FOLDER"]) == ["Thymus"]


async def test_users_are_found_as_in_the_directory(shared_site: Site) -> None:
    """By their email address alone, and not by a part of fewer than three characters inside it."""
    site = shared_site
    user = await site.user("Heart@Example.org")
    await site.done("updateUser", {"userUuid": user, "name": "Aorta"}, "user { uuid }")
    who = await site.newcomer()
    assert await found(site, "heart", who) == ["Heart@Example.org"]
    assert await found(site, "heart@EXAMPLE.org", who) == ["Heart@Example.org"]
    assert await found(site, "aorta", who) == []
    assert await found(site, "ar", who, types=["USER"]) == []
    assert await found(site, "he", who, types=["USER"]) == ["Heart@Example.org"]


async def test_a_key_without_the_scope_finds_no_users(shared_site: Site) -> None:
    """Neither by their names nor by the number of results or their cursors."""
    site = shared_site
    await site.user("pancreas@example.org")
    created = {"name": "data only", "scopes": ["READ_DATA"]}
    who = await site.newcomer()
    site.keys["data only"] = (await site.done("createApiKey", created, "token", who))["token"]
    counted = 'query { search(text: "pancreas") { totalCount edges { cursor } } }'
    assert (await site.ask(counted, who=who))["search"]["totalCount"] == 1
    assert await site.ask(counted, who="data only") == {"search": {"totalCount": 0, "edges": []}}


async def test_a_closed_directory_shows_those_with_whom_one_shares_a_group(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    async with serve_embedded(request, tmp_path, user_directory="shared_groups") as site:
        group = await site.group("colleagues")
        who, stranger = await site.newcomer(group), await site.newcomer()
        await site.user("colleague@example.org", groups=[group])
        assert await found(site, "colleague", who) == ["colleague@example.org"]
        assert await found(site, "colleague", stranger) == []
        assert await found(site, "colleague") == ["colleague@example.org"]


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ({"text": ""}, ["text"]),
        ({"text": "x" * 1001}, ["text"]),
        ({"text": "abc", "first": -1}, ["first"]),
        ({"text": "abc", "first": 1001}, ["first"]),
        ({"text": "abc", "after": "nonsense"}, ["after"]),
    ],
)
async def test_bad_arguments_are_refused_by_name(shared_site: Site, arguments: dict[str, Any], path: list[str]) -> None:
    (error,) = (await shared_site.body(SEARCH, arguments))["errors"]
    assert (error["extensions"]["code"], error["extensions"]["inputPath"]) == ("BAD_USER_INPUT", path)


async def test_a_cursor_is_of_one_search(shared_site: Site) -> None:
    folder = await shared_site.folder("spleen")
    await texts(shared_site, folder, "spleen 1", "spleen 2")
    cursor = (await search(shared_site, "spleen", first=1))["pageInfo"]["endCursor"]
    for other in ({"text": "splee"}, {"types": ["ITEM"]}, {"orderBy": {"field": "NAME"}}):
        arguments = {"text": "spleen", **other, "after": cursor}
        (error,) = (await shared_site.body(SEARCH, arguments))["errors"]
        assert error["extensions"]["inputPath"] == ["after"]
    assert len((await search(shared_site, "spleen", after=cursor))["nodes"]) == 2


async def test_special_characters_are_no_patterns(shared_site: Site) -> None:
    folder = await shared_site.folder("odd")
    await texts(shared_site, folder, "100% done_now", '1" (a*b?)', "100 done now", "a\\b/c")
    for text in ("100%", "% done_", '" (', "a*b?)", "done_now", "a\\b", "b/c"):
        assert len(await found(shared_site, text)) == 1, text
    for text in ("10*", "1?0", "d%e", "%", "\\100", "/100"):
        assert await found(shared_site, text) == [], text
