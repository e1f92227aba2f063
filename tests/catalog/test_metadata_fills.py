"""Filling in the values of a metadata key while items change, and workers end at any moment."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.ingestion.placeholders import ExpectedFile, create_placeholders
from gateway.database.dialects import lock_tree
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.metadata import metadata_fields, metadata_values
from gateway.tasks import fill_metadata
from gateway.tasks.fill_metadata import fill_metadata as fill
from tests.catalog.racing import waiting
from tests.fixtures.invariants import check_metadata_values
from tests.fixtures.sites import Site

MANY = 450
"""Items that take three batches."""
SEVERAL_WRITERS = ["scaled"]
"""On SQLite no transaction changes items while a key is declared."""


def described_file(number: int) -> ExpectedFile:
    return ExpectedFile(f"{number}.txt", StorageItemType.PLAIN_TEXT, 1, "text/plain", None, {"size": number})


async def add_items(site: Site, viewer: Viewer, folder: str, count: int) -> list[UUID]:
    files = [described_file(number) for number in range(count)]
    async with site.services.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        return await create_placeholders(transaction, viewer, UUID(folder), files)


async def declare(site: Site) -> str:
    """Declare a key and return the arguments of the task that fills in its values."""
    await site.done("setMetadataSchemaField", {"key": "size", "type": "NUMBER"}, "field { key }")
    [row] = await site.services.database.rows(sa.select(metadata_fields.c.uuid), sa.Row)
    return str(row.uuid.hex)


async def count_values(site: Site) -> int:
    return len(await site.services.database.rows(sa.select(metadata_values.c.id), sa.Row))


async def test_filling_resumes_where_it_was_stopped(
    idle_site: Site, viewer: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches that have been committed are not repeated, and changes in between are kept."""
    site, folder = idle_site, await idle_site.folder("stopped")
    uuids = await add_items(site, viewer, folder, MANY)
    field, whole = await declare(site), fill_metadata._fill_batch
    batches: list[int] = []

    async def stop_after_one(*args: Any) -> bool:
        if batches:
            raise KeyError("The worker was killed.")
        batches.append(1)
        return await whole(*args)

    with monkeypatch.context() as patched:
        patched.setattr(fill_metadata, "_fill_batch", stop_after_one)
        with pytest.raises(KeyError):
            await fill(site.services, field=field)
    assert await count_values(site) == fill_metadata.BATCH
    for uuid, size in ((uuids[0], -1), (uuids[-1], None)):
        change = {"itemUuid": str(uuid), "clientMetadata": {"size": size}}
        await site.done("updateStorageItem", change, "item { uuid }")
    await fill(site.services, field=field)
    assert await count_values(site) == MANY - 1
    await check_metadata_values(site.services.database)
    await fill(site.services, field=field)
    await site.done("deleteMetadataSchemaField", {"key": "size"}, "field { key }")
    await fill(site.services, field=field)
    assert await count_values(site) == 0


@pytest.mark.parametrize("idle_site", SEVERAL_WRITERS, indirect=True)
async def test_filling_waits_for_items_added_by_transactions_that_do_not_know_the_key(
    idle_site: Site, viewer: Viewer
) -> None:
    """Such an item is not visible to the task before its transaction has ended."""
    site, folder = idle_site, await idle_site.folder("late")
    async with site.services.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await create_placeholders(transaction, viewer, UUID(folder), [described_file(1)])
        field = await declare(site)
        async with waiting(fill(site.services, field=field)) as filling:
            pass
    await filling
    assert await count_values(site) == 1


@pytest.mark.parametrize("idle_site", SEVERAL_WRITERS, indirect=True)
async def test_filling_waits_for_items_that_are_being_changed(idle_site: Site, viewer: Viewer) -> None:
    """A change that does not know the key yet is seen once it has been committed."""
    site, folder = idle_site, await idle_site.folder("changing")
    [uuid] = await add_items(site, viewer, folder, 1)
    async with site.services.database.writing() as transaction:
        change = sa.text("UPDATE items SET client_metadata = '{\"size\": 7}' WHERE uuid = :uuid")
        await transaction.execute(change.bindparams(uuid=uuid))
        field = await declare(site)
        async with waiting(fill(site.services, field=field)) as filling:
            pass
    await filling
    [row] = await site.services.database.rows(sa.select(metadata_values.c.number), sa.Row)
    assert row.number == 7
    await check_metadata_values(site.services.database)
