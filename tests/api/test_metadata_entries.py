"""Metadata entries: set, deleted, cleared and read, by their types.

Inventory: MID-CORE-24, MID-CORE-25, MID-SRV-07, MID-SRV-08, MID-SRV-09, MID-SRV-10, MID-SRV-23, GIR-CMP-05.
"""

from typing import Any

import pytest

from tests.fixtures.invariants import check_all
from tests.fixtures.items import upload_items
from tests.fixtures.revisions import revise
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.uploading import File

pytestmark = pytest.mark.asyncio(loop_scope="module")
ENTRIES = "metadata { key element qualifier type value } clientMetadata"
VOCABULARY = """query($type: MetadataValueType, $element: String) {
  metadataVocabulary(type: $type, element: $element) { key element qualifier type } }"""


async def described(site: Site, metadata: dict[str, Any] | None = None) -> str:
    """Return an item with this metadata."""
    folder = await site.folder("entries")
    (uuid,) = await upload_items(site, folder, [File("described", "PLAIN_TEXT", b"x")])
    if metadata is not None:
        await site.done("updateStorageItem", {"itemUuid": uuid, "clientMetadata": metadata}, "item { uuid }")
    return uuid


async def read(site: Site, uuid: str) -> list[tuple[str, str, str]]:
    """Return the key, type and value of each entry."""
    entries = (await site.see("storageItem", uuid, ENTRIES))["metadata"]
    for entry in entries:
        assert entry["key"] == ".".join(part for part in (entry["element"], entry["qualifier"]) if part is not None)
    return [(entry["key"], entry["type"], entry["value"]) for entry in entries]


async def declare(site: Site, key: str, kind: str, **more: Any) -> None:
    await site.done("setMetadataSchemaField", {"key": key, "type": kind, **more}, "field { key }")


async def test_values_at_the_top_level_are_entries(shared_site: Site) -> None:
    """Nested values and nulls are none."""
    metadata = {
        "whole": 42,
        "half": 2.5,
        "large": 2.5e30,
        "yes": True,
        "text": "5",
        "empty": "",
        "dotted.name.twice": "x",
        "nested": {"a": 1},
        "list": [1],
        "null": None,
    }
    uuid = await described(shared_site, metadata)
    assert await read(shared_site, uuid) == [
        ("dotted.name.twice", "TEXT", "x"),
        ("empty", "TEXT", ""),
        ("half", "DOUBLE", "2.5"),
        ("large", "DOUBLE", "2.5e+30"),
        ("text", "TEXT", "5"),
        ("whole", "LONG", "42"),
        ("yes", "BOOLEAN", "true"),
    ]
    entries = (await shared_site.see("storageItem", uuid, ENTRIES))["metadata"]
    assert (entries[0]["element"], entries[0]["qualifier"]) == ("dotted", "name.twice")


async def test_the_schema_decides_the_type(shared_site: Site) -> None:
    """Unless the value has another one."""
    site = shared_site
    await declare(site, "typed.number", "NUMBER")
    await declare(site, "typed.flag", "BOOLEAN")
    await declare(site, "typed.spot", "GEOSPATIAL")
    uuid = await described(site, {"typed.number": 5, "typed.flag": True, "typed.spot": {"latitude": 1, "longitude": 2}})
    assert await read(site, uuid) == [("typed.flag", "BOOLEAN", "true"), ("typed.number", "DOUBLE", "5.0")]
    entries = [
        {"element": "typed", "qualifier": "number", "value": "-1e3"},
        {"element": "typed", "qualifier": "flag", "value": "FALSE"},
        {"element": "other", "value": "-1e3"},
    ]
    payload = await site.done("setStorageItemMetadata", {"itemUuid": uuid, "entries": entries}, f"item {{ {ENTRIES} }}")
    values = payload["item"]["clientMetadata"]
    assert (values["typed.number"], values["typed.flag"], values["other"]) == (-1000, False, "-1e3")
    await site.done(
        "updateStorageItem", {"itemUuid": uuid, "clientMetadata": {"typed.number": "five"}}, "item { uuid }"
    )
    assert await read(site, uuid) == [("typed.number", "TEXT", "five")]


