"""Bringing the items of a cloud-synced folder into line with its bucket.

New objects get placeholders and changed ones are read again, both as units of an upload job.
Items whose objects vanished become tombstones, and turn back when the objects return.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ingestion.batches import UNITS_PER_BATCH, enqueue_batches
from gateway.catalog.ingestion.placeholders import (
    ExpectedFile,
    PlaceholderRows,
    add_placeholders,
    placeholder_rows,
)
from gateway.catalog.ingestion.start_job import JobOptions, add_units, create_job
from gateway.catalog.ingestion.unit_plan import UnitPlan, UnitSource
from gateway.catalog.integrations import find_integration
from gateway.catalog.items import lock_items, set_tombstones, update_items
from gateway.catalog.ledger.counters import lock_counters
from gateway.catalog.ledger.row_edits import set_columns
from gateway.catalog.mirroring.prefix_folders import name_of
from gateway.clouds.base import CloudObject
from gateway.database.engine import Transaction
from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_types import UNNAMED_TYPE
from gateway.models.base import new_row
from gateway.models.folders import FolderRecord
from gateway.models.integrations import CloudIntegrationRecord
from gateway.models.items import items
from gateway.models.jobs import JobRecord
from gateway.models.uploads import UploadRecord, uploads
from gateway.queues.base import Queue
from gateway.stores.keys import new_key


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Metadata of an object, from a sidecar file next to it; `etag` is that of the sidecar."""

    etag: str
    metadata: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ListedObject:
    """A new or changed object of a bucket.

    `folder_uuid` is the folder of its item, and `item_type` its kind, None if the content decides.
    """

    object: CloudObject
    url: str
    item_type: StorageItemType | None
    folder_uuid: UUID
    sidecar: Sidecar | None = None


@dataclass(frozen=True, slots=True)
class ListingDiff:
    """Differences between a part of a bucket and the items that mirror it.

    Attributes:
        new: objects without an item.
        changed: objects that changed since they were read, by item.
        vanished: items whose objects are gone.
        returned: tombstones whose objects are there again.
        sidecars: metadata to attach, by item.
    """

    new: Sequence[ListedObject] = ()
    changed: Mapping[UUID, ListedObject] = field(default_factory=dict)
    vanished: Sequence[UUID] = ()
    returned: Sequence[UUID] = ()
    sidecars: Mapping[UUID, Sidecar] = field(default_factory=dict)


async def apply_diff(
    transaction: Transaction,
    queue: Queue,
    job: JobRecord,
    folder: FolderRecord,
    diff: ListingDiff,
) -> dict[str, int]:
    """Apply the differences to the items of a synced folder, as part of a sync.

    The caller has locked the tree. Items removed since the listing are left out until the next
    sync.

    Returns:
        What to add to the columns of the sync job.
    """
    known = {*diff.changed, *diff.vanished, *diff.returned, *diff.sidecars}
    rows = {row.uuid: row for row in await lock_items(transaction, known)}
    homes = {
        folder.uuid,
        *(listed.folder_uuid for listed in diff.new),
        *(row.folder_uuid for row in rows.values()),
    }
    await lock_counters(transaction, homes)
    for uuids, is_tombstone in ((diff.vanished, True), (diff.returned, False)):
        present = [rows[uuid] for uuid in uuids if uuid in rows]
        await set_tombstones(transaction, job.user_uuid, present, is_tombstone)
    await _attach_sidecars(transaction, job.user_uuid, diff.sidecars)
    changed = {uuid: listed for uuid, listed in diff.changed.items() if uuid in rows}
    if not diff.new and not changed:
        return {}
    listed = await _expect_new(transaction, job, folder, diff.new)
    listed += await _expect_changed(transaction, folder, changed)
    await _start_upload_job(transaction, queue, job, folder, listed)
    size = sum(each.object.size for _, each in listed)
    return {"upload_jobs_pending": 1, "units_pending_count": len(listed), "bytes_total": size}


