"""Advanced searches: what a query in Lucene's syntax may be, and who finds what by it.

Inventory: MID-MOD-03, MID-SRV-04, SUB-132.
"""

from typing import Any

import pytest

from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File

pytestmark = pytest.mark.asyncio(loop_scope="module")
SEARCH = """query($q: String!, $o: StorageItemOrder, $s: StorageScope, $first: Int, $after: String) {
  searchStorageItemsAdvanced(query: $q, orderBy: $o, scope: $s, first: $first, after: $after) {
    nodes { name } totalCount pageInfo { endCursor hasNextPage } } }"""


async def found(site: Site, query: str, who: str = "admin", **arguments: Any) -> list[str]:
    """Return the names of the items that a query finds."""
    page = (await site.ask(SEARCH, {"q": query, **arguments}, who))["searchStorageItemsAdvanced"]
    assert page["totalCount"] >= len(page["nodes"])
    return [node["name"] for node in page["nodes"]]


async def texts(site: Site, folder: str, *names: str) -> list[str]:
    """Upload text files with these names, and return their UUIDs."""
    return await upload_items(site, folder, [File(name, "PLAIN_TEXT", name.encode()) for name in names])


@pytest.mark.parametrize(
    ("query", "column", "part"),
    [
        ("", 1, "Expected a term"),
        ("name:", 6, "Expected a value"),
        ("liver~", 6, "Fuzzy"),
        ("liver~2", 6, "Fuzzy"),
        ('"liver lobe"~3', 13, "proximity"),
        ("name:liver^2", 11, "Boosts"),
        ("liver AND /li.*r/", 11, "Regular expressions"),
        ("name:/li[a-z]+/", 6, "Regular expressions"),
        ("size:5 colour:red", 8, 'Unknown field "colour"'),
        ("nam:x", 1, 'Did you mean "name"?'),
        ("+name:abc nam:x", 11, "Unknown field"),
        ("_exists_:colour", 10, "Unknown field"),
        ("name:*", 6, "_exists_:name"),
        ("name:ab*cd", 6, "3 characters in a row"),
        ("a?b?c", 1, "3 characters in a row"),
        ("(name:abc", 10, "Expected ), not the end of the query."),
        ("name:abc)", 9, "Expected the end of the query, not )."),
        ("OR abc", 1, "Expected a term, not OR."),
        ("abc AND", 8, "Expected a term"),
        ("abc AND OR abc", 9, "Expected a term"),
        ("NOT NOT abc", 5, "Expected a term"),
        ('abc "def', 5, "no closing quotation mark"),
        ("abc\\", 4, "backslash"),
        ("size:ten", 6, "Expected a whole number"),
        ("size:[1 TO ten]", 12, "Expected a whole number"),
        ("size:[1 TO 2", 13, "Expected ] or }"),
        ("size:[1 2]", 9, "Expected TO, not 2."),
        ("size:123*", 6, "cannot have wildcards"),
        ("size:>=", 8, "Expected a value"),
        ("created:2026-02-30", 9, "Expected a date or a time"),
        ("created:yesterday", 9, "Expected a date or a time"),
        ("created:[abc* TO 2026]", 10, "cannot have wildcards"),
        ("type:PICTURE", 6, "Unknown type"),
        ("name:[a TO b]", 6, "Ranges are for"),
        ("sha256:abc", 8, "64 hex digits"),
        ("mime:/", 6, "Regular expressions"),
        ('mime:"/"', 6, "Expected a media type"),
        ('name:""', 6, "empty"),
        ("folder:/abc*/x", 8, "wildcards"),
        ("folder:abc", 8, "A path consists of names"),
        ("folder:/abc/../def", 8, ". or .."),
        ("meta.never:5", 1, "The metadata key never is not declared."),
        ("-meta.never:5", 2, "The metadata key never is not declared."),
        (f"{'(' * 17}abc{')' * 17}", 17, "16 levels"),
        (" ".join(f"n{number}" for number in range(65)), 247, "at most 64 terms"),
        ("x" * 1001, 1001, "at most 1,000 characters"),
        (" ".join(f"folder:/{number}" for number in range(9)), 88, "at most 8 folders"),
    ],
)
async def test_what_is_wrong_is_refused_at_its_column(shared_site: Site, query: str, column: int, part: str) -> None:
    """Fuzzy searches, boosts, regular expressions and unknown fields, among others."""
    (error,) = (await shared_site.body(SEARCH, {"q": query}))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["inputPath"] == ["query"]
    assert error["message"].startswith(f"Column {column:,}: "), error["message"]
    assert part in error["message"]


async def test_what_is_just_allowed(shared_site: Site) -> None:
    for query in (
        f"{'(' * 16}abc{')' * 16}",
        " ".join(f"n{number}" for number in range(64)),
        "x" * 1000,
        " ".join(f"folder:/{number}" for number in [*range(8), 1, 2]),
    ):
        assert await found(shared_site, query) == []


