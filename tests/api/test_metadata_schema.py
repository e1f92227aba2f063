"""The metadata schema: keys and types, their changes, and enforcement."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.fixtures.sites import Site, fresh_settings, serve_site
from tests.fixtures.uploading import File, send_files, upload, wait_for_job

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIELD = "key type enumValues embeddingSize isDeleted canBeRestored"
SAVED = f"metadataSchema {{ revision }} field {{ {FIELD} }}"
SCALARS = ("BOOLEAN", "DATETIME", "NUMBER", "UUID", "VARCHAR", "TEXT", "USER")


async def schema(site: Site, deleted: bool = False, who: str = "admin") -> tuple[int, dict[str, Any]]:
    """Return the revision of the schema, and its keys."""
    listed = f"fields(includeDeleted: $d) {{ {FIELD} }}"
    document = f"query($d: Boolean!) {{ metadataSchema {{ revision {listed} }} }}"
    data = (await site.ask(document, {"d": deleted}, who))["metadataSchema"]
    keys = [field["key"] for field in data["fields"]]
    assert keys == sorted(keys)
    return data["revision"], {field.pop("key"): field for field in data["fields"]}


async def put(site: Site, key: str, kind: str, **more: Any) -> Any:
    """Give a key a type and return the key."""
    return (await site.done("setMetadataSchemaField", {"key": key, "type": kind, **more}, SAVED))["field"]


async def test_keys_have_types(shared_site: Site) -> None:
    """Scalars, enums, embeddings, locations and users; every user may read them.

    Inventory: ENC-SCHEMA-01, ENC-SCHEMA-11.
    """
    for kind in SCALARS:
        await put(shared_site, f"a {kind}", kind)
    await put(shared_site, "b.enum", "ENUM", enumValues=["pear", "apple"])
    await put(shared_site, "b.embedding", "EMBEDDING", embeddingSize=4096)
    await put(shared_site, "b.place", "GEOSPATIAL")
    await shared_site.user("reader@example.org")
    _, keys = await schema(shared_site, who="reader@example.org")
    assert {kind: keys[f"a {kind}"]["type"] for kind in SCALARS} == {kind: kind for kind in SCALARS}
    plain = {"enumValues": None, "embeddingSize": None, "isDeleted": False, "canBeRestored": False}
    assert keys["b.enum"] == {**plain, "type": "ENUM", "enumValues": ["apple", "pear"]}
    assert keys["b.embedding"] == {**plain, "type": "EMBEDDING", "embeddingSize": 4096}
    assert keys["b.place"] == {**plain, "type": "GEOSPATIAL"}


async def test_allowed_changes_of_a_type(shared_site: Site) -> None:
    """Scalars change to other scalars, enums are extended; an equal type is no change.

    Inventory: ENC-SCHEMA-07.
    """
    site = shared_site
    await put(site, "grows", "ENUM", enumValues=["b"])
    await put(site, "scalar", "NUMBER")
    await put(site, "vector", "EMBEDDING", embeddingSize=3)
    revision, _ = await schema(site)
    assert (await put(site, "scalar", "TEXT"))["type"] == "TEXT"
    assert (await put(site, "grows", "ENUM", enumValues=["c", "b"]))["enumValues"] == ["b", "c"]
    assert (await schema(site))[0] == revision + 2
    await put(site, "grows", "ENUM", enumValues=["b", "c"])
    await put(site, "vector", "EMBEDDING", embeddingSize=3)
    assert (await schema(site))[0] == revision + 2
    for key, kind, more, expected in (
        ("grows", "ENUM", {"enumValues": ["b", "d"]}, ("BAD_USER_INPUT", "input.enumValues")),
        ("grows", "TEXT", {}, ("CONFLICT", "input.type")),
        ("scalar", "GEOSPATIAL", {}, ("CONFLICT", "input.type")),
        ("vector", "EMBEDDING", {"embeddingSize": 4}, ("CONFLICT", "input.embeddingSize")),
    ):
        assert await site.refused("setMetadataSchemaField", {"key": key, "type": kind, **more}) == [expected]
    assert (await schema(site))[0] == revision + 2


@pytest.mark.parametrize("key", ["", "$a", "a/b", "keyframes", "-. _", "a" * 256, "a\n"])
async def test_bad_keys_are_refused(shared_site: Site, key: str) -> None:
    """Invalid keys are refused.

    Inventory: ENC-SCHEMA-06, ENC-ERR-14.
    """
    refused = await shared_site.refused("setMetadataSchemaField", {"key": key, "type": "TEXT"})
    assert refused == [("BAD_USER_INPUT", "input.key")]


@pytest.mark.parametrize(
    ("kind", "more", "path"),
    [
        ("ENUM", {}, "enumValues"),
        ("ENUM", {"enumValues": []}, "enumValues"),
        ("ENUM", {"enumValues": [str(number) for number in range(256)]}, "enumValues"),
        ("ENUM", {"enumValues": ["a", "a"]}, "enumValues.1"),
        ("ENUM", {"enumValues": ["a", ""]}, "enumValues.1"),
        ("TEXT", {"enumValues": ["a"]}, "enumValues"),
        ("EMBEDDING", {}, "embeddingSize"),
        ("EMBEDDING", {"embeddingSize": 0}, "embeddingSize"),
        ("EMBEDDING", {"embeddingSize": 4097}, "embeddingSize"),
        ("NUMBER", {"embeddingSize": 3}, "embeddingSize"),
    ],
)
async def test_bad_types_are_refused(shared_site: Site, kind: str, more: dict[str, Any], path: str) -> None:
    """At most 255 values and 4,096 numbers.

    Inventory: ENC-SCHEMA-02, -03, SUB-035.
    """
    before = await schema(shared_site)
    refused = await shared_site.refused("setMetadataSchemaField", {"key": "bad", "type": kind, **more})
    assert (refused, await schema(shared_site)) == ([("BAD_USER_INPUT", f"input.{path}")], before)


async def test_keys_are_deleted_and_restored(shared_site: Site) -> None:
    """A soft deletion retains the type; a permanent one cannot be undone.

    Inventory: ENC-SCHEMA-08, -09, SUB-036.
    """
    site, key = shared_site, {"key": "passing"}
    await put(site, "passing", "ENUM", enumValues=["a"])
    gone = await site.done("deleteMetadataSchemaField", key, SAVED)
    assert (gone["field"]["isDeleted"], gone["field"]["canBeRestored"]) == (True, True)
    assert "passing" not in (await schema(site))[1]
    assert (await schema(site, deleted=True))[1]["passing"]["enumValues"] == ["a"]
    assert await site.refused("setMetadataSchemaField", {**key, "type": "TEXT"}) == [("CONFLICT", "input.key")]
    assert await site.refused("deleteMetadataSchemaField", key) == [("NOT_FOUND", "input.key")]
    back = await site.done("restoreMetadataSchemaField", key, SAVED)
    assert (back["field"]["type"], back["field"]["enumValues"], back["field"]["isDeleted"]) == ("ENUM", ["a"], False)
    assert await site.refused("restoreMetadataSchemaField", key) == [("CONFLICT", "input.key")]
    gone = await site.done("deleteMetadataSchemaField", {**key, "hard": True}, SAVED)
    assert (gone["field"]["isDeleted"], gone["field"]["canBeRestored"]) == (True, False)
    assert await site.refused("restoreMetadataSchemaField", key) == [("CONFLICT", "input.key")]
    assert await site.refused("setMetadataSchemaField", {**key, "type": "TEXT"}) == [("CONFLICT", "input.key")]
    for mutation in ("deleteMetadataSchemaField", "restoreMetadataSchemaField"):
        assert await site.refused(mutation, {"key": "never"}) == [("NOT_FOUND", "input.key")]


async def test_concurrent_saves_are_detected(shared_site: Site) -> None:
    """A mutation is one save, and can require the revision that its sender saw.

    Inventory: ENC-SCHEMA-10, SUB-034.
    """
    site, (revision, _) = shared_site, await schema(shared_site)
    given = {"key": "locked", "type": "TEXT", "revision": revision}
    assert (await site.done("setMetadataSchemaField", given, SAVED))["metadataSchema"] == {"revision": revision + 1}
    other = {"key": "other", "type": "TEXT", "revision": revision}
    assert await site.refused("setMetadataSchemaField", other) == [("CONFLICT", "input.revision")]
    for mutation in ("deleteMetadataSchemaField", "restoreMetadataSchemaField"):
        given = {"key": "locked", "revision": revision}
        assert await site.refused(mutation, given) == [("CONFLICT", "input.revision")]
    assert "other" not in (await schema(site))[1]


async def test_only_site_admins_change_it(shared_site: Site) -> None:
    """Others are refused, and nothing changes."""
    await shared_site.user("member@example.org")
    before = await schema(shared_site)
    for mutation, more in (("set", {"type": "TEXT"}), ("delete", {}), ("restore", {})):
        given = {"key": "mine", **more}
        refused = await shared_site.refused(f"{mutation}MetadataSchemaField", given, "member@example.org")
        assert refused == [("FORBIDDEN", "input")]
    assert await schema(shared_site) == before


async def test_without_enforcement_values_of_other_types_are_accepted(shared_site: Site) -> None:
    """Values of other types are stored."""
    await put(shared_site, "size", "NUMBER")
    job = await upload(shared_site, await shared_site.folder("advice"), [File("a.txt", "PLAIN_TEXT", b"advice")])
    change = {"itemUuid": job["itemsWithNames"][0]["itemUuid"], "clientMetadata": {"size": "large"}}
    await shared_site.done("updateStorageItem", change, "item { uuid }")


@pytest_asyncio.fixture(loop_scope="module", params=["embedded", "scaled"])
async def strict_site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Site that refuses values of other types."""
    with fresh_settings(request.param, request, tmp_path, metadata_schema="enforced") as settings:
        async with serve_site(settings) as running:
            yield running


