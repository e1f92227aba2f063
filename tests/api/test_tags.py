"""Tags of the organisation: managed by site admins, given to folders, and used as filters."""

from typing import Any

import pytest

from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

TAG = "organisationTag { id uuid name description }"
TAGS = "folder { organisationTags { totalCount nodes { name } } }"
FOUND = """
query($tags: [String!], $in: UUID!) { storageFolder(uuid: $in) {
  subfolders(filter: { organisationTagsAllOf: $tags }) { totalCount nodes { name } }
} }
"""


async def tag(site: Site, name: str) -> str:
    """Create a tag and return its UUID."""
    return str((await site.done("createOrganisationTag", {"name": name}, TAG))["organisationTag"]["uuid"])


async def tagged(site: Site, folder: str, *tags: str, who: str = "admin") -> list[str]:
    """Give a folder tags; return the names of those that it has."""
    given = {"folderUuid": folder, "organisationTagUuids": tags}
    result = (await site.done("addStorageFolderTags", given, TAGS, who))["folder"]["organisationTags"]
    assert result["totalCount"] == len(result["nodes"])
    return [node["name"] for node in result["nodes"]]


async def named(site: Site, top: str, *tags: str) -> list[str]:
    """Return the subfolders that have all these tags."""
    data = (await site.ask(FOUND, {"tags": tags, "in": top}))["storageFolder"]["subfolders"]
    assert data["totalCount"] == len(data["nodes"])
    return [node["name"] for node in data["nodes"]]


async def test_admins_create_and_delete_tags(shared_site: Site) -> None:
    """Names are unique, case-sensitively; tags are deleted by UUID or by name.

    Inventory: ENC-CLIENT-10 to ENC-CLIENT-12.
    """
    site = shared_site
    payload = await site.done("createOrganisationTag", {"name": "Roads", "description": "Ways"}, TAG)
    assert payload["organisationTag"]["description"] == "Ways"
    assert await site.refused("createOrganisationTag", {"name": "Roads"}) == [("CONFLICT", "input.name")]
    assert await site.refused("createOrganisationTag", {"name": " "}) == [("BAD_USER_INPUT", "input.name")]
    other = await tag(site, "roads")
    node = await site.ask(
        "query($id: ID!) { node(id: $id) { ... on OrganisationTag { name } } }", payload["organisationTag"]
    )
    assert node["node"] == {"name": "Roads"}
    listed = '{ organisationTags(search: "ROADS") { totalCount nodes { name } } }'
    assert {entry["name"] for entry in (await site.ask(listed))["organisationTags"]["nodes"]} == {"Roads", "roads"}
    for choice in ({"name": "roads", "organisationTagUuid": other}, {}):
        assert await site.invalid("deleteOrganisationTag", choice) == ["BAD_USER_INPUT"]
    folder = await site.folder("street")
    await tagged(site, folder, other)
    gone = await site.done("deleteOrganisationTag", {"name": "roads"}, "organisationTagUuid untaggedFoldersCount")
    assert gone == {"organisationTagUuid": other, "untaggedFoldersCount": 1, "userErrors": []}
    assert await site.refused("deleteOrganisationTag", {"name": "roads"}) == [("NOT_FOUND", "input.name")]
    given = {"organisationTagUuid": other}
    assert await site.refused("deleteOrganisationTag", given) == [("NOT_FOUND", "input.organisationTagUuid")]
    assert (await site.ask(listed))["organisationTags"]["totalCount"] == 1


async def test_others_only_read_tags(shared_site: Site) -> None:
    """Site admins manage tags; editors of a folder tag it."""
    site, folder = shared_site, await shared_site.folder("guarded")
    group, uuid = await site.group("readers"), await tag(site, "guarded")
    await site.user("reader@example.org", groups=[group])
    await site.grant(folder, group, "VIEWER")
    who, mine = "reader@example.org", {"folderUuid": folder, "organisationTagUuids": [uuid]}
    assert await site.refused("createOrganisationTag", {"name": "mine"}, who) == [("FORBIDDEN", "input")]
    assert await site.refused("deleteOrganisationTag", {"name": "guarded"}, who) == [("FORBIDDEN", "input")]
    for mutation in ("addStorageFolderTags", "removeStorageFolderTags"):
        assert await site.refused(mutation, mine, who) == [("FORBIDDEN", "input.folderUuid")]
    data = await site.ask('{ organisationTags(search: "guarded") { nodes { name } } }', who=who)
    assert data["organisationTags"]["nodes"] == [{"name": "guarded"}]
    await site.grant(folder, group, "USER")
    assert await tagged(site, folder, uuid, who=who) == ["guarded"]