async def test_only_visible_items_are_found_and_a_page_is_full(shared_site: Site) -> None:
    """The viewer's items are as many as the page, however many others match before them.

    Inventory: SUB-132.
    """
    site = shared_site
    hidden, shown = await site.folder("vault"), await site.folder("desk")
    await texts(site, hidden, *(f"a note {number:02}" for number in range(30)))
    await texts(site, shown, *(f"b note {number:02}" for number in range(25)))
    group = await site.group("at the desk")
    who = await site.newcomer(group)
    await site.grant(shown, group, "VIEWER")
    arguments: dict[str, Any] = {"q": "note type:plain_text", "first": 20}
    page = (await site.ask(SEARCH, arguments, who))["searchStorageItemsAdvanced"]
    assert [node["name"] for node in page["nodes"]] == [f"b note {number:02}" for number in range(20)]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (25, True)
    rest = await found(site, arguments["q"], who, after=page["pageInfo"]["endCursor"])
    assert rest == [f"b note {number:02}" for number in range(20, 25)]
    assert len(await found(site, "note", first=1000)) == 55
    newest = {"field": "CREATED_AT", "direction": "DESC"}
    assert sorted(await found(site, "note", who, o=newest)) == [f"b note {number:02}" for number in range(25)]
    assert await found(site, "note", await site.newcomer()) == []
    (error,) = (await site.body(SEARCH, {"q": "note", "s": "ORGANISATION"}, who))["errors"]
    assert error["extensions"]["code"] == "FORBIDDEN"


async def test_a_hidden_folder_looks_like_none(shared_site: Site) -> None:
    """Neither its path nor its UUID finds anything, also negated, for those who cannot see it."""
    site = shared_site
    top = await site.folder("atrium")
    closed = await site.folder("closed", await site.folder("inner", top))
    await texts(site, closed, "closed note")
    await texts(site, top, "open note")
    group = await site.group("in the hall")
    who, stranger = await site.newcomer(group), await site.newcomer()
    await site.grant(closed, group, "VIEWER")
    for place in (f"folder:{closed}", "folder:/closed", "folder:/closed/*"):
        assert await found(site, place, who) == ["closed note"]
        assert await found(site, place, stranger) == []
    for place in (f"folder:{top}", "folder:/atrium", "folder:/atrium/*", "folder:/atrium/inner/closed"):
        assert await found(site, place, who) == []
        assert await found(site, f"-{place}", who) == ["closed note"]
    assert await found(site, "folder:/atrium/*") == ["closed note", "open note"]
    assert await found(site, "folder:/atrium/inner/closed") == ["closed note"]


async def test_shared_items_are_in_the_folders_that_the_viewer_sees(shared_site: Site) -> None:
    """Nobody learns that the home of an item which they see elsewhere is below a folder that they see."""
    site = shared_site
    top, desk = await site.folder("campus"), await site.folder("reading desk")
    closed = await site.folder("archive", top)
    for folder, visibility in ((top, "PUBLIC"), (closed, "PRIVATE")):
        await site.done(
            "setStorageFolderVisibility", {"folderUuid": folder, "visibility": visibility}, "folder { uuid }"
        )
    await texts(site, top, "leaflet")
    uuids = await texts(site, closed, "charter")
    await site.done("shareStorageItems", {"itemUuids": uuids, "folderUuid": desk}, "folder { uuid }")
    group = await site.group("readers")
    who = await site.newcomer(group)
    await site.grant(desk, group, "VIEWER")
    safe = await site.folder("safe")
    await site.done("shareStorageItems", {"itemUuids": uuids, "folderUuid": safe}, "folder { uuid }")
    assert await found(site, f"folder:{safe}") == ["charter"]
    for hidden in (safe, closed):
        assert await found(site, f"folder:{hidden}", who) == []
        assert await found(site, f"charter AND -folder:{hidden}", who) == ["charter"]
    assert await found(site, "folder:/campus/*") == ["charter", "leaflet"]
    assert await found(site, 'folder:"/reading desk"') == ["charter"]
    assert await found(site, r"folder:/reading\ desk/*", who) == ["charter"]
    assert await found(site, f"folder:{desk} name:none", who) == ["charter"]
    assert await found(site, "folder:/campus/* charter", who) == ["charter"]
    assert await found(site, "folder:/campus/* AND charter", who) == []
    assert await found(site, "charter AND -folder:/campus/*", who) == ["charter"]
    assert await found(site, "folder:/campus/*", who, s="PUBLIC") == ["leaflet"]