async def test_texts_have_the_types_that_the_schema_declares(shared_site: Site) -> None:
    """The values stay texts; other texts are refused, and so are these types under other keys."""
    site = shared_site
    good = {"DATETIME": "2026-01-31T12:00:00Z", "UUID": UNKNOWN, "USER": "ada@example.org", "ENUM": "b", "VARCHAR": "x"}
    for kind in good:
        await declare(site, f"form.{kind}", kind, **({"enumValues": ["a", "b"]} if kind == "ENUM" else {}))
    uuid = await described(site)
    entries = [{"element": "form", "qualifier": kind, "value": value} for kind, value in good.items()]
    await site.done("setStorageItemMetadata", {"itemUuid": uuid, "entries": entries}, "item { uuid }")
    shown = {key: type for key, type, _ in await read(site, uuid)}
    assert shown == {f"form.{kind}": "TEXT" if kind == "VARCHAR" else kind for kind in good}
    for kind in set(good) - {"VARCHAR"}:
        wrong = {"element": "form", "qualifier": kind, "value": "neither"}
        undeclared = {"element": "free", "value": good[kind], "type": kind}
        for entry, field in ((wrong, "value"), (undeclared, "type")):
            refusal = await site.refused("setStorageItemMetadata", {"itemUuid": uuid, "entries": [entry]})
            assert refusal == [("BAD_USER_INPUT", f"input.entries.0.{field}")], entry
    await site.done(
        "setStorageItemMetadata", {"itemUuid": uuid, "entries": [{**wrong, "type": "TEXT"}]}, "item { uuid }"
    )
    assert (f"form.{kind}", "TEXT", "neither") in await read(site, uuid), "the schema is advice on this site"


async def test_entries_are_added_and_replaced(shared_site: Site) -> None:
    """With the types that are given; everything else stays.

    Inventory: MID-CORE-25, MID-SRV-07.
    """
    site = shared_site
    uuid = await described(site, {"a": "old", "nested": {"a": 1}, "other": 1})
    entries = [
        {"element": "a", "value": "new"},
        {"element": "a", "qualifier": "b", "value": "42", "type": "LONG"},
        {"element": "c", "qualifier": "", "value": "-2.5e-3", "type": "DOUBLE"},
        {"element": "d", "value": "true", "type": "BOOLEAN"},
        {"element": "e", "value": "true"},
        {"element": "f", "value": "7", "type": "DOUBLE"},
    ]
    payload = await site.done("setStorageItemMetadata", {"itemUuid": uuid, "entries": entries}, f"item {{ {ENTRIES} }}")
    assert payload["item"]["clientMetadata"] == {
        "a": "new",
        "a.b": 42,
        "c": -0.0025,
        "d": True,
        "e": "true",
        "f": 7.0,
        "nested": {"a": 1},
        "other": 1,
    }
    assert [entry["type"] for entry in payload["item"]["metadata"]] == [
        "TEXT",
        "LONG",
        "DOUBLE",
        "BOOLEAN",
        "TEXT",
        "DOUBLE",
        "LONG",
    ]