async def _attach_sidecars(
    transaction: Transaction,
    user_uuid: UUID | None,
    sidecars: Mapping[UUID, Sidecar],
) -> None:
    """Replace the metadata of items by that of their sidecars, and remember the etags."""
    # Some may have become tombstones, or have returned.
    rows = {row.uuid: row for row in await lock_items(transaction, sidecars)}
    present = {uuid: sidecar for uuid, sidecar in sidecars.items() if uuid in rows}
    values = {uuid: {"client_metadata": sidecar.metadata} for uuid, sidecar in present.items()}
    await update_items(transaction, user_uuid, values, rows)
    etags = {uuid: {"sidecar_etag": sidecar.etag} for uuid, sidecar in present.items()}
    await set_columns(transaction, items, etags)


async def _expect_new(
    transaction: Transaction,
    job: JobRecord,
    folder: FolderRecord,
    new: Sequence[ListedObject],
) -> list[tuple[UUID, ListedObject]]:
    """Create placeholders for new objects, folder by folder, and return them with their objects."""
    expected: list[tuple[UUID, ListedObject]] = []
    integration: CloudIntegrationRecord | None = None
    if folder.integration_uuid:
        integration = await find_integration(transaction, folder.integration_uuid)
    placeholders: list[PlaceholderRows] = []
    for listed in new:
        sidecar = listed.sidecar
        file = ExpectedFile(
            name=name_of(listed.object.key),
            item_type=listed.item_type,
            file_size=None,
            mime_type=UNNAMED_TYPE,
            sha256=None,
            client_metadata=sidecar.metadata if sidecar else {},
            url=listed.url,
            integration=integration,
            source_modified_at=listed.object.last_modified,
        )
        placeholder = placeholder_rows(
            job.user_uuid,
            listed.folder_uuid,
            file,
            None,
            linked_folder_uuid=folder.uuid,
            remote_key=listed.object.key,
            sidecar_etag=sidecar.etag if sidecar else None,
            remote_etag=listed.object.etag,
            remote_modified_at=listed.object.last_modified,
        )
        placeholders.append(placeholder)
        expected.append((placeholder.item["uuid"], listed))
    await add_placeholders(transaction, job.user_uuid, placeholders)
    return expected


async def _expect_changed(
    transaction: Transaction, folder: FolderRecord, changed: Mapping[UUID, ListedObject]
) -> list[tuple[UUID, ListedObject]]:
    """Expect changed objects to be read again; their items stay as they are until then."""
    rows = [
        new_row(
            UploadRecord,
            item_uuid=uuid,
            item_type=listed.item_type,
            object_key=new_key(),
            file_name=name_of(listed.object.key),
            mime_type=UNNAMED_TYPE,
            source_url=listed.url,
            integration_uuid=folder.integration_uuid,
        )
        for uuid, listed in changed.items()
    ]
    if rows:
        await transaction.execute(sa.insert(uploads), rows)
    states = {
        uuid: {
            "remote_etag": listed.object.etag,
            "remote_modified_at": listed.object.last_modified,
            "source_modified_at": listed.object.last_modified,
        }
        for uuid, listed in changed.items()
    }
    await set_columns(transaction, items, states)
    return list(changed.items())


async def _start_upload_job(
    transaction: Transaction,
    queue: Queue,
    job: JobRecord,
    folder: FolderRecord,
    expected: Sequence[tuple[UUID, ListedObject]],
) -> None:
    """Have the objects read by an upload job of the sync, one unit each."""
    options = JobOptions(ignore_errors=True, integration_uuid=folder.integration_uuid)
    upload_job = await create_job(
        transaction,
        job.user_uuid,
        folder.uuid,
        options,
        len(expected),
        sum(listed.object.size for _, listed in expected),
        job.uuid,
    )
    plans = [
        UnitPlan(
            listed.item_type or StorageItemType.FILE,
            [UnitSource((), listed.item_type, uuid, listed.url, None, None, None)],
        )
        for uuid, listed in expected
    ]
    await add_units(transaction, upload_job, plans)
    await enqueue_batches(transaction, queue, upload_job, range(0, len(plans), UNITS_PER_BATCH))
