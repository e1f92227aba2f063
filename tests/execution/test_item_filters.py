"""Filters of items: each condition alone, and combinations of them, in folders, below them and across all."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
import sqlalchemy as sa
from hypothesis import strategies as st

from gateway.ids import uuid7
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.base import fold, new_row
from gateway.models.datasets import DataRowRecord, data_rows
from gateway.models.items import ItemRecord, items
from tests.fixtures.items import create_dataset
from tests.fixtures.properties import check_property
from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NAMES = ["one.png", "One.png", "two.tif", "Straße", "STRASSE", "three", "three four"]
KINDS = [StorageItemType.IMAGE, StorageItemType.VIDEO, StorageItemType.PLAIN_TEXT]
MIME_TYPES = ["image/png", "image/tiff", "imagery/x", "video/mp4", None]
UIDS = ["1.2.3", "1.2.4", None]
DIGESTS = ["a" * 64, "b" * 64, None]
RANGES: dict[str, list[Any]] = {
    "createdAt": [START + timedelta(hours=hours) for hours in range(4)],
    "lastEditedAt": [START + timedelta(hours=hours) for hours in range(4)],
    "fileSize": [0, 5, 2**40, None],
    "duration": [0.0, 0.5, 1e300, None],
    "width": [1, 640, 1920, None],
    "height": [1, 480, 1080, None],
}
EXACT: dict[str, list[Any]] = {
    "exactName": NAMES,
    "sha256": DIGESTS,
    "dicomStudyUid": UIDS,
    "dicomSeriesUid": UIDS,
    "dicomInstanceUid": UIDS,
    "orientation": [1, 6, None],
}
COLUMNS = {
    "createdAt": "created_at",
    "lastEditedAt": "last_edited_at",
    "fileSize": "file_size",
    "exactName": "name",
    "dicomStudyUid": "dicom_study_uid",
    "dicomSeriesUid": "dicom_series_uid",
    "dicomInstanceUid": "dicom_instance_uid",
}
FOUND = """query($u: UUID!, $f: StorageItemFilter) { storageFolder(uuid: $u) {
  items(filter: $f, first: 1000) { nodes { uuid } totalCount }
  descendantItems(filter: $f, first: 1000) { nodes { uuid } totalCount } } }"""
SEARCH = "query($f: StorageItemFilter) { searchStorageItems(filter: $f, first: 1000) { nodes { uuid } totalCount } }"


class Collection:
    """Items with random facts in a folder and one below it; some are in a dataset, and folders have tags."""

    def __init__(self, site: Site, owner: str) -> None:
        self.site, self.owner = site, UUID(owner)
        self.rows: list[dict[str, Any]] = []
        self.used: set[UUID] = set()
        self.tags: dict[UUID, set[str]] = {}
        self.top = self.dataset = ""

    async def fill(self, count: int) -> None:
        site, chance = self.site, random.Random(3)
        self.top = await site.folder("filtered")
        below = await site.folder("below", self.top)
        made: dict[str, str] = {}
        for name in ("blue", "red"):
            payload = await site.done("createOrganisationTag", {"name": name}, "organisationTag { uuid }")
            made[name] = payload["organisationTag"]["uuid"]
        self.tags = {UUID(self.top): {"blue"}, UUID(below): {"blue", "red"}}
        for folder, tags in self.tags.items():
            given = {"folderUuid": str(folder), "organisationTagUuids": [made[name] for name in sorted(tags)]}
            await site.done("addStorageFolderTags", given, "folder { uuid }")
        for number in range(count):
            facts = {COLUMNS.get(name, name): chance.choice(values) for name, values in (RANGES | EXACT).items()}
            name = facts.pop("name")
            self.rows.append(
                new_row(
                    ItemRecord,
                    folder_uuid=chance.choice(list(self.tags)),
                    item_type=chance.choice(KINDS),
                    name=name,
                    name_key=fold(name),
                    mime_type=chance.choice(MIME_TYPES),
                    owner_uuid=chance.choice([self.owner, None]),
                    is_tombstone=number % 7 == 0,
                    is_placeholder=number % 5 == 0,
                    **facts,
                )
            )
        self.dataset = await create_dataset(site, "some", [])
        self.used = {row["uuid"] for row in chance.sample(self.rows, count // 3)}
        used = [
            new_row(DataRowRecord, uuid=uuid7(), dataset_uuid=UUID(self.dataset), item_uuid=uuid) for uuid in self.used
        ]
        async with site.services.database.writing() as transaction:
            await transaction.execute(sa.insert(items), self.rows)
            await transaction.execute(sa.insert(data_rows), used)

    def matches(self, wanted: dict[str, Any], row: dict[str, Any]) -> bool:
        """Return whether an item meets all conditions of one level of a filter."""
        return all(self._meets(name, value, row) for name, value in wanted.items() if value is not None)

    def _meets(self, name: str, value: Any, row: dict[str, Any]) -> bool:
        actual = row.get(COLUMNS.get(name, name))
        if name in RANGES:
            ends = [(end, datetime.fromisoformat(at) if isinstance(at, str) else at) for end, at in value.items()]
            if not ends:
                return True
            if actual is None:
                return False
            return all(actual >= at if end == "from" else actual <= at for end, at in ends)
        if name in EXACT:
            return bool(actual == value)
        match name:
            case "search":
                return fold(value) in row["name_key"]
            case "itemTypes":
                return not value or row["item_type"] in value
            case "mimeType":
                own = row["mime_type"] or ""
                return (
                    own == value
                    if "/" in value and value[-1] not in "/*"
                    else own.partition("/")[:2] == (value.rstrip("/*"), "/")
                )
            case "ownerUuid":
                return bool(str(row["owner_uuid"]) == value)
            case "datasetUuid":
                return bool(value == self.dataset) and row["uuid"] in self.used
            case "isInDataset":
                return (row["uuid"] in self.used) is value
            case _:
                assert name == "organisationTagsAllOf"
                return set(value) <= self.tags[row["folder_uuid"]]

    def expected(self, wanted: dict[str, Any], folder: str | None) -> set[str]:
        """Return the items that a whole filter matches, in one folder or all."""
        flags = {
            "onlyTombstones",
            "onlyPlaceholders",
            "includeTombstones",
            "includePlaceholders",
            "any",
            "not",
        }
        plain = {name: value for name, value in wanted.items() if name not in flags}
        result = set()
        for row in self.rows:
            states = [
                (row["is_tombstone"], wanted.get("onlyTombstones"), wanted.get("includeTombstones", False)),
                (row["is_placeholder"], wanted.get("onlyPlaceholders"), wanted.get("includePlaceholders", False)),
            ]
            if (
                (folder is None or str(row["folder_uuid"]) == folder)
                and all(has if only else (included or not has) for has, only, included in states)
                and self.matches(plain, row)
                and (not wanted.get("any") or any(self.matches(each, row) for each in wanted["any"]))
                and not ("not" in wanted and self.matches(wanted["not"], row))
            ):
                result.add(str(row["uuid"]))
        return result


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def items_of(shared_site: Site) -> Collection:
    """Return the collection of a site, made once."""
    collection = Collection(shared_site, await shared_site.user("owner@example.org"))
    await collection.fill(150)
    return collection


def conditions(collection: Collection) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy of one to three conditions."""

    def text(value: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime) else value

    choices: dict[str, st.SearchStrategy[Any]] = {
        name: st.dictionaries(
            st.sampled_from(["from", "to"]), st.sampled_from([text(v) for v in values if v is not None]), min_size=1
        )
        for name, values in RANGES.items()
    }
    choices |= {name: st.sampled_from([v for v in values if v is not None]) for name, values in EXACT.items()}
    choices |= {
        "search": st.sampled_from(["stra", "one", "THREE"]),
        "itemTypes": st.lists(st.sampled_from(KINDS), min_size=1, max_size=2).map(
            lambda kinds: [str(k) for k in kinds]
        ),
        "mimeType": st.sampled_from(["image", "image/", "image/*", "image/png", "video/mp4", "imag", "text"]),
        "ownerUuid": st.just(str(collection.owner)),
        "datasetUuid": st.sampled_from([collection.dataset, str(collection.owner)]),
        "isInDataset": st.booleans(),
        "organisationTagsAllOf": st.sampled_from([["red"], ["blue", "red"], ["none"]]),
    }
    named = st.sampled_from(sorted(choices)).flatmap(lambda name: choices[name].map(lambda value: (name, value)))
    return st.lists(named, min_size=1, max_size=3).map(dict)