async def test_all_entries_are_checked_before_any_is_written(shared_site: Site) -> None:
    """Inventory: MID-SRV-08."""
    site = shared_site
    uuid = await described(site, {"a": "old", "nested": {"a": 1}})
    entries = [
        {"element": "a", "value": "new"},
        {"element": "b", "value": "4.5", "type": "LONG"},
        {"element": "b", "qualifier": "c", "value": str(2**63), "type": "LONG"},
        {"element": "c", "value": "nan", "type": "DOUBLE"},
        {"element": "d", "value": "1e999", "type": "DOUBLE"},
        {"element": "e", "value": "1", "type": "BOOLEAN"},
        {"element": "f.g", "value": "x"},
        {"element": "", "value": "x"},
        {"element": "h" * 200, "qualifier": "i" * 55, "value": "x"},
        {"element": "nested", "value": "x"},
        {"element": "a", "value": "again"},
    ]
    refused = await site.refused("setStorageItemMetadata", {"itemUuid": uuid, "entries": entries})
    assert refused == [
        ("BAD_USER_INPUT", "input.entries.1.value"),
        ("BAD_USER_INPUT", "input.entries.2.value"),
        ("BAD_USER_INPUT", "input.entries.3.value"),
        ("BAD_USER_INPUT", "input.entries.4.value"),
        ("BAD_USER_INPUT", "input.entries.5.value"),
        ("BAD_USER_INPUT", "input.entries.6.element"),
        ("BAD_USER_INPUT", "input.entries.7.element"),
        ("BAD_USER_INPUT", "input.entries.8.qualifier"),
        ("CONFLICT", "input.entries.9.element"),
        ("BAD_USER_INPUT", "input.entries.10"),
    ]
    item = await site.see("storageItem", uuid, ENTRIES)
    assert item["clientMetadata"] == {"a": "old", "nested": {"a": 1}}
    large = [{"element": f"k{number}", "value": "x" * 2000} for number in range(1000)]
    (refusal,) = await site.refused("setStorageItemMetadata", {"itemUuid": uuid, "entries": large})
    assert refusal == ("LIMIT_EXCEEDED", "input.entries")
    for many in ([], large + large[:1]):
        (refusal,) = await site.refused("setStorageItemMetadata", {"itemUuid": uuid, "entries": many})
        assert refusal[1] == "input.entries"


async def test_entries_are_deleted_and_cleared(shared_site: Site) -> None:
    """What is nested stays, and what is not there is ignored.

    Inventory: MID-SRV-09, MID-SRV-10.
    """
    site = shared_site
    uuid = await described(site, {"a": 1, "a.b": True, "c": "x", "d": 2, "nested": {"a": 1}, "list": []})
    keys = [{"element": "a", "qualifier": "b"}, {"element": "c"}, {"element": "nested"}, {"element": "never"}]
    payload = await site.done(
        "deleteStorageItemMetadata",
        {"itemUuid": uuid, "entries": keys},
        "deletedKeys item { clientMetadata }",
    )
    assert payload["deletedKeys"] == ["a.b", "c"]
    assert payload["item"]["clientMetadata"] == {"a": 1, "d": 2, "nested": {"a": 1}, "list": []}
    payload = await site.done(
        "clearStorageItemMetadata", {"itemUuid": uuid}, "deletedKeys item { clientMetadata metadata { key } }"
    )
    assert payload["deletedKeys"] == ["a", "d"]
    assert payload["item"] == {"clientMetadata": {"nested": {"a": 1}, "list": []}, "metadata": []}
    payload = await site.done("clearStorageItemMetadata", {"itemUuid": uuid}, "deletedKeys")
    assert payload["deletedKeys"] == []
    refused = await site.refused("deleteStorageItemMetadata", {"itemUuid": uuid, "entries": [{"element": "a.b"}]})
    assert refused == [("BAD_USER_INPUT", "input.entries.0.element")]


async def test_an_item_without_files_has_entries(shared_site: Site) -> None:
    """Inventory: SUB-116."""
    site = shared_site
    folder = await site.folder("empty items")
    created = await site.done("createStorageItem", {"folderUuid": folder, "name": "empty"}, "item { uuid }")
    uuid = created["item"]["uuid"]
    assert await read(site, uuid) == []
    entries = [{"element": "dc", "qualifier": "title", "value": "nothing yet"}]
    await site.done("setStorageItemMetadata", {"itemUuid": uuid, "entries": entries}, "item { uuid }")
    assert await read(site, uuid) == [("dc.title", "TEXT", "nothing yet")]


