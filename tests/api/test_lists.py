"""Lists: pages, cursors, orders, searches and filters."""

import base64
import json
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from tests.fixtures.items import create_dataset, make_tombstone, upload_items
from tests.fixtures.properties import check_property
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, announce

PAGE = (
    "nodes { uuid name fileSize createdAt } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount"
)
LISTED = f"""query($u: UUID!, $filter: StorageItemFilter, $orderBy: StorageItemOrder, $first: Int, $after: String,
  $last: Int, $before: String) {{ storageFolder(uuid: $u) {{ items(filter: $filter, orderBy: $orderBy,
  first: $first, after: $after, last: $last, before: $before) {{ {PAGE} }} }} }}"""
pytestmark = pytest.mark.asyncio(loop_scope="module")
# Letters with special case folding, composition, UTF-8 or UTF-16 length, or collation.
LETTERS = "aAbBzZ019 _-%*\"'\\.äÄßẞéÉıIİſΣςσΩ\u0301ñéЖж日本\ufb01\uffee\U0001f600\U00010400\U00010428~"
NAMES = st.text(st.sampled_from(LETTERS), min_size=1, max_size=6).filter(lambda name: name.strip(" .") != "")
ORDERS = st.tuples(st.sampled_from(["NAME", "CREATED_AT", "LAST_EDITED_AT", "SIZE"]), st.sampled_from(["ASC", "DESC"]))


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return shared_site