async def test_undeclared_keys_are_for_a_single_folder(shared_site: Site) -> None:
    """The folder must be required, and be the folder itself rather than all below it."""
    site = shared_site
    folder = await site.folder("described")
    uuids = await texts(site, folder, "first", "second", "third")
    values: list[dict[str, Any]] = [{"pi": 3.5, "who": "Ann", "ok": True}, {"pi": "3.5"}, {"pi": 4, "who": None}]
    for uuid, metadata in zip(uuids, values, strict=True):
        await site.done("updateStorageItem", {"itemUuid": uuid, "clientMetadata": metadata}, "item { uuid }")
    for query, names in (
        ("+folder:/described meta.pi:3.5", ["first", "second", "third"]),
        ("folder:/described AND meta.pi:3.5", ["first", "second"]),
        ("folder:/described AND meta.pi:[3.5 TO 4}", ["first"]),
        ("+folder:/described +meta.pi:>3.5", ["third"]),
        ("+folder:/described +meta.who:Ann", ["first"]),
        ("+folder:/described +meta.who:ann*", ["first"]),
        ("+folder:/described +meta.who:ann", []),
        ("+folder:/described +meta.ok:true", ["first"]),
        ("+folder:/described -_exists_:meta.who", ["second", "third"]),
        ("(folder:/described) AND (name:third OR meta.ok:true)", ["first", "third"]),
    ):
        assert await found(site, query) == names, query
    for query in (
        "meta.pi:3.5",
        "folder:/described meta.pi:3.5",
        "folder:/described OR meta.pi:3.5",
        "+folder:/described/* +meta.pi:3.5",
        "-folder:/described +meta.pi:3.5",
        "NOT (folder:/described AND meta.pi:3.5)",
    ):
        (error,) = (await site.body(SEARCH, {"q": query}))["errors"]
        assert "The metadata key pi is not declared." in error["message"], query
    (error,) = (await site.body(SEARCH, {"q": "+folder:/described +meta.who:[a TO b]"}))["errors"]
    assert error["message"].startswith("Column 31: Expected a number")


async def test_declared_keys_are_checked_by_their_type(shared_site: Site) -> None:
    site = shared_site
    kinds = {"length": "NUMBER", "flag": "BOOLEAN", "spot": "GEOSPATIAL", "case": "UUID", "note": "TEXT"}
    for key, kind in kinds.items():
        await site.done("setMetadataSchemaField", {"key": key, "type": kind}, "field { key }")
    await site.done(
        "setMetadataSchemaField", {"key": "vector", "type": "EMBEDDING", "embeddingSize": 2}, "field { key }"
    )
    for query, column, part in (
        ("meta.length:long", 13, "Expected a number"),
        ("meta.flag:maybe", 11, "Expected true or false"),
        ("meta.flag:[true TO false]", 11, "has no ranges"),
        ("meta.spot:5", 11, "_exists_:meta.spot"),
        ("meta.case:5", 11, "Expected a UUID"),
        ("meta.case:abc*", 11, "cannot have wildcards"),
        ("meta.note:[a TO b]", 11, "has no ranges"),
        ("meta.vector:5", 1, "cannot be found by the key vector"),
    ):
        body = await site.body(SEARCH, {"q": query})
        while body["errors"][0]["extensions"]["code"] == "UNAVAILABLE":  # while the worker fills in the keys
            body = await site.body(SEARCH, {"q": query})
        (error,) = body["errors"]
        assert error["message"].startswith(f"Column {column}: "), error["message"]
        assert part in error["message"]
    assert await found(site, "_exists_:meta.spot") == []


async def test_descriptions_are_found_as_they_change(shared_site: Site) -> None:
    """By any part, ignoring case, with wildcards, by the start if it is short, and together with names."""
    site, folder = shared_site, await shared_site.folder("described")
    names = await texts(site, folder, "plain", "Blütenstaub")
    await describe(site, names[0], "Ein BLÜTENTRAUM 100%")
    for query in ("description:tentra", "description:*blüten*aum*", '"00%"', "description:ei", "tenTRaum"):
        assert await found(site, f"folder:{folder} AND {query}") == ["plain"], query
    assert set(await found(site, f"folder:{folder} AND blüte")) == {"plain", "Blütenstaub"}
    assert await found(site, f"folder:{folder} AND NOT blüte") == []
    assert await found(site, f"folder:{folder} AND NOT description:blüte") == ["Blütenstaub"]
    await describe(site, names[0], "something else")
    assert await found(site, f"folder:{folder} AND description:traum") == []
    assert await found(site, f"folder:{folder} AND description:ELSE") == ["plain"]
    await describe(site, names[0], "")
    assert await found(site, f"folder:{folder} AND (description:else OR _exists_:description)") == []
    await describe(site, names[0], "again")
    assert await found(site, "description:again") == ["plain"]
    await site.done("deleteStorageItems", {"itemUuids": names[:1]}, "")
    assert await found(site, "description:again") == []


async def describe(site: Site, item: str, description: str) -> None:
    """Give an item a description."""
    await site.done("updateStorageItem", {"itemUuid": item, "description": description}, "item { uuid }")


async def test_masked_items_are_found_by_what_everyone_sees_of_them(shared_site: Site) -> None:
    """Names, descriptions and metadata are not masked, and there is no field for what is."""
    site = shared_site
    folder = await site.folder("masked")
    await texts(site, folder, "masked note")
    await site.done("updateStorageFolder", {"folderUuid": folder, "phiPolicy": "MASKED"}, "folder { uuid }")
    group = await site.group("outside")
    who = await site.newcomer(group)
    await site.grant(folder, group, "VIEWER")
    assert await found(site, "name:masked AND size:>0", who) == ["masked note"]
    for field in ("url", "object_key", "probeWarnings", "patientName", "dicom_study_uid"):
        (error,) = (await site.body(SEARCH, {"q": f"{field}:abc"}, who))["errors"]
        assert "Unknown field" in error["message"]