async def test_entries_are_found_and_journalled_like_all_metadata(shared_site: Site) -> None:
    site = shared_site
    await declare(site, "grade", "NUMBER")
    uuid = await described(site)
    entries = [{"element": "grade", "value": "3"}]
    await site.done("setStorageItemMetadata", {"itemUuid": uuid, "entries": entries}, "item { uuid }")
    search = 'query { searchStorageItemsAdvanced(query: "meta.grade:[3 TO 3]") { nodes { uuid } } }'
    while "errors" in (body := await site.body(search)):
        assert body["errors"][0]["extensions"]["code"] == "UNAVAILABLE"  # until the key is filled in
    assert body["data"]["searchStorageItemsAdvanced"]["nodes"] == [{"uuid": uuid}]
    journal = "folder { journal(first: 1) { nodes { action objectUuid after } } }"
    (change,) = (await site.see("storageItem", uuid, journal))["folder"]["journal"]["nodes"]
    assert (change["action"], change["objectUuid"]) == ("UPDATE", uuid)
    await site.done("clearStorageItemMetadata", {"itemUuid": uuid}, "item { uuid }")
    assert (await site.ask(search))["searchStorageItemsAdvanced"]["nodes"] == []


async def terms(site: Site, who: str | None = None, **conditions: str) -> list[tuple[str, str]]:
    """Return the keys in use, with their types."""
    listed = (await site.ask(VOCABULARY, conditions, *([who] if who else [])))["metadataVocabulary"]
    for term in listed:
        assert term["key"] == ".".join(part for part in (term["element"], term["qualifier"]) if part is not None)
    return [(term["key"], term["type"]) for term in listed]


async def test_the_vocabulary_has_the_keys_in_use(shared_site: Site) -> None:
    """By type and element, with the types of the schema where they are those of the values.

    Inventory: MID-SRV-23.
    """
    site = shared_site
    metadata = {"voc": "x", "voc.date": "2026-01-31T12:00:00Z", "voc.size": 5, "voc.half": 0.5, "voc.yes": True}
    others: dict[str, Any] = {
        "voc.nested": {},
        "voc.null": None,
        "voc.list": [],
        "voc." + "x" * 255: 1,
        "vocal": 1,
        "voc-a": 1,
    }
    await described(site, metadata | others | {"voc.large": 1e17, "voc.huge": 2.5e30})
    plain = [
        ("voc", "TEXT"),
        ("voc.date", "TEXT"),
        ("voc.half", "DOUBLE"),
        ("voc.huge", "DOUBLE"),
        ("voc.large", "LONG"),
        ("voc.size", "LONG"),
        ("voc.yes", "BOOLEAN"),
    ]
    assert await terms(site, element="voc") == plain
    for key, kind in (("voc.date", "DATETIME"), ("voc.size", "NUMBER"), ("voc.never", "TEXT"), ("voc.yes", "UUID")):
        await declare(site, key, kind)
    declared = {"voc.date": "DATETIME", "voc.size": "DOUBLE"}
    retyped = [(key, declared.get(key, kind)) for key, kind in plain]
    assert await terms(site, element="voc") == retyped
    for kind in {kind for _, kind in retyped}:
        assert await terms(site, element="voc", type=kind) == [term for term in retyped if term[1] == kind]
    await described(site, {"voc.size": "large"})
    assert ("voc.size", "TEXT") in await terms(site, element="voc")
    everything = await terms(site)
    assert everything == sorted(everything) and {*retyped, ("vocal", "LONG"), ("voc-a", "LONG")} <= {*everything}
    await site.done("deleteMetadataSchemaField", {"key": "voc.date"}, "field { key }")
    assert ("voc.date", "TEXT") in await terms(site, element="voc")


