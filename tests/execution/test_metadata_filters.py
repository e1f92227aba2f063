"""Items are found and ordered by their metadata: across folders by declared keys, in a folder by any."""

import asyncio
import math
import random
from collections import Counter
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from hypothesis import strategies as st

from gateway.models.base import fold
from tests.fixtures.properties import check_property
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, announce

pytestmark = pytest.mark.asyncio(loop_scope="module")
COUNT = 60
LONG = "x" * 300
OWN_ID = "0193b1c0-0000-7000-8000-00000000000a"
VALUES: dict[str, tuple[str, list[Any]]] = {
    "take": ("NUMBER", [1, 2, 2.5, -3, 10**12, "two"]),
    "at": ("DATETIME", ["2026-01-01T00:00:00Z", "2026-01-01T02:00:00+02:00", "2026-06-01T12:30:00.5Z", 5]),
    "site": ("VARCHAR", ["Köln", "köln", "Straße 5", "a%b_c", LONG + "1", LONG + "2", 7]),
    "ok": ("BOOLEAN", [True, False, "true"]),
    "subject": ("UUID", [OWN_ID, OWN_ID.upper(), "0193b1c0-0000-7000-8000-00000000000b", "none"]),
    "reader": ("USER", ["Ann@Example.org", "ann@example.org", "bob@example.org"]),
    "place": (
        "GEOSPATIAL",
        [
            {"latitude": 50.94, "longitude": 6.96},
            {"latitude": 50.95, "longitude": 6.97},
            {"latitude": -17.0, "longitude": 179.999},
            {"latitude": -17.0, "longitude": -179.999},
            {"latitude": 89.999, "longitude": 12.0},
            {"latitude": 89.999, "longitude": -170.0},
        ],
    ),
}
SEARCH = """query($f: StorageItemFilter, $o: StorageItemOrder, $first: Int, $after: String) {
  searchStorageItems(filter: $f, orderBy: $o, first: $first, after: $after) { nodes { uuid } totalCount
  pageInfo { endCursor hasNextPage } } }"""
LISTED = """query($u: UUID!, $f: StorageItemFilter, $o: StorageItemOrder) { storageFolder(uuid: $u) {
  items(filter: $f, orderBy: $o, first: 1000) { nodes { uuid } totalCount }
  descendantItems(filter: $f, orderBy: $o, first: 1000) { nodes { uuid } totalCount } } }"""
COUNTED = "query($u: UUID!, $f: StorageItemFilter) { storageFolder(uuid: $u) { %s(filter: $f) { totalCount } } }"
STATUSES = "{ metadataSchema { fields { key indexStatus } } }"


class Described:
    """Items of a folder with random metadata for declared keys; `free` has the same under an undeclared key."""

    def __init__(self, site: Site, folder: str, metadata: dict[str, dict[str, Any]]) -> None:
        self.site, self.folder, self.metadata = site, folder, metadata

    def expected(self, key: str, kind: str, match: Any) -> set[str]:
        return {uuid for uuid, values in self.metadata.items() if meets(values.get(key), kind, match, key)}


def meets(value: Any, kind: str, match: Any, key: str) -> bool:
    """Return whether a value meets a condition."""
    match kind:
        case "exists":
            return (value is not None) is match
        case "boolean":
            return value is match
        case "near":
            return isinstance(value, dict) and distance(value, match) <= match["meters"]
        case "number":
            return type(value) in (int, float) and compares(value, match)
        case "dateTime":
            if not isinstance(value, str):
                return False
            return compares(datetime.fromisoformat(value), {end: moments(at) for end, at in match.items()})
    if not isinstance(value, str) or (key == "subject" and value == "none"):
        return False
    same = {"subject": lambda text: str(UUID(text)), "reader": fold}.get(key, str)
    wanted = [same(match["eq"]) == same(value)] if "eq" in match else []
    wanted += [same(value) in [same(text) for text in match["in"]]] if "in" in match else []
    if "contains" in match:
        text = fold(match["contains"])
        wanted.append(text in fold(value))
    return all(wanted)


def moments(at: Any) -> Any:
    return [datetime.fromisoformat(text) for text in at] if isinstance(at, list) else datetime.fromisoformat(at)


def compares(value: Any, match: dict[str, Any]) -> bool:
    return (
        ("eq" not in match or value == match["eq"])
        and ("in" not in match or value in match["in"])
        and ("from" not in match or value >= match["from"])
        and ("to" not in match or value <= match["to"])
    )