GOOD: dict[str, list[Any]] = {
    "a BOOLEAN": [True, None],
    "a DATETIME": ["2026-01-01T00:00:00Z"],
    "a NUMBER": [1, 1.5],
    "a UUID": ["0193b1c0-0000-7000-8000-000000000000"],
    "a VARCHAR": ["x" * 8192],
    "a TEXT": ["x" * 9000],
    "a USER": ["somebody@example.org"],
    "enum": ["apple"],
    "embedding": [[1, 2.5, 3]],
    "place": [{"latitude": -90, "longitude": 180}],
}
BAD: dict[str, list[Any]] = {
    "a BOOLEAN": ["true", 1],
    "a DATETIME": ["2026-01-01T00:00:00", "soon", 7],
    "a NUMBER": ["1", True],
    "a UUID": ["1234", {}],
    "a VARCHAR": ["x" * 8193, 1],
    "a TEXT": [["x"]],
    "a USER": ["somebody"],
    "enum": ["plum", []],
    "embedding": [[1, 2], [1, 2, "3"], "x"],
    "place": [{"latitude": 91, "longitude": 0}, {"latitude": 1}, [1, 2]],
}


async def check_jobs_under_the_schema(site: Site, folder: str, item: str, bad: dict[str, Any]) -> None:
    """Check that faults in the input are refused at their entry.

    Faults in an uploaded manifest are reported by entry.
    """
    (uuid,) = await send_files(site, folder, [File("c.txt", "PLAIN_TEXT", b"c")])
    entry, metadata = {"placeholderUuid": uuid, "clientMetadata": bad}, "clientMetadata.enum"
    frames = {"images": [{"placeholderUuid": uuid}], "title": "t", "clientMetadata": bad}
    scene = {"title": "s", "scene": {"a": {"itemUuid": item}}, "clientMetadata": bad}
    series = {"dicomFiles": [entry], "title": "t"}
    requests: list[tuple[dict[str, Any], list[str]]] = [
        ({"items": {"text": [{"placeholderUuid": uuid}, entry]}}, ["items.text.1"]),
        ({"items": {"scenes": [scene]}}, ["items.scenes.0"]),
        ({"manifest": {"json": {"scenes": [scene]}}}, ["manifest.json.scenes.0"]),
        ({"manifest": {"json": {"image_groups": [frames]}}}, ["manifest.json.image_groups.0"]),
        ({"manifest": {"json": {"dicomSeries": [series]}}}, ["manifest.json.dicomSeries.0.dicomFiles.0"]),
    ]
    for more, places in requests:
        refused = await site.refused("startUploadJob", {"folderUuid": folder, **more})
        expected = {("BAD_USER_INPUT", f"input.{path}.{metadata}") for path in places}
        assert expected <= set(refused), more
    said = "text[0].clientMetadata.enum: The metadata schema requires enum to be one of apple."
    assert await manifest_errors(site, folder, {"text": [entry]}) == [said]
    before = await site.see("storageItem", item, "url clientMetadata")
    again = {"objectUrl": before["url"], "clientMetadata": bad}
    switches = {"skip_duplicate_urls": True, "upsert_metadata": True}
    assert await manifest_errors(site, folder, {"text": [again], **switches}) == [said]
    assert await site.see("storageItem", item, "url clientMetadata") == before


