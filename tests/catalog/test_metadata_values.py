"""Values of declared metadata keys, by which items are found: kept with every change."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.models.metadata import metadata_fields, metadata_values
from tests.fixtures.deletions import wait_until_removed
from tests.fixtures.invariants import check_metadata_values
from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, announce, send, start_upload_job, wait_for_job

pytestmark = pytest.mark.asyncio(loop_scope="module")

PLACE = {"latitude": 52.5, "longitude": 13.4}
VALUES: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "flag": ("BOOLEAN", True, {"number": 1.0}),
    "dose": ("NUMBER", 2.5, {"number": 2.5}),
    "taken": ("DATETIME", "2026-01-31T12:00:00+02:00", {"moment": datetime(2026, 1, 31, 10, tzinfo=UTC)}),
    "ref": (
        "UUID",
        "0193B1C000007000800000000000000A",
        {
            "text": "0193b1c0-0000-7000-8000-00000000000a",
            "text_key": "0193b1c0-0000-7000-8000-00000000000a",
        },
    ),
    "by": ("USER", "Ann@Example.org", {"text": "ann@example.org", "text_key": "ann@example.org"}),
    "note": ("VARCHAR", "Große " + "ü" * 8186, {"text_key": "Große " + "ü" * 194, "text_fold": "grosse " + "ü" * 8186}),
    "place": ("GEOSPATIAL", PLACE, {"x": pytest.approx(0.5922, abs=1e-4), "z": pytest.approx(0.7934, abs=1e-4)}),
}
METADATA = {key: value for key, (_, value, _) in VALUES.items()}


async def declare(site: Site, key: str, kind: str, **more: Any) -> None:
    await site.done("setMetadataSchemaField", {"key": key, "type": kind, **more}, "field { key }")


async def wait_until_filled(site: Site) -> dict[str, str]:
    """Wait until no key is being filled in, and return the status of each."""
    document = "{ metadataSchema { fields(includeDeleted: true) { key indexStatus } } }"
    waiting = sa.select(metadata_fields.c.uuid).where(~metadata_fields.c.is_filled)
    async with asyncio.timeout(30):
        while await site.services.database.rows(waiting, sa.Row):
            await asyncio.sleep(0.05)
    fields = (await site.ask(document))["metadataSchema"]["fields"]
    return {field["key"]: field["indexStatus"] for field in fields}


async def stored(site: Site, item: str, key: str) -> list[dict[str, Any]]:
    """Return what is stored of an item's value for a key."""
    joined = sa.select(metadata_values).join(metadata_fields, metadata_fields.c.uuid == metadata_values.c.field_uuid)
    async with site.services.database.reading() as connection:
        rows = (await connection.execute(joined.where(metadata_fields.c.key == key))).mappings().all()
    return [dict(row) for row in rows if str(row["item_uuid"]) == item]


async def describe(site: Site, item: str, metadata: dict[str, Any]) -> None:
    await site.done("updateStorageItem", {"itemUuid": item, "clientMetadata": metadata}, "item { uuid }")


async def test_values_take_the_form_of_their_type(shared_site: Site) -> None:
    """Declared before or after items have them; each type in its own form."""
    site, folder = shared_site, await shared_site.folder("forms")
    [early] = await upload_items(site, folder, [File("early.txt", "PLAIN_TEXT", b"early")])
    await describe(site, early, METADATA)
    for key, (kind, _, _) in VALUES.items():
        await declare(site, key, kind)
    [late] = await upload_items(site, folder, [File("late.txt", "PLAIN_TEXT", b"late")])
    await describe(site, late, METADATA)
    assert set((await wait_until_filled(site)).values()) == {"READY"}
    for item in (early, late):
        for key, (_, _, form) in VALUES.items():
            [row] = await stored(site, item, key)
            assert {name: row[name] for name in form} == form, key
    await check_metadata_values(site.services.database)


async def test_values_follow_the_metadata(shared_site: Site) -> None:
    """Announcements, jobs, updates, patches, and deletions of items."""
    site, folder = shared_site, await shared_site.folder("changes")
    await declare(site, "size", "NUMBER")
    [target] = await announce(site, folder, [File("a.txt", "PLAIN_TEXT", b"a")], clientMetadata={"size": 1})
    await send(site, target, b"a")
    announced = target["itemUuid"]
    assert [row["number"] for row in await stored(site, announced, "size")] == [1.0]
    entry = {"placeholderUuid": announced, "clientMetadata": {"size": 2}}
    job = await wait_for_job(site, await start_upload_job(site, folder, {"text": [entry]}))
    assert job["status"] == "DONE"
    assert [row["number"] for row in await stored(site, announced, "size")] == [2.0]
    group = {"grid": {"layoutContents": [announced], "clientMetadata": {"size": 3}}}
    created = await site.done(
        "createDataGroups", {"folderUuid": folder, "groups": [group]}, "results { item { uuid } }"
    )
    assert [row["number"] for row in await stored(site, created["results"][0]["item"]["uuid"], "size")] == [3.0]
    for metadata, expected in (
        ({"size": 4, "other": 1}, [4.0]),
        ({"size": "large"}, [None]),
        ({"size": None}, []),
        ({"size": True}, [None]),
        ({}, []),
    ):
        await describe(site, announced, metadata)
        assert [row["number"] for row in await stored(site, announced, "size")] == expected, metadata
    patch = {"itemUuid": announced, "clientMetadataPatch": {"size": 5}}
    await site.done("updateStorageItem", patch, "item { uuid }")
    assert [row["number"] for row in await stored(site, announced, "size")] == [5.0]
    await check_metadata_values(site.services.database)
    deletion = {"folderUuid": folder, "recursive": True}
    await site.done("deleteStorageFolder", deletion, "removedItemsCount")
    await wait_until_removed(site)
    assert await stored(site, announced, "size") == []
    await check_metadata_values(site.services.database)


async def test_values_follow_the_schema(shared_site: Site) -> None:
    """A new type, a deletion and a restoration; embeddings have no values."""
    site, folder = shared_site, await shared_site.folder("schema")
    await declare(site, "grade", "TEXT")
    await declare(site, "vector", "EMBEDDING", embeddingSize=2)
    [item] = await upload_items(site, folder, [File("g.txt", "PLAIN_TEXT", b"g")])
    await describe(site, item, {"grade": "7", "vector": [1, 2]})
    assert (await wait_until_filled(site))["vector"] == "NONE"
    await declare(site, "grade", "NUMBER")
    assert (await wait_until_filled(site))["grade"] == "READY"
    [row] = await stored(site, item, "grade")
    assert (row["number"], row["text"]) == (None, None)
    await site.done("deleteMetadataSchemaField", {"key": "grade"}, "field { key }")
    assert (await wait_until_filled(site))["grade"] == "NONE"
    assert await stored(site, item, "grade") == []
    await describe(site, item, {"grade": 8})
    await site.done("restoreMetadataSchemaField", {"key": "grade"}, "field { key }")
    assert (await wait_until_filled(site))["grade"] == "READY"
    assert [row["number"] for row in await stored(site, item, "grade")] == [8.0]
    assert await stored(site, item, "vector") == []
    await check_metadata_values(site.services.database)