def distance(one: dict[str, float], other: dict[str, float]) -> float:
    """Return the distance by the haversine formula, in meters."""
    first, second = math.radians(one["latitude"]), math.radians(other["latitude"])
    turn = math.radians(other["longitude"] - one["longitude"])
    half = math.sin((second - first) / 2) ** 2 + math.cos(first) * math.cos(second) * math.sin(turn / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(math.sqrt(half))


async def declare(site: Site, key: str, kind: str) -> None:
    await site.done("setMetadataSchemaField", {"key": key, "type": kind}, "field { key }")


async def wait_until_ready(site: Site) -> None:
    async with asyncio.timeout(60):
        while any(
            field["indexStatus"] == "FILLING" for field in (await site.ask(STATUSES))["metadataSchema"]["fields"]
        ):
            await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def described(shared_site: Site) -> Described:
    """Return items with metadata; half of the keys are declared before, half after the items were described."""
    site, chance = shared_site, random.Random(4)
    for key, (kind, _) in list(VALUES.items())[:4]:
        await declare(site, key, kind)
    folder = await site.folder("described")
    targets = await announce(site, folder, [File(f"note {n:02}", "PLAIN_TEXT", b"x") for n in range(COUNT)])
    metadata: dict[str, dict[str, Any]] = {}
    for target in targets:
        values = {key: chance.choice(choices) for key, (_, choices) in VALUES.items() if chance.random() < 0.7}
        if "take" in values:
            values["free"] = values["take"]
        metadata[target["itemUuid"]] = values | ({"take": None} if chance.random() < 0.05 else {})
    updates = [{"itemUuid": uuid, "clientMetadata": values} for uuid, values in metadata.items()]
    await site.done("updateStorageItems", {"items": updates}, "results { uuid }")
    for key, (kind, _) in list(VALUES.items())[4:]:
        await declare(site, key, kind)
    await wait_until_ready(site)
    return Described(site, folder, metadata)


def matches() -> st.SearchStrategy[tuple[str, str, Any]]:
    """Return a strategy of a key, a kind of condition and the condition."""

    def compared(values: list[Any]) -> st.SearchStrategy[dict[str, Any]]:
        value = st.sampled_from(values)
        return st.one_of(
            st.fixed_dictionaries({"eq": value}),
            st.fixed_dictionaries({"in": st.lists(value, max_size=3)}),
            st.fixed_dictionaries({"from": value}, optional={"to": value}),
        )

    def texts(key: str, contained: list[str]) -> st.SearchStrategy[tuple[str, str, Any]]:
        value = st.sampled_from([value for value in VALUES[key][1] if isinstance(value, str) and value != "none"])
        forms = [st.fixed_dictionaries({"eq": value}), st.fixed_dictionaries({"in": st.lists(value, max_size=3)})]
        forms += [st.fixed_dictionaries({"contains": st.sampled_from(contained)})] if contained else []
        return st.tuples(st.just(key), st.just("text"), st.one_of(*forms))

    points = st.sampled_from(VALUES["place"][1])
    near = st.tuples(points, st.sampled_from([0, 1, 500, 1500, 1_000_000, 20_100_000]))
    return st.one_of(
        st.tuples(st.just("take"), st.just("number"), compared([1, 2, 2.5, 10**12])),
        st.tuples(st.just("at"), st.just("dateTime"), compared([v for v in VALUES["at"][1] if isinstance(v, str)])),
        texts("site", ["KÖLN", "strasse", "%b_", "xxx", "öln"]),
        texts("subject", []),
        texts("reader", []),
        st.tuples(st.just("ok"), st.just("boolean"), st.booleans()),
        st.tuples(st.just("place"), st.just("near"), near.map(lambda case: {**case[0], "meters": case[1]})),
        st.tuples(st.sampled_from(sorted(VALUES)), st.just("exists"), st.booleans()),
    )


async def test_metadata_matches_like_python(described: Described) -> None:
    """Every kind of condition on every type of key, by a search, in a folder and below it, alone and negated."""
    site, everything = described.site, set(described.metadata)

    async def check(case: tuple[str, str, Any]) -> None:
        key, kind, match = case
        condition = {"metadata": [{"key": key, "is": {kind: match}}]}
        expected = described.expected(key, kind, match)
        for wanted, uuids in ((condition, expected), ({"not": condition}, everything - expected)):
            filter = {**wanted, "includePlaceholders": True}
            pages = (await site.ask(LISTED, {"u": described.folder, "f": filter}))["storageFolder"]
            pages["search"] = (await site.ask(SEARCH, {"f": filter, "first": 1000}))["searchStorageItems"]
            for name, page in pages.items():
                assert {node["uuid"] for node in page["nodes"]} == uuids, (name, filter)
                assert page["totalCount"] == len(uuids), (name, filter)

    await check_property(check, matches(), 60)


@pytest.mark.parametrize("key", ["take", "at", "site", "ok"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_items_are_ordered_by_metadata(described: Described, key: str, direction: str) -> None:
    """Items without a value come last; with a condition on the key they are left out."""
    kind, choices = VALUES[key]
    name = {"take": "number", "at": "dateTime", "site": "text", "ok": "boolean"}[key]
    match: Any = {"number": {"from": 1}, "dateTime": {"from": choices[0]}, "text": {"contains": "xxx"}}.get(name, True)

    def value_of(uuid: str) -> Any:
        value = described.metadata[uuid].get(key)
        if kind == "NUMBER":
            return value if type(value) in (int, float) else None
        if kind == "BOOLEAN":
            return value if isinstance(value, bool) else None
        if not isinstance(value, str):
            return None
        return datetime.fromisoformat(value) if kind == "DATETIME" else value[:200]

    for wanted in ({}, {"metadata": [{"key": key, "is": {name: match}}]}):
        chosen = described.expected(key, name, match) if wanted else set(described.metadata)
        reverse = direction == "DESC"
        there = sorted(((value_of(u), u) for u in chosen if value_of(u) is not None), reverse=reverse)
        lacking = sorted((u for u in chosen if value_of(u) is None), reverse=reverse)
        expected = [uuid for _, uuid in there] + lacking
        order = {"field": "METADATA", "metadataKey": key, "direction": direction}
        filter = {**wanted, "includePlaceholders": True, "itemTypes": ["PLAIN_TEXT"]}
        listed = await described.site.ask(LISTED, {"u": described.folder, "f": filter, "o": order})
        assert [node["uuid"] for node in listed["storageFolder"]["items"]["nodes"]] == expected
        seen: list[str] = []
        cursor = None
        while len(seen) < len(expected):
            given = {"f": filter, "o": order, "first": 13, "after": cursor}
            page = (await described.site.ask(SEARCH, given))["searchStorageItems"]
            seen += [node["uuid"] for node in page["nodes"]]
            cursor = page["pageInfo"]["endCursor"]
            assert page["nodes"]
        assert seen == expected


async def test_undeclared_keys_are_for_single_folders(described: Described) -> None:
    """Elsewhere they are refused by name."""
    site = described.site
    values = {uuid: metadata.get("free") for uuid, metadata in described.metadata.items()}
    for kind, match in (
        ("number", {"from": 2}),
        ("number", {"in": [1, 2.5]}),
        ("text", {"eq": "two"}),
        ("text", {"contains": "TWO"}),
        ("boolean", True),
        ("exists", True),
        ("exists", False),
    ):
        filter = {"metadata": [{"key": "free", "is": {kind: match}}], "includePlaceholders": True}
        document = (
            "query($u: UUID!, $f: StorageItemFilter) { storageFolder(uuid: $u) { %s(filter: $f) { totalCount } } }"
        )
        data = await site.ask(document % "items", {"u": described.folder, "f": filter})
        expected = sum(meets(value, kind, match, "free") for value in values.values())
        assert data["storageFolder"]["items"]["totalCount"] == expected, (kind, match)
        for body in (
            await site.body(COUNTED % "descendantItems", {"u": described.folder, "f": filter}),
            await site.body(SEARCH, {"f": filter}),
        ):
            (error,) = body["errors"]
            assert "free" in error["message"]
            assert error["extensions"]["code"] == "BAD_USER_INPUT"
            assert error["extensions"]["inputPath"] == ["filter", "metadata", 0, "key"]


@pytest.mark.parametrize(
    ("key", "match", "path"),
    [
        ("take", {"text": {"eq": "1"}}, ["is", "text"]),
        ("site", {"number": {"eq": 1}}, ["is", "number"]),
        ("take", {"number": {}}, ["is", "number"]),
        ("subject", {"text": {"contains": "0193"}}, ["is", "text", "contains"]),
        ("subject", {"text": {"eq": "x"}}, ["is", "text"]),
        ("site", {"text": {"contains": "kö"}}, ["is", "text", "contains"]),
        ("take", {"number": {"in": [1] * 1001}}, ["is", "number", "in"]),
        ("place", {"near": {"latitude": 91, "longitude": 0, "meters": 1}}, ["is", "near", "latitude"]),
        ("vector", {"exists": True}, ["key"]),
    ],
)
async def test_bad_conditions_on_metadata_are_refused(
    described: Described, key: str, match: dict[str, Any], path: list[Any]
) -> None:
    given = {"key": "vector", "type": "EMBEDDING", "embeddingSize": 2}
    await described.site.done("setMetadataSchemaField", given, "field { key }")
    (error,) = (await described.site.body(SEARCH, {"f": {"metadata": [{"key": key, "is": match}]}}))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["inputPath"] == ["filter", "metadata", 0, *path]


async def test_a_preset_keeps_conditions_on_metadata(described: Described) -> None:
    site = described.site
    wanted = {"metadata": [{"key": "take", "is": {"number": {"from": 1}}}], "includePlaceholders": True}
    given = {"topLevelFolderUuid": described.folder, "name": "takes", "filter": wanted}
    preset = (await site.done("createFilterPreset", given, "filterPreset { uuid filter }"))["filterPreset"]
    made = {"topLevelFolderUuid": described.folder, "name": "takes"}
    collection = (await site.done("createCollection", made, "collection { uuid }"))["collection"]["uuid"]
    filled = {"collectionUuid": collection, "filterPresetUuid": preset["uuid"]}
    added = (await site.done("addCollectionPresetItems", filled, "addedItemsCount"))["addedItemsCount"]
    assert added == len(described.expected("take", "number", {"from": 1}))
    assert (await site.ask(SEARCH, {"f": preset["filter"]}))["searchStorageItems"]["totalCount"] == added
    await site.done("setMetadataSchemaField", {"key": "retyped", "type": "NUMBER"}, "field { key }")
    await wait_until_ready(site)
    of_retyped = {**given, "filter": {"metadata": [{"key": "retyped", "is": {"number": {"from": 1}}}]}}
    retyped = (await site.done("createFilterPreset", of_retyped, "filterPreset { uuid }"))["filterPreset"]["uuid"]
    await site.done("deleteMetadataSchemaField", {"key": "retyped"}, "userErrors { code }")
    unusable = {"collectionUuid": collection, "filterPresetUuid": retyped}
    assert await site.refused("addCollectionPresetItems", unusable) == [("BAD_USER_INPUT", "input.filterPresetUuid")]
    undeclared = {**given, "filter": {"metadata": [{"key": "free", "is": {"exists": True}}]}}
    assert await site.refused("createFilterPreset", undeclared) == [("BAD_USER_INPUT", "input.filter.metadata.0.key")]


async def test_facets_of_metadata_keys(described: Described, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values that do not fit the type of their key count as others; undeclared keys are refused.

    They are the same where a statement also reads the page, as of a rare text.
    """
    document = """query($f: StorageItemFilter, $by: [FacetInput!]!) { searchStorageItems(filter: $f, first: 0) {
      facets(by: $by) { metadataKey values { value count } otherCount } } }"""
    filter = {"includePlaceholders": True, "itemTypes": ["PLAIN_TEXT"]}
    keys: dict[str, Any] = {"take": (int, float), "ok": bool, "site": str}
    given = {"f": filter, "by": [{"metadataKey": key} for key in keys]}
    facets = (await described.site.ask(document, given))["searchStorageItems"]["facets"]
    for facet, (key, kinds) in zip(facets, keys.items(), strict=True):
        values = [metadata.get(key) for metadata in described.metadata.values()]
        fitting = [value for value in values if value is None or isinstance(value, kinds)]
        expected = Counter(value[:200] if isinstance(value, str) else value for value in fitting)
        assert facet["metadataKey"] == key
        assert {entry["value"]: entry["count"] for entry in facet["values"]} == expected
        assert facet["otherCount"] == len(values) - len(fitting)
        texts = {str(entry["value"]) for entry in facet["values"]}
        assert key != "take" or ("1" in texts and "1000000000000" in texts and "2.5" in texts)
    searched = document.replace("first: 0) {", "first: 9) { nodes { uuid }")
    monkeypatch.setattr("resolvers.rare_texts.ITEMS_PER_NAME", 1)
    found = (await described.site.ask(searched, given | {"f": filter | {"search": "note"}}))["searchStorageItems"]
    assert [node["uuid"] for node in found["nodes"]] == list(described.metadata)[:9]
    assert found["facets"] == facets
    for key in ("free", "place"):
        (error,) = (await described.site.body(document, {"f": filter, "by": [{"metadataKey": key}]}))["errors"]
        assert (error["extensions"]["code"], error["extensions"]["inputPath"]) == (
            "BAD_USER_INPUT",
            ["by", 0, "metadataKey"],
        )