async def test_filters_match_like_python(items_of: Collection) -> None:
    """Random conditions, combined by AND, `any` and `not`; the same items by a folder, below it, and by a search."""
    site = items_of.site

    async def check(wanted: dict[str, Any]) -> None:
        data = (await site.ask(FOUND, {"u": items_of.top, "f": wanted}))["storageFolder"]
        searched = (await site.ask(SEARCH, {"f": wanted}))["searchStorageItems"]
        here, everywhere = items_of.expected(wanted, items_of.top), items_of.expected(wanted, None)
        for page, expected in (
            (data["items"], here),
            (data["descendantItems"], everywhere),
            (searched, everywhere),
        ):
            assert {node["uuid"] for node in page["nodes"]} == expected, wanted
            assert page["totalCount"] == len(expected), wanted

    single = conditions(items_of)
    flags = st.dictionaries(
        st.sampled_from(["onlyTombstones", "onlyPlaceholders", "includeTombstones", "includePlaceholders"]),
        st.booleans(),
        max_size=2,
    )
    combined = st.fixed_dictionaries({}, optional={"any": st.lists(single, min_size=1, max_size=3), "not": single})
    whole = st.tuples(single, flags, combined).map(lambda parts: {**parts[0], **parts[1], **parts[2]})
    await check_property(check, st.one_of(single, whole), 60)