async def test_folders_have_tags(shared_site: Site) -> None:
    """Adding and removing twice has no effect; invalid ones are reported by position."""
    site, folder = shared_site, await shared_site.folder("tagged")
    first, second = await tag(site, "one"), await tag(site, "two")
    assert await tagged(site, folder, second) == ["two"]
    assert await tagged(site, folder, first, second) == ["one", "two"]
    given = {"folderUuid": folder, "organisationTagUuids": [folder, first, first]}
    for mutation in ("addStorageFolderTags", "removeStorageFolderTags"):
        places = ["input.organisationTagUuids.0", "input.organisationTagUuids.2"]
        refused = await site.refused(mutation, given)
        assert refused == [("NOT_FOUND", places[0]), ("BAD_USER_INPUT", places[1])]
    for _ in range(2):
        taken = await site.done(
            "removeStorageFolderTags", {"folderUuid": folder, "organisationTagUuids": [first]}, TAGS
        )
        assert taken["folder"]["organisationTags"]["nodes"] == [{"name": "two"}]
    journal = f'{{ storageFolder(uuid: "{folder}") {{ journal {{ nodes {{ action before after }} }} }} }}'
    newest = (await site.ask(journal))["storageFolder"]["journal"]["nodes"][0]
    assert newest == {"action": "UNTAG", "before": {"tag": "one"}, "after": None}


async def test_folders_are_filtered_by_all_their_tags(shared_site: Site) -> None:
    """Names are case-sensitive; a tag that no folder has matches nothing.

    Inventory: ENC-QFOLD-05, SUB-011, SUB-139.
    """
    site, top = shared_site, await shared_site.folder("found")
    both, only = await site.folder("both", top), await site.folder("only", top)
    red, blue = await tag(site, "Red"), await tag(site, "Blue")
    await tagged(site, both, red, blue)
    await tagged(site, only, red)
    assert await named(site, top, "Red") == ["both", "only"]
    assert await named(site, top, "Blue", "Red", "Red") == ["both"]
    assert await named(site, top) == ["both", "only"]
    assert await named(site, top, "red") == await named(site, top, "Red", "unknown") == []
    below = "query($f: StorageFolderFilter) { searchStorageFolders(filter: $f) { nodes { name } } }"
    data = await site.ask(below, {"f": {"organisationTagsAllOf": ["Blue"]}})
    assert data["searchStorageFolders"]["nodes"] == [{"name": "both"}]
    many: dict[str, Any] = {"tags": [str(number) for number in range(101)], "in": top}
    errors = (await site.body(FOUND, many))["errors"]
    assert [error["extensions"]["code"] for error in errors] == ["BAD_USER_INPUT"]


async def test_tags_have_pages(shared_site: Site) -> None:
    """The list is complete beyond the first page.

    Inventory: ENC-PAGE-06.
    """
    site, names = shared_site, [f"paged {number}" for number in range(5)]
    folder = await site.folder("paged")
    await tagged(site, folder, *[await tag(site, name) for name in names])
    document = (
        "query($u: UUID!, $a: String) { storageFolder(uuid: $u) { organisationTags(first: 3, after: $a) { %s } } }"
    )
    seen: list[str] = []
    after = None
    while len(seen) < 5:
        selected = document.replace("%s", "nodes { name } pageInfo { endCursor hasNextPage }")
        page = (await site.ask(selected, {"u": folder, "a": after}))["storageFolder"]["organisationTags"]
        seen += [node["name"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        assert page["pageInfo"]["hasNextPage"] == (len(seen) < 5)
    assert seen == names