def folded(name: str) -> str:
    """Return the form of a name that orders and searches use."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


async def listed(site: Site, folder: str, **arguments: Any) -> Any:
    """Return a page of the items of a folder, placeholders included unless there is a filter."""
    variables = {"u": folder, "filter": {"includePlaceholders": True}, **arguments}
    return (await site.ask(LISTED, variables))["storageFolder"]["items"]


async def refusal(site: Site, folder: str, **arguments: Any) -> tuple[str, list[str]]:
    """Return the code and path of the error of a page request."""
    (error,) = (await site.body(LISTED, {"u": folder, **arguments}))["errors"]
    return error["extensions"]["code"], error["extensions"].get("inputPath")


async def waiting(site: Site, folder: str, *names: str) -> list[str]:
    """Create placeholders with these names."""
    return [
        target["itemUuid"]
        for target in await announce(site, folder, [File(name, "PLAIN_TEXT", b"x") for name in names])
    ]


async def walked(site: Site, folder: str, size: int, forwards: bool, **arguments: Any) -> list[dict[str, Any]]:
    """Return all items of a folder, paged from one end, in the order of the list."""
    result: list[dict[str, Any]] = []
    cursor = None
    while True:
        ask = {"first": size, "after": cursor} if forwards else {"last": size, "before": cursor}
        page = await listed(site, folder, **arguments, **ask)
        info, nodes = page["pageInfo"], page["nodes"]
        result = result + nodes if forwards else nodes + result
        assert info["hasPreviousPage" if forwards else "hasNextPage"] is (cursor is not None)
        cursor = info["endCursor" if forwards else "startCursor"]
        if not info["hasNextPage" if forwards else "hasPreviousPage"]:
            assert page["totalCount"] == len(result)
            return result
        assert len(nodes) == size


async def test_pages_of_every_size_cover_everything_once(site: Site) -> None:
    """Any names, sizes, order and page size, from both ends.

    Inventory: ENC-PAGE, ENC-ENUM-05, SUB-005, SUB-014.
    """
    folder = await site.folder("walked")
    sizes = [1, 1, 2, 300, 300, 5]
    files = [
        File(str(index), "PLAIN_TEXT", bytes([65 + index]) * size, "text/plain") for index, size in enumerate(sizes)
    ]
    uuids = await upload_items(site, folder, files) + await waiting(site, folder, "w1", "w2", "w3")

    async def check(case: Any) -> None:
        names, (field, direction), size, forwards = case
        updates = [{"itemUuid": uuid, "name": name} for uuid, name in zip(uuids, names, strict=True)]
        await site.done("updateStorageItems", {"items": updates}, "results { uuid }")
        order = {"field": field, "direction": direction}
        result = await walked(site, folder, size, forwards, orderBy=order)
        assert len(result) == len(uuids)
        assert {node["uuid"]: node["name"] for node in result} == dict(zip(uuids, names, strict=True))
        whole = (await listed(site, folder, orderBy=order))["nodes"]
        assert [node["uuid"] for node in result] == [node["uuid"] for node in whole]
        check_order(result, field, direction)

    names = st.lists(NAMES, min_size=len(uuids), max_size=len(uuids))
    await check_property(check, st.tuples(names, ORDERS, st.integers(1, len(uuids) + 1), st.booleans()), 20)


def check_order(nodes: list[dict[str, Any]], field: str, direction: str) -> None:
    """Check that items are ordered by the field, then by UUID, both in one direction.

    Items without a value come last.
    """
    keys: dict[str, Callable[[dict[str, Any]], Any]] = {
        "NAME": lambda node: folded(node["name"]),
        "SIZE": lambda node: node["fileSize"],
    }
    if field not in keys:
        return  # times may or may not be equal: `walked` compares with the whole list
    pairs = [(keys[field](node), node["uuid"]) for node in nodes]
    there = [pair for pair in pairs if pair[0] is not None]
    lacking = [pair for pair in pairs if pair[0] is None]
    reverse = direction == "DESC"
    assert pairs == sorted(there, reverse=reverse) + sorted(lacking, key=lambda pair: pair[1], reverse=reverse)


async def test_numbers_in_names_are_ordered_by_value(site: Site) -> None:
    """After being announced and after being renamed."""
    folder = await site.folder("natural")
    ordered = ["a", "a1b", "A2", "a02b", "a10", "a10b2", "a10b11", "a100", "b", "Straße 9", "STRASSE 10"]
    uuids = await waiting(site, folder, *reversed(ordered[:-1]), "a3")
    renamed = {"items": [{"itemUuid": uuids[-1], "name": ordered[-1]}]}
    await site.done("updateStorageItems", renamed, "results { uuid }")
    given = {"filter": {"includePlaceholders": True}, "orderBy": {"field": "NATURAL_NAME"}}
    assert [node["name"] for node in (await listed(site, folder, **given))["nodes"]] == ordered


async def test_searches_match_like_python(site: Site) -> None:
    """Three characters or more match anywhere, fewer at the start, in any case.

    Inventory: ENC-PAGE-08, SUB-142.
    """
    folder = await site.folder("searched")
    names = [
        "100%",
        "a_b",
        "a*b",
        'say "hi"',
        "back\\slash",
        "it's",
        "Straße",
        "STRASSE",
        "Élan",
        "E\u0301lan",
        "ΣΊΣΥΦΟΣ",
    ]
    names += ["日本語", "AND OR NOT", "a-b (c)", "aXb", "name:x", "{}", "\U00010400\U00010401\U00010402", "x^y NEAR z"]
    await waiting(site, folder, *names)

    async def check(text: str) -> None:
        result = await listed(site, folder, filter={"search": text, "includePlaceholders": True})
        wanted = folded(text)
        matches = [n for n in names if (wanted in folded(n) if len(wanted) > 2 else folded(n).startswith(wanted))]
        assert sorted(node["name"] for node in result["nodes"]) == sorted(matches), text
        assert result["totalCount"] == len(matches)

    ends = [part for name in names for part in (name, name[1:], name[:2]) if part]
    for text in [*ends, "%", "_", "*", '"', "\\", "zzz", "  "]:
        await check(text)
    await check_property(check, st.one_of(st.sampled_from(names).flatmap(parts), NAMES), 30)
    assert await refusal(site, folder, filter={"search": "x" * 1001}) == ("BAD_USER_INPUT", ["filter", "search"])


def parts(name: str) -> st.SearchStrategy[str]:
    """Return a strategy of parts of a name, in either case."""
    changes: list[Callable[[str], str]] = [str.upper, str.lower, str]
    size = len(name)
    places = st.tuples(st.integers(0, size - 1), st.integers(1, size), st.sampled_from(changes))
    return places.map(lambda case: case[2](name[case[0] : case[0] + case[1]]))


async def last_cursor(site: Site, folder: str) -> str:
    """Return the cursor of the last item of a folder."""
    return str((await listed(site, folder, last=1))["pageInfo"]["endCursor"])


async def test_page_sizes_are_0_to_1000(site: Site) -> None:
    """The default is 100; arguments that exclude each other are refused by name.

    Inventory: ENC-PAGE-01, ENC-ERR-13, SUB-004.
    """
    folder = await site.folder("sizes")
    await waiting(site, folder, *(f"{number:03}" for number in range(101)))
    assert len((await listed(site, folder))["nodes"]) == 100
    assert [node["name"] for node in (await listed(site, folder, last=2))["nodes"]] == ["099", "100"]
    page = await listed(site, folder, first=1000)
    assert (len(page["nodes"]), page["pageInfo"]["hasNextPage"], page["totalCount"]) == (101, False, 101)
    cursor = page["pageInfo"]["startCursor"]
    for name in ("first", "last"):
        for number in (-1, 1001, 2147483647):
            assert await refusal(site, folder, **{name: number}) == ("BAD_USER_INPUT", [name])
    for name, more in (("first", "hasNextPage"), ("last", "hasPreviousPage")):
        ends = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
        page = await listed(site, folder, **{name: 0})
        assert page == {**page, "nodes": [], "totalCount": 101, "pageInfo": {**ends, more: True}}
    page = await listed(site, folder, first=0, after=await last_cursor(site, folder))
    assert page["pageInfo"] == {**ends, "hasPreviousPage": True}
    wrong = {
        "last": {"first": 1, "last": 1},
        "before": {"first": 1, "before": cursor},
        "after": {"last": 1, "after": cursor},
    }
    for name, arguments in wrong.items():
        assert await refusal(site, folder, **arguments) == ("BAD_USER_INPUT", [name]), arguments
    # Every list declares these arguments itself.
    for field in ("storageFolders", "searchStorageFolders", "uploadJobs", "datasets", "groups", "users"):
        answer = await site.body(f"{{ {field}(first: 1001) {{ totalCount }} }}")
        assert answer["errors"][0]["extensions"]["inputPath"] == ["first"], field


async def test_cursors_are_valid_for_their_list_only(site: Site) -> None:
    """A foreign, stale or forged cursor is refused.

    Inventory: ENC-PAGE-02, ENC-PAGE-04, SUB-007.
    """
    folder, other = await site.folder("cursors"), await site.folder("other")
    for home in (folder, other):
        await waiting(site, home, "a", "b", "c")
    cursor = (await listed(site, folder, first=1))["pageInfo"]["endCursor"]
    assert [node["name"] for node in (await listed(site, folder, first=1, after=cursor))["nodes"]] == ["b"]
    changed = [{"orderBy": {"field": "SIZE"}}, {"orderBy": {"direction": "DESC"}}, {"filter": {"search": "b"}}]
    for arguments in changed:
        assert await refusal(site, folder, after=cursor, **arguments) == ("BAD_USER_INPUT", ["after"]), arguments
    subfolders = await site.body(
        f'{{ storageFolder(uuid: "{folder}") {{ subfolders(after: "{cursor}") {{ totalCount }} }} }}'
    )
    assert subfolders["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    for forged in ("", "x", "é", "A" * 100_000, cursor[:-3], cursor + "AAAA", "=" * 5, *forgeries(cursor)):
        for name in ("after", "before"):
            assert await refusal(site, folder, **{name: forged}) == ("BAD_USER_INPUT", [name]), forged


def forgeries(cursor: str) -> list[str]:
    """Return cursors with a valid beginning that no list has issued."""
    mark, _, last = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    places: list[Any] = [
        [mark, "a"],
        [mark, "a", last, 1],
        [mark, 1, last],
        [mark, None, last],
        [mark, ["a"], last],
        [mark, {"a": 1}, last],
        [mark, "\0", last],
        [mark, "\ud800", last],
        [mark, "a", "no uuid"],
        [mark, "a", None],
        [None, "a", last],
        {"mark": mark},
        mark,
    ]
    texts = [json.dumps(path) for path in places] + [
        f'["{mark}", {"[" * 5000}{"]" * 5000}, "{last}"]',
        f'["{mark}", NaN, 1]',
    ]
    return [base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=") for text in texts]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("SIZE", [2**63, -(2**70), 10**400, 1.5, True, "1", float("inf")]),
        ("CREATED_AT", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2024-01-01T00:00:00", "x", 5, None]),
    ],
)
async def test_forged_positions_break_no_database(site: Site, field: str, values: list[Any]) -> None:
    """Numbers and times that no column can store are invalid cursors.

    Inventory: ENC-PAGE-02.
    """
    folder = await site.folder(f"forged {field}")
    await upload_items(site, folder, [File(name, "PLAIN_TEXT", name.encode(), "text/plain") for name in ("a", "b")])
    arguments = {"orderBy": {"field": field}}
    cursor = (await listed(site, folder, first=1, **arguments))["pageInfo"]["endCursor"]
    mark, _, last = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    for value in values:
        text = json.dumps([mark, value, last])
        forged = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        assert await refusal(site, folder, after=forged, **arguments) == ("BAD_USER_INPUT", ["after"]), value


async def test_filters(site: Site) -> None:
    """Boolean filters have three values, an empty list is no filter, and filters are combined.

    Inventory: ENC-QITEM, SUB-008, SUB-009.
    """
    top = await site.folder("filtered")
    mirrored, plain = await site.folder("mirrored", top), await site.folder("plain", top)
    used, free = await upload_items(
        site, mirrored, [File(name, "PLAIN_TEXT", name.encode()) for name in ("used", "free")]
    )
    await site.done("moveStorageItems", {"itemUuids": [free], "newParentUuid": top}, "folder { uuid }")
    await site.done("moveStorageItems", {"itemUuids": [used], "newParentUuid": top}, "folder { uuid }")
    await waiting(site, top, "late")
    gone = (await upload_items(site, top, [File("gone", "PLAIN_TEXT", b"gone")]))[0]
    await make_tombstone(site, gone)
    await create_dataset(site, "uses", [used])
    await create_dataset(site, "mirrors", backingFolderUuid=mirrored)
    expected: list[tuple[dict[str, Any], list[str]]] = [
        ({}, ["free", "used"]),
        ({"isInDataset": None}, ["free", "used"]),
        ({"isInDataset": True}, ["used"]),
        ({"isInDataset": False}, ["free"]),
        ({"itemTypes": []}, ["free", "used"]),
        ({"itemTypes": None, "search": ""}, ["free", "used"]),
        ({"itemTypes": ["IMAGE", "SCENE"]}, []),
        ({"includePlaceholders": True}, ["free", "late", "used"]),
        ({"includePlaceholders": True, "isInDataset": False}, ["free", "late"]),
        ({"includeTombstones": True, "includePlaceholders": True}, ["free", "gone", "late", "used"]),
        ({"includeTombstones": True, "search": "gon", "isInDataset": False}, ["gone"]),
    ]
    for wanted, names in expected:
        page = await listed(site, top, filter=wanted)
        assert ([node["name"] for node in page["nodes"]], page["totalCount"]) == (names, len(names)), wanted
    for synced, names in ((None, ["mirrored", "plain"]), (True, ["mirrored"]), (False, ["plain"])):
        document = """query($u: UUID!, $s: Boolean) { storageFolder(uuid: $u) {
            subfolders(filter: {datasetSynced: $s}) { nodes { name } totalCount } } }"""
        data = (await site.ask(document, {"u": top, "s": synced}))["storageFolder"]["subfolders"]
        assert data == {"nodes": [{"name": name} for name in names], "totalCount": len(names)}
    assert plain