async def test_a_preset_selects_what_its_filter_matches(items_of: Collection) -> None:
    """All types of values survive being stored."""
    site = items_of.site
    wanted = {
        "createdAt": {"from": START.isoformat(), "to": "2026-02-01T00:00:00Z"},
        "not": {"mimeType": "video", "fileSize": {"to": 5}},
        "any": [{"ownerUuid": str(items_of.owner)}, {"duration": {"from": 0.5}, "itemTypes": ["IMAGE"]}],
    }
    given = {"topLevelFolderUuid": items_of.top, "name": "those", "filter": wanted}
    preset = (await site.done("createFilterPreset", given, "filterPreset { uuid filter }"))["filterPreset"]
    made = {"topLevelFolderUuid": items_of.top, "name": "collected"}
    collection = (await site.done("createCollection", made, "collection { uuid }"))["collection"]["uuid"]
    filled = {"collectionUuid": collection, "filterPresetUuid": preset["uuid"]}
    expected = items_of.expected(wanted, None)
    assert (await site.done("addCollectionPresetItems", filled, "addedItemsCount"))["addedItemsCount"] == len(expected)
    again = (await site.ask(SEARCH, {"f": preset["filter"]}))["searchStorageItems"]["nodes"]
    assert {node["uuid"] for node in again} == expected
    listed = "query($u: UUID!, $f: StorageItemFilter) { collection(uuid: $u) { items(filter: $f) { totalCount } } }"
    both = await site.ask(listed, {"u": collection, "f": {"mimeType": "image"}})
    assert both["collection"]["items"]["totalCount"] == len(expected & items_of.expected({"mimeType": "image"}, None))


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ({"sha256": "xyz"}, ["sha256"]),
        ({"orientation": 9}, ["orientation"]),
        ({"mimeType": ""}, ["mimeType"]),
        ({"dicomStudyUid": "1" * 65}, ["dicomStudyUid"]),
        ({"exactName": "x" * 1001}, ["exactName"]),
        ({"not": {}}, ["not"]),
        ({"any": [{"sha256": "a" * 64}, {}]}, ["any", 1]),
        ({"any": [{"sha256": "a" * 64}] * 21}, ["any"]),
        ({"any": [{"organisationTagsAllOf": ["x"] * 101}]}, ["any", 0, "organisationTagsAllOf"]),
    ],
)
async def test_bad_conditions_are_refused_by_name(
    items_of: Collection, wanted: dict[str, Any], path: list[Any]
) -> None:
    (error,) = (await items_of.site.body(SEARCH, {"f": wanted}))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["inputPath"] == ["filter", *path]


async def test_a_search_across_folders_needs_a_condition(items_of: Collection) -> None:
    """A folder and what is below it can be listed without one.

    Inventory: SUB-001, SUB-002.
    """
    nothing: Any
    for nothing in (None, {}, {"search": ""}, {"itemTypes": []}, {"fileSize": {}}, {"includeTombstones": True}):
        (error,) = (await items_of.site.body(SEARCH, {"f": nothing}))["errors"]
        assert (error["extensions"]["code"], error["extensions"]["inputPath"]) == ("BAD_USER_INPUT", ["filter"])
        data = (await items_of.site.ask(FOUND, {"u": items_of.top, "f": nothing}))["storageFolder"]
        assert {node["uuid"] for node in data["descendantItems"]["nodes"]} == items_of.expected(nothing or {}, None)


async def test_hidden_datasets_match_nothing(items_of: Collection) -> None:
    """Whoever cannot see a dataset does not learn which items it uses."""
    site, who = items_of.site, await items_of.site.newcomer()
    group = await site.group(f"readers {who}")
    await site.grant(items_of.top, group, "VIEWER")
    uuid = await site.user(f"reader-{uuid7().hex}@example.org", groups=[group])
    email = next(email for email in reversed(site.keys))
    assert uuid
    wanted = {"datasetUuid": items_of.dataset}
    assert (await site.ask(SEARCH, {"f": wanted}))["searchStorageItems"]["totalCount"] > 0
    assert (await site.ask(SEARCH, {"f": wanted}, email))["searchStorageItems"]["totalCount"] == 0
    rest = {"not": wanted}
    everything = len(items_of.expected({}, None))
    assert (await site.ask(SEARCH, {"f": rest}, email))["searchStorageItems"]["totalCount"] == everything


