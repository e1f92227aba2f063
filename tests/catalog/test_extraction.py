"""Extraction of what DICOM files hold: wherever a worker dies, nothing is lost, and nothing is left over."""

from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.catalog.ledger.encapsulated_files import EXTRACT_ENCAPSULATED
from gateway.catalog.ledger.stored_objects import REMOVE_OBJECTS
from gateway.media import samples
from gateway.models.dicom import EncapsulatedFileRecord, encapsulated_files
from gateway.models.items import ItemRecord, items
from gateway.queues.base import DEATHS, FATAL_DEATHS
from gateway.sandbox.encoder import Encoder
from gateway.sandbox.prober import Prober
from gateway.tasks import extract_encapsulated as task
from gateway.tasks.ingest_units import run_batch
from gateway.tasks.read_sources import SourceReader
from gateway.tasks.remove_objects import remove_objects
from tests.faults.test_suspects import forget_tasks
from tests.fixtures.encapsulated import extracted_bytes, pdf_in_dicom
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, send_files, start_upload_job

PDF = samples.pdf(2)


class Died(BaseException):
    """Raised where a worker dies."""


@pytest.fixture
async def row(idle_site: Site) -> EncapsulatedFileRecord:
    """What the file of an item holds, which is to be extracted."""
    folder = await idle_site.folder("reports")
    [uuid] = await send_files(idle_site, folder, [File("r.dcm", "DICOM_FILE", pdf_in_dicom(PDF))])
    job = await start_upload_job(idle_site, folder, {"dicomFiles": [{"placeholderUuid": uuid}]})
    prober = Prober()
    reader = SourceReader(idle_site.services, prober, Encoder("vp9"), 1)
    await run_batch(idle_site.services, reader, job=UUID(job).hex, turn=0)
    await prober.close()
    [row] = await rows_of(idle_site)
    assert [each async for each in idle_site.services.queue.pending(EXTRACT_ENCAPSULATED)] == [arguments(row)]
    return row


def arguments(row: EncapsulatedFileRecord) -> Any:
    """Return the arguments of the task that extracts a file."""
    return {"item": row.item_uuid.hex, "object_key": row.object_key, "tries": 0}


async def rows_of(site: Site) -> list[EncapsulatedFileRecord]:
    """Return what is known of extracted files."""
    return await site.services.database.rows(sa.select(encapsulated_files), EncapsulatedFileRecord)


async def delete(site: Site, row: EncapsulatedFileRecord) -> None:
    """Delete the item of a file."""
    await site.done("deleteStorageItems", {"itemUuids": [str(row.item_uuid)]}, "results { uuid }")


async def stored_keys(site: Site) -> set[str]:
    """Return the keys of all objects once those that are due to be removed are."""
    async for args in site.services.queue.pending(REMOVE_OBJECTS):
        await remove_objects(site.services, **args)
    return {each.key async for each in site.services.store.objects()}


def dying(_: object, *__: object) -> None:
    """Die instead of what would be done."""
    raise Died


async def test_what_a_dead_worker_stored_is_stored_again(
    idle_site: Site, row: EncapsulatedFileRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(task, "note_extracted", dying)
        with pytest.raises(Died):
            await task.extract_encapsulated(idle_site.services, **arguments(row))
    assert row.object_key in await stored_keys(idle_site)
    assert [each.is_stored for each in await rows_of(idle_site)] == [False]
    for _ in range(2):
        await task.extract_encapsulated(idle_site.services, **arguments(row))
        assert await extracted_bytes(idle_site, str(row.item_uuid)) == PDF


async def test_what_a_dead_worker_stored_is_removed_with_the_item(
    idle_site: Site, row: EncapsulatedFileRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even if it is stored after the task that removes the objects of the item has run."""
    store, data = idle_site.services.store, b"left over"
    with monkeypatch.context() as patched:
        patched.setattr(task, "note_extracted", dying)
        with pytest.raises(Died):
            await task.extract_encapsulated(idle_site.services, **arguments(row))
    await delete(idle_site, row)
    assert await stored_keys(idle_site) == set()
    await forget_tasks(idle_site)
    await store.put(row.object_key, data, "application/pdf")
    await task.extract_encapsulated(idle_site.services, **arguments(row))
    assert await stored_keys(idle_site) == set()


async def test_an_item_that_is_deleted_meanwhile_leaves_nothing(
    idle_site: Site, row: EncapsulatedFileRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_file = task._store

    async def store_and_delete(*given: Any) -> None:
        await delete(idle_site, row)
        assert row.object_key not in await stored_keys(idle_site)
        await store_file(*given)

    with monkeypatch.context() as patched:
        patched.setattr(task, "_store", store_and_delete)
        # The object that held it may be gone by then.
        patched.setattr(idle_site.services.store, "delete", keep)
        await task.extract_encapsulated(idle_site.services, **arguments(row))
        assert row.object_key in {each.key async for each in idle_site.services.store.objects()}
    assert await stored_keys(idle_site) == set()


async def keep(_keys: object) -> None:
    """Remove nothing from the store yet."""


async def test_a_file_that_cannot_be_extracted_is_given_up(idle_site: Site, row: EncapsulatedFileRecord) -> None:
    """Its DICOM file is lost, or shorter than it was."""
    [item] = await idle_site.services.database.rows(sa.select(items), ItemRecord)
    data = await idle_site.services.store.read(item.object_key or "")
    for change in (data[: row.ranges[0][1] - 1], None):
        await idle_site.services.store.delete([item.object_key or ""])
        if change is not None:
            await idle_site.services.store.put(item.object_key or "", change, "application/dicom")
        await task.extract_encapsulated(idle_site.services, **arguments(row))
        assert await rows_of(idle_site) == []
        assert row.object_key not in await stored_keys(idle_site)
        async with idle_site.services.database.writing() as transaction:
            await transaction.execute(
                sa.insert(encapsulated_files),
                [{name: getattr(row, name) for name in EncapsulatedFileRecord.model_fields}],
            )


async def test_a_file_that_stops_workers_is_given_up(idle_site: Site, row: EncapsulatedFileRecord) -> None:
    """Unless it is stored already, and they stopped of something else."""
    DEATHS.set(FATAL_DEATHS - 1)
    await task.extract_encapsulated(idle_site.services, **arguments(row))
    DEATHS.set(FATAL_DEATHS)
    await task.extract_encapsulated(idle_site.services, **arguments(row))
    assert [each.is_stored for each in await rows_of(idle_site)] == [True]
    async with idle_site.services.database.writing() as transaction:
        await transaction.execute(sa.update(encapsulated_files).values(is_stored=False))
    await task.extract_encapsulated(idle_site.services, **arguments(row))
    assert await rows_of(idle_site) == []
    assert row.object_key not in await stored_keys(idle_site)


@pytest.mark.parametrize("step", [1, 7, 100, 1 << 20])
async def test_pieces_are_copied_in_steps_of_any_size(
    tmp_path: Any, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = bytes(range(256)) * 2
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data)
    monkeypatch.setattr(task, "STEP", step)
    ranges = [(3, 5), (8, 9), (17, 300), (308, 511)]
    with target.open("wb") as file:
        await task.copy_ranges(task.LocalRanges(source, len(data)), ranges, file)
    assert target.read_bytes() == b"".join(data[start:stop] for start, stop in ranges)
