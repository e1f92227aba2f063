"""What a sync does to items: new objects are expected, changed ones read again, vanished ones become tombstones."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ingestion.batches import UNITS_PER_BATCH, enqueue_batches
from gateway.catalog.ingestion.bind_sources import claim_placeholders
from gateway.catalog.ingestion.placeholders import (
    UNNAMED_TYPE,
    ExpectedFile,
    add_placeholders,
    placeholder_rows,
)
from gateway.catalog.ingestion.start_job import JobOptions, create_job
from gateway.catalog.ingestion.unit_plan import UnitPlan, UnitSource, to_spec
from gateway.catalog.integrations import find_integration
from gateway.catalog.items import locked_items, update_items
from gateway.catalog.ledger.counters import apply_deltas, item_delta, lock_counters
from gateway.catalog.mirroring.prefix_folders import name_of
from gateway.clouds.base import CloudObject
from gateway.database.engine import Transaction
from gateway.kinds.enums import StorageItemType
from gateway.models.base import new_row
from gateway.models.items import items
from gateway.models.uploads import UploadRecord, UploadUnitRecord, upload_units, uploads
from gateway.queues.base import Queue
from gateway.stores.keys import new_key


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Metadata that lies beside an object, in another whose etag is given."""

    etag: str
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object that was not there, or is not as it was: its URL, its kind, the folder and the item that it has."""

    object: CloudObject
    url: str
    item_type: StorageItemType
    folder_uuid: UUID
    sidecar: Sidecar | None = None


@dataclass(frozen=True, slots=True)
class ListingDiff:
    """What one step of a sync finds: `changed` and `sidecars` by item; `vanished` and `returned` are items."""

    new: Sequence[ListedObject] = ()
    changed: Mapping[UUID, ListedObject] = field(default_factory=dict)
    vanished: Sequence[UUID] = ()
    returned: Sequence[UUID] = ()
    sidecars: Mapping[UUID, Sidecar] = field(default_factory=dict)


async def apply_diff(
    transaction: Transaction, queue: Queue, job: Any, folder: Any, difference: ListingDiff
) -> dict[str, int]:
    """Bring the items of a linked folder into line, as part of a sync; what the sync has to count more.

    The caller has locked the tree. Items that were removed meanwhile stay so until the next sync.
    """
    known = {*difference.changed, *difference.vanished, *difference.returned, *difference.sidecars}
    held = {row.uuid: row for row in await locked_items(transaction, known)}
    homes = {
        folder.uuid,
        *(one.folder_uuid for one in difference.new),
        *(row.folder_uuid for row in held.values()),
    }
    await lock_counters(transaction, homes)
    await _mark(
        transaction,
        job.user_uuid,
        [held[uuid] for uuid in difference.vanished if uuid in held],
        True,
    )
    await _mark(
        transaction,
        job.user_uuid,
        [held[uuid] for uuid in difference.returned if uuid in held],
        False,
    )
    await _attach(transaction, job.user_uuid, difference.sidecars, held)
    changed = {uuid: found for uuid, found in difference.changed.items() if uuid in held}
    return await _read(transaction, queue, job, folder, difference.new, changed)


async def _mark(
    transaction: Transaction, user_uuid: UUID | None, rows: Iterable[Any], is_tombstone: bool
) -> None:
    """Let items be tombstones, or be none any more."""
    rows = [row for row in rows if row.is_tombstone != is_tombstone]
    values = {row.uuid: {"is_tombstone": is_tombstone} for row in rows}
    await update_items(transaction, user_uuid, values, {row.uuid: row for row in rows})
    deltas: dict[UUID, Counter[str]] = {}
    for row in rows:
        delta = deltas.setdefault(row.folder_uuid, Counter())
        delta.subtract(item_delta(row))
        delta.update(item_delta(SimpleNamespace(**{**row._mapping, "is_tombstone": is_tombstone})))
    await apply_deltas(transaction, deltas)


async def _attach(
    transaction: Transaction,
    user_uuid: UUID | None,
    sidecars: Mapping[UUID, Sidecar],
    held: Mapping[UUID, Any],
) -> None:
    """Give items the metadata beside them, and note which it was."""
    there = {uuid: sidecar for uuid, sidecar in sidecars.items() if uuid in held}
    values = {uuid: {"client_metadata": one.metadata} for uuid, one in there.items()}
    await update_items(transaction, user_uuid, values, held)
    if there:
        mine = sa.update(items).where(items.c.uuid == sa.bindparam("item", type_=items.c.uuid.type))
        etags = [{"item": uuid, "sidecar_etag": one.etag} for uuid, one in there.items()]
        await transaction.execute(mine, etags)


async def _read(
    transaction: Transaction,
    queue: Queue,
    job: Any,
    folder: Any,
    new: Sequence[ListedObject],
    changed: Mapping[UUID, ListedObject],
) -> dict[str, int]:
    """Have objects read by an upload job of the sync."""
    total = len(new) + len(changed)
    if not total:
        return {}
    expected = await _expect(transaction, job, folder, new)
    expected += await _expect_again(transaction, folder.integration_uuid, changed)
    terms = JobOptions(ignore_errors=True, integration_uuid=folder.integration_uuid)
    upload_job = await create_job(transaction, job.user_uuid, folder.uuid, terms, total, job.uuid)
    plans = [_plan(uuid, found) for uuid, found in expected]
    units = [
        new_row(
            UploadUnitRecord,
            job_uuid=upload_job,
            position=place,
            spec=to_spec(plan),
            item_uuid=plan.item_uuid,
        )
        for place, plan in enumerate(plans)
    ]
    await transaction.execute(sa.insert(upload_units), units)
    await claim_placeholders(
        transaction, [(unit["uuid"], plan) for unit, plan in zip(units, plans, strict=True)]
    )
    await enqueue_batches(transaction, queue, upload_job, range(0, total, UNITS_PER_BATCH))
    return {"upload_jobs_pending": 1, "upload_jobs_units_pending": total}


async def _expect(
    transaction: Transaction, job: Any, folder: Any, new: Sequence[ListedObject]
) -> list[tuple[UUID, ListedObject]]:
    """Placeholders for new objects, folder by folder."""
    expected: list[tuple[UUID, ListedObject]] = []
    integration = await find_integration(transaction, folder.integration_uuid)
    by_folder: dict[UUID, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for found in new:
        metadata = found.sidecar.metadata if found.sidecar else {}
        file = ExpectedFile(
            name_of(found.object.key),
            found.item_type,
            None,
            UNNAMED_TYPE,
            None,
            metadata,
            found.url,
            integration,
        )
        item, upload = placeholder_rows(job.user_uuid, found.folder_uuid, file, None)
        sidecar = {"sidecar_etag": found.sidecar and found.sidecar.etag}
        item |= {
            "linked_folder_uuid": folder.uuid,
            "remote_key": found.object.key,
            **sidecar,
            **_state(found),
        }
        by_folder.setdefault(found.folder_uuid, []).append((item, upload))
        expected.append((item["uuid"], found))
    for folder_uuid, made in by_folder.items():
        await add_placeholders(transaction, job.user_uuid, folder_uuid, made)
    return expected


async def _expect_again(
    transaction: Transaction, integration_uuid: UUID, changed: Mapping[UUID, ListedObject]
) -> list[tuple[UUID, ListedObject]]:
    """Items whose objects are others now stay as they are until those have been read."""
    if not changed:
        return []
    rows = [
        new_row(
            UploadRecord,
            item_uuid=uuid,
            object_key=new_key(),
            file_name=name_of(found.object.key),
            mime_type=UNNAMED_TYPE,
            source_url=found.url,
            integration_uuid=integration_uuid,
        )
        for uuid, found in changed.items()
    ]
    await transaction.execute(sa.insert(uploads), rows)
    mine = sa.update(items).where(items.c.uuid == sa.bindparam("item", type_=items.c.uuid.type))
    await transaction.execute(
        mine, [{"item": uuid, **_state(found)} for uuid, found in changed.items()]
    )
    return list(changed.items())


def _state(found: ListedObject) -> dict[str, Any]:
    """By what a change of an object is noticed; its size is that of the item."""
    return {"remote_etag": found.object.etag, "remote_modified_at": found.object.last_modified}


def _plan(item_uuid: UUID, found: ListedObject) -> UnitPlan:
    source = UnitSource((), found.item_type, item_uuid, found.url, None, None, None)
    return UnitPlan(found.item_type, [source])