async def manifest_errors(site: Site, folder: str, manifest: dict[str, Any]) -> list[str]:
    """Return the errors of an uploaded manifest."""
    data = json.dumps(manifest).encode()
    (uuid,) = await send_files(site, folder, [File("m.json", "PLAIN_TEXT", data)])
    wanted = {"folderUuid": folder, "manifest": {"placeholderUuid": uuid}}
    job = (await site.done("startUploadJob", wanted, "uploadJob { uuid }"))["uploadJob"]["uuid"]
    errors: list[str] = (await wait_for_job(site, job))["errors"]
    return errors


async def test_with_enforcement_other_values_are_refused(strict_site: Site) -> None:
    """Updates, announcements and jobs report the key; unknown keys take any value.

    Inventory: ENC-SCHEMA-05.
    """
    site, folder = strict_site, await strict_site.folder("strict")
    for kind in SCALARS:
        await put(site, f"a {kind}", kind)
    await put(site, "enum", "ENUM", enumValues=["apple"])
    await put(site, "embedding", "EMBEDDING", embeddingSize=3)
    await put(site, "place", "GEOSPATIAL")
    job = await upload(site, folder, [File("a.txt", "PLAIN_TEXT", b"strict")])
    item = job["itemsWithNames"][0]["itemUuid"]
    for key, value in [(key, value) for key, values in GOOD.items() for value in values]:
        await site.done(
            "updateStorageItem", {"itemUuid": item, "clientMetadata": {key: value, "x": 1}}, "item { uuid }"
        )
    for key, value in [(key, value) for key, values in BAD.items() for value in values]:
        refused = await site.refused("updateStorageItem", {"itemUuid": item, "clientMetadata": {key: value}})
        assert refused == [("BAD_USER_INPUT", f"input.clientMetadata.{key}")], value
    bad = {"enum": "plum"}
    patch = {"itemUuid": item, "clientMetadataPatch": bad}
    assert await site.refused("updateStorageItem", patch) == [("BAD_USER_INPUT", "input.clientMetadataPatch.enum")]
    change = {"items": [{"itemUuid": item, "clientMetadata": bad}]}
    assert await site.refused("updateStorageItems", change) == [("BAD_USER_INPUT", "input.items.0.clientMetadata.enum")]
    file = {"name": "b", "itemType": "PLAIN_TEXT", "fileSize": 1, "clientMetadata": bad}
    refused = await site.refused("requestUploadUrls", {"folderUuid": folder, "files": [file]})
    assert refused == [("BAD_USER_INPUT", "input.files.0.clientMetadata.enum")]
    grid = {"grid": {"layoutContents": [item], "clientMetadata": bad}}
    refused = await site.refused("createDataGroups", {"folderUuid": folder, "groups": [grid]})
    assert refused == [("BAD_USER_INPUT", "input.groups.0.grid.clientMetadata.enum")]
    await check_jobs_under_the_schema(site, folder, item, bad)
    free = {"folderUuid": folder, "clientMetadata": bad}
    await site.done("updateStorageFolder", free, "folder { uuid }")
    await site.done("deleteMetadataSchemaField", {"key": "enum"}, "field { key }")
    await site.done("updateStorageItem", {"itemUuid": item, "clientMetadata": bad}, "item { uuid }")