@pytest.mark.parametrize("field", ["NAME", "CREATED_AT", "LAST_EDITED_AT", "DURATION", "WIDTH", "HEIGHT", "SIZE"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_orders_with_and_without_a_range(items_of: Collection, field: str, direction: str) -> None:
    """Items without a value come last, and pages in both directions cover everything once."""
    ranged = {"SIZE": "fileSize", "CREATED_AT": "createdAt", "LAST_EDITED_AT": "lastEditedAt"}.get(field, field.lower())
    column = "name_key" if field == "NAME" else COLUMNS.get(ranged, ranged)
    least = START.isoformat() if field.endswith("_AT") else 0
    document = """query($u: UUID!, $f: StorageItemFilter, $o: StorageItemOrder, $first: Int, $after: String, $last: Int,
      $before: String) { storageFolder(uuid: $u) { descendantItems(filter: $f, orderBy: $o, first: $first,
      after: $after, last: $last, before: $before) { nodes { uuid } pageInfo { startCursor endCursor } } } }"""
    for wanted in ({}, {ranged: {"from": least}} if field != "NAME" else {"itemTypes": ["IMAGE"]}):
        uuids = items_of.expected(wanted, None)
        rows = [row for row in items_of.rows if str(row["uuid"]) in uuids]
        there = [(row[column], str(row["uuid"])) for row in rows if row[column] is not None]
        lacking = [str(row["uuid"]) for row in rows if row[column] is None]
        reverse = direction == "DESC"
        ordered = [uuid for _, uuid in sorted(there, reverse=reverse)] + sorted(lacking, reverse=reverse)
        for forwards in (True, False):
            seen: list[str] = []
            cursor = None
            while True:
                paging = {"first": 17, "after": cursor} if forwards else {"last": 17, "before": cursor}
                order = {"field": field, "direction": direction}
                given = {"u": items_of.top, "f": wanted, "o": order, **paging}
                page = (await items_of.site.ask(document, given))["storageFolder"]["descendantItems"]
                nodes = [node["uuid"] for node in page["nodes"]]
                if not nodes:
                    break
                seen = seen + nodes if forwards else nodes + seen
                cursor = page["pageInfo"]["endCursor" if forwards else "startCursor"]
            assert seen == ordered, (wanted, forwards)


async def test_facets_count_the_whole_list(items_of: Collection) -> None:
    """By attributes, for lists of a folder, below it and of a search; the page size does not matter."""
    selected = "facets(by: $by) { attribute values { value count } otherCount }"
    document = f"""query($u: UUID!, $f: StorageItemFilter, $by: [FacetInput!]!) {{
      storageFolder(uuid: $u) {{ items(filter: $f, first: 1) {{ nodes {{ name }} {selected} }} }}
      searchStorageItems(filter: $f, first: 0) {{ {selected} totalCount }} }}"""
    attributes = {"ITEM_TYPE": "item_type", "MIME_TYPE": "mime_type", "OWNER": "owner_uuid", "CREATED_MONTH": "month"}
    by = [{"attribute": name} for name in attributes]
    data = await items_of.site.ask(document, {"u": items_of.top, "f": {"width": {"from": 1}}, "by": by})
    rows = {str(row["uuid"]): {**row, "month": row["created_at"].strftime("%Y-%m")} for row in items_of.rows}
    for facets, folder in (
        (data["storageFolder"]["items"]["facets"], items_of.top),
        (data["searchStorageItems"]["facets"], None),
    ):
        uuids = items_of.expected({"width": {"from": 1}}, folder)
        assert [facet["attribute"] for facet in facets] == list(attributes)
        for facet, column in zip(facets, attributes.values(), strict=True):
            values = [rows[uuid][column] for uuid in uuids]
            expected = Counter(None if value is None else str(value) for value in values)
            assert {entry["value"]: entry["count"] for entry in facet["values"]} == expected
            counts = [entry["count"] for entry in facet["values"]]
            assert (counts, facet["otherCount"]) == (sorted(counts, reverse=True), 0)
    for bad in ([], by * 2):
        (error,) = (await items_of.site.body(document, {"u": items_of.top, "f": {"search": "one"}, "by": bad}))[
            "errors"
        ][:1]
        assert (error["extensions"]["code"], error["extensions"]["inputPath"]) == ("BAD_USER_INPUT", ["by"])