async def test_keys_come_and_go_with_items(shared_site: Site) -> None:
    """A key is in use while a live item has it."""
    site = shared_site
    folder, other = await site.folder("coming"), await site.folder("going")
    uuids = await upload_items(site, folder, [File(f"g{number}", "PLAIN_TEXT", b"x") for number in range(2)])
    assert await terms(site, element="going") == []
    for uuid, metadata in zip(uuids, ({"going.a": 1, "going.b": "x"}, {"going.a": 2}), strict=True):
        await site.done("updateStorageItem", {"itemUuid": uuid, "clientMetadata": metadata}, "item { uuid }")
    both = [("going.a", "LONG"), ("going.b", "TEXT")]
    assert await terms(site, element="going") == both
    entries = [{"element": "going", "qualifier": "a", "value": "2.5", "type": "DOUBLE"}]
    await site.done("setStorageItemMetadata", {"itemUuid": uuids[1], "entries": entries}, "item { uuid }")
    assert await terms(site, element="going") == [("going.a", "DOUBLE"), *both]
    await site.done("moveStorageItems", {"itemUuids": [uuids[0]], "newParentUuid": other}, "folder { uuid }")
    assert await terms(site, element="going") == [("going.a", "DOUBLE"), *both]
    await site.done("clearStorageItemMetadata", {"itemUuid": uuids[1]}, "item { uuid }")
    assert await terms(site, element="going") == both
    await site.done("deleteStorageItems", {"itemUuids": [uuids[0]]}, "results { uuid }")
    assert await terms(site, element="going") == []


async def test_a_deletion_of_many_items_takes_their_keys(shared_site: Site) -> None:
    site = shared_site
    folder = await site.folder("many")
    uuids = await upload_items(site, folder, [File(f"m{number}", "PLAIN_TEXT", b"x") for number in range(3)])
    entries = [{"itemUuid": uuid, "clientMetadata": {"many.a": 1, "many.b": 2}} for uuid in uuids]
    await site.done("updateStorageItems", {"items": entries}, "results { uuid }")
    assert await terms(site, element="many") == [("many.a", "LONG"), ("many.b", "LONG")]
    copied = await site.folder("copied")
    await site.done("copyStorageItems", {"itemUuids": uuids[:1], "folderUuid": copied}, "folder { uuid }")
    await site.done("deleteStorageFolder", {"folderUuid": folder, "recursive": True}, "job { uuid }")
    await check_all(site.services)
    await site.done("deleteStorageFolder", {"folderUuid": copied, "recursive": True}, "job { uuid }")
    assert await terms(site, element="many") == []
    await check_all(site.services)


async def test_keys_in_hidden_folders_are_not_listed(shared_site: Site) -> None:
    """Until somebody moves an item that has them to a folder that the viewer sees."""
    site = shared_site
    uuid = await described(site, {"secret.project": "x"})
    who = await site.newcomer()
    assert await terms(site, element="secret") == [("secret.project", "TEXT")]
    assert await terms(site, who, element="secret") == []
    theirs = await site.folder("theirs", who=who)
    await site.done("moveStorageItems", {"itemUuids": [uuid], "newParentUuid": theirs}, "folder { uuid }")
    assert await terms(site, who, element="secret") == [("secret.project", "TEXT")]


async def test_revisions_of_an_item_with_one_file(shared_site: Site) -> None:
    """The only revision has the item's entries; there is no other."""
    uuid = await described(shared_site, {"a": 1})
    selection = "head: metadata { key } first: metadata(revision: 1) { key } second: metadata(revision: 2) { key }"
    selection += " zero: metadata(revision: 0) { key }"
    item = await shared_site.see("storageItem", uuid, selection)
    assert item == {"head": [{"key": "a"}], "first": [{"key": "a"}], "second": None, "zero": None}


async def test_older_revisions_keep_what_they_had(shared_site: Site) -> None:
    """Inventory: MID-CORE-24."""
    site = shared_site
    folder = await site.folder("kept entries")
    (uuid,) = await upload_items(site, folder, [File("kept.bin", "FILE", b"one")])
    for value in ("first", "second"):
        entries = [{"element": "stage", "value": value}]
        await site.done("setStorageItemMetadata", {"itemUuid": uuid, "entries": entries}, "item { uuid }")
        await revise(site, folder, uuid, [File("kept.bin", "FILE", value.encode())])
    await site.done("clearStorageItemMetadata", {"itemUuid": uuid}, "item { uuid }")
    selection = " ".join(f"r{number}: metadata(revision: {number}) {{ value }}" for number in range(1, 5))
    assert await site.see("storageItem", uuid, f"{selection} metadata {{ value }}") == {
        "r1": [{"value": "first"}],
        "r2": [{"value": "second"}],
        "r3": [],
        "r4": None,
        "metadata": [],
    }
