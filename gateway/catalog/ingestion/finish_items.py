"""Finished items: files have been read, and their placeholders become items."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ingestion.placeholders import storage_location_of
from gateway.catalog.ingestion.unit_plan import OBJECT_URL
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas, arrival_deltas, removal_deltas
from gateway.catalog.ledger.dataset_counters import note_locations
from gateway.catalog.ledger.dicom_instances import Arrival, files_read
from gateway.catalog.ledger.encapsulated_files import delete_encapsulated, save_encapsulated
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.metadata_values import replace_metadata
from gateway.catalog.ledger.mirror_datasets import items_created
from gateway.catalog.ledger.row_edits import set_columns
from gateway.catalog.ledger.stored_objects import release_objects
from gateway.catalog.ledger.thumbnails import delete_thumbnails, enqueue_covers
from gateway.clock import now
from gateway.database.dialects import in_keys, upsert
from gateway.database.engine import Transaction
from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import MEDIA_FACTS, MediaFacts
from gateway.models.base import fold, natural_key, new_row
from gateway.models.integrations import CloudIntegrationRecord
from gateway.models.items import ItemRecord, StoredObjectRecord, items, stored_objects
from gateway.models.reencoding import RenditionRecord, renditions
from gateway.models.thumbnails import thumbnails
from gateway.models.uploads import uploads
from gateway.queues.base import Queue

_FACT_COLUMNS = [fact.name for fact in MEDIA_FACTS.values() if fact.is_column]
_FINISHED = [
    items.c[name]
    for name in (
        *("uuid", "folder_uuid", "item_type", "is_tombstone", "is_placeholder"),
        *("url", "object_key", "file_size", "sha256", "file_count", "older_size"),
        *("revision_number", "client_metadata", "storage_location"),
    )
]
"""What counters, thumbnails, mirror datasets and the journal need of a finished item."""
_NOTHING: Mapping[UUID, Mapping[str, Any]] = {}
_DEDUPLICATION_ROUNDS = 5
"""Rounds of `deduplicate_objects`: an object can be removed between its insert and its select."""


class PlaceholdersGone(Exception):
    """Raised when placeholders or members were deleted while files were read."""

    def __init__(self, uuids: Collection[UUID]) -> None:
        super().__init__(uuids)
        self.uuids = uuids


class UploadedBytes(NamedTuple):
    """Bytes in the gateway's own store, which may be there under another key already."""

    key: str
    sha256: str
    file_size: int
    crc32: int | None = None


@dataclass(frozen=True, slots=True)
class ReadSource:
    """A source whose file has been read.

    Attributes:
        item_uuid: the placeholder, or the item whose file was read again.
        item_type: the kind of item that it becomes.
        location: a key in the gateway's own store, or the URL of a remote file.
        facts: facts about the file.
        title: the item's new name; None leaves it.
        client_metadata: the item's new metadata; None leaves it.
        settings: display settings of a time series.
        source_modified_at: when the file was last modified; None leaves what is known.
        is_remote: whether `location` is a URL; the file stays there.
        integration: the integration in whose store a remote file is, if it is in one.
    """

    item_uuid: UUID
    item_type: StorageItemType
    location: str
    facts: MediaFacts
    title: str | None
    client_metadata: dict[str, Any] | None
    settings: dict[str, Any] | None = None
    source_modified_at: datetime | None = None
    is_remote: bool = False
    integration: CloudIntegrationRecord | None = None

    @property
    def integration_uuid(self) -> UUID | None:
        """The UUID of the integration."""
        return self.integration.uuid if self.integration else None

    @property
    def uploaded(self) -> UploadedBytes | None:
        """The bytes in the gateway's own store; None if the file is remote."""
        if self.is_remote:
            return None
        facts = self.facts
        return UploadedBytes(self.location, facts.sha256 or "", facts.file_size, facts.crc32)


async def deduplicate_objects(
    transaction: Transaction, user_uuid: UUID | None, uploaded: Collection[UploadedBytes]
) -> dict[str, str]:
    """Return the key of the object to use for each digest.

    It is an object that the user uploaded earlier if there is one with the same bytes. Objects are
    inserted and locked in the order of their digests, so that transactions do not deadlock, and
    so that they are not removed before they are referred to.
    """
    keys: dict[str, str] = {}
    for _ in range(_DEDUPLICATION_ROUNDS):
        missing = [each for each in uploaded if each.sha256 not in keys]
        if not missing:
            return keys
        rows = [
            new_row(
                StoredObjectRecord,
                sha256=each.sha256,
                uploader_uuid=user_uuid,
                key=each.key,
                file_size=each.file_size,
                crc32=each.crc32,
            )
            for each in sorted(missing, key=lambda each: (each.sha256, each.key))
        ]
        insert = upsert(transaction.connection, stored_objects).on_conflict_do_nothing()
        await transaction.execute(insert, rows)
        # Another uploader's object is used only if the placeholder was told to use it.
        is_usable = stored_objects.c.uploader_uuid.is_not_distinct_from(user_uuid) | in_keys(
            stored_objects.c.key, {each.key for each in missing}
        )
        usable = (
            sa.select(stored_objects)
            .where(
                in_keys(stored_objects.c.sha256, {each.sha256 for each in missing}),
                ~stored_objects.c.is_leaving,
                is_usable,
            )
            .order_by(stored_objects.c.sha256, stored_objects.c.key)
            .with_for_update(read=True, key_share=True)
        )
        for row in await transaction.rows(usable, StoredObjectRecord):
            keys[row.sha256] = row.key
    raise RuntimeError("Objects with the same bytes kept being removed while they were stored.")


async def finish_items(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID | None,
    sources: Sequence[ReadSource],
    rows: Mapping[UUID, ItemRecord],
    keys: Mapping[str, str],
    more: Mapping[UUID, Mapping[str, Any]] = _NOTHING,
    *,
    is_restored: bool = False,
) -> None:
    """Turn placeholders into items, in whatever folders they are now.

    Items whose changed file was read again are updated, and lose what was made of the old file.

    Args:
        rows: the locked placeholders and items, by UUID.
        keys: the object to use for each digest, from `deduplicate_objects`.
        more: further columns of items that get a new revision.
        is_restored: whether the files were read for an older revision.
    """
    if not sources:
        return
    uuids = [source.item_uuid for source in sources]
    values = {
        uuid: {**item_values(source, rows, keys), **more.get(uuid, {})}
        for uuid, source in zip(uuids, sources, strict=True)
    }
    await set_columns(transaction, items, _changed_columns(values, rows))
    await replace_metadata(transaction, {each.item_uuid: each.client_metadata for each in sources})
    await transaction.execute(sa.delete(uploads).where(in_keys(uploads.c.item_uuid, uuids)))
    released = [
        each.key
        for source in sources
        if (each := source.uploaded) and keys[each.sha256] != each.key
    ]
    changed = [uuid for uuid in uuids if not rows[uuid].is_placeholder]
    released += await delete_derived(transaction, changed)
    await _keep_instances(transaction, queue, sources, rows)
    chosen = sa.select(*_FINISHED).where(in_keys(items.c.uuid, uuids))
    finished = await transaction.rows(chosen, ItemRecord)
    await _count(transaction, [rows[uuid] for uuid in uuids], finished)
    await release_objects(transaction, queue, released)
    await enqueue_covers(transaction, queue, finished)
    arrived = [row for row in finished if rows[row.uuid].is_placeholder]
    await _record_arrivals(transaction, user_uuid, finished, arrived, is_restored)


async def _count(
    transaction: Transaction, before: Sequence[ItemRecord], after: Sequence[ItemRecord]
) -> None:
    """Count items in their folders, and in datasets where they are stored, as they are now."""
    arrivals = (arrival_deltas([row], row.folder_uuid) for row in after)
    await apply_deltas(transaction, removal_deltas(before), *arrivals)
    # Placeholders are in no dataset.
    former = {row.uuid: row.storage_location for row in before if not row.is_placeholder}
    moves = [
        (row.uuid, former[row.uuid], row.storage_location) for row in after if row.uuid in former
    ]
    await note_locations(transaction, moves)


def _changed_columns(
    values: Mapping[UUID, Mapping[str, Any]], rows: Mapping[UUID, ItemRecord]
) -> dict[UUID, dict[str, Any]]:
    """Return the values of the columns that change in any of the rows.

    One statement writes them all. SQLite rewrites the entries of an index for each column that is
    set, changed or not, and most columns of most files stay as they are, such as names.
    """
    names = {name for new in values.values() for name in new}
    same = [name for name in names if all(name in new for new in values.values())]
    for uuid, new in values.items():
        if not same:
            break
        # All at once, as this is so for most files.
        if attrgetter(*same)(rows[uuid]) != itemgetter(*same)(new):
            same = [name for name in same if getattr(rows[uuid], name) == new[name]]
    changed = names.difference(same)
    return {
        uuid: {name: value for name, value in new.items() if name in changed}
        for uuid, new in values.items()
    }


async def _keep_instances(
    transaction: Transaction,
    queue: Queue,
    sources: Sequence[ReadSource],
    rows: Mapping[UUID, ItemRecord],
) -> None:
    """Keep the DICOM objects of items, and forget those of files that are none any more."""
    arrivals = [
        Arrival(each.item_uuid, rows[each.item_uuid].folder_uuid, each.facts, each.facts.dicom)
        for each in sources
        if each.facts.dicom is not None
    ]
    others = {each.item_uuid for each in sources} - {each.item_uuid for each in arrivals}
    await files_read(transaction, arrivals, [rows[uuid] for uuid in others])
    elsewhere = {each.item_uuid for each in sources if each.is_remote}
    objects = {each.item_uuid: each.object for each in arrivals}
    await save_encapsulated(transaction, queue, objects, elsewhere)


async def _record_arrivals(
    transaction: Transaction,
    user_uuid: UUID | None,
    finished: Sequence[ItemRecord],
    arrived: Sequence[ItemRecord],
    is_restored: bool,
) -> None:
    """Add the items that have arrived to mirror datasets, and write all to the journal."""
    await items_created(transaction, user_uuid, arrived)
    entries = []
    for row in finished:
        after: dict[str, Any] = {"sha256": row.sha256}
        if row.file_count is not None:
            after["revision_number"] = row.revision_number
        own = row.uuid, row.folder_uuid
        if is_restored:
            entries.append(JournalEntry("RESTORE", "StorageItem", *own, after=after))
        else:
            entries.append(JournalEntry("INGEST", "StorageItem", *own, after=after))
    await journal.append(transaction, user_uuid, entries)


async def delete_derived(transaction: Transaction, uuids: Collection[UUID]) -> list[str]:
    """Delete what was made of items' former files, and return the keys of its objects.

    Thumbnails of stored objects stay with these.
    """
    if not uuids:
        return []
    delete = sa.delete(renditions).where(in_keys(renditions.c.item_uuid, uuids))
    deleted = await transaction.rows(delete.returning(renditions.c.object_key), RenditionRecord)
    drawn = await delete_thumbnails(transaction, in_keys(thumbnails.c.item_uuid, uuids))
    extracted = await delete_encapsulated(transaction, uuids)
    return [*(row.object_key for row in deleted), *drawn, *extracted]


def item_values(
    source: ReadSource, rows: Mapping[UUID, ItemRecord], keys: Mapping[str, str]
) -> dict[str, Any]:
    """Return the columns of a finished item: always the same ones."""
    row, uploaded = rows[source.item_uuid], source.uploaded
    name = row.name if source.title is None else source.title
    metadata = source.client_metadata
    key = keys[uploaded.sha256] if uploaded else None
    return {
        **{column: getattr(source.facts, column) for column in _FACT_COLUMNS},
        "item_type": source.item_type,
        "source_modified_at": source.source_modified_at or row.source_modified_at,
        "time_series_settings": source.settings,
        "name": name,
        "name_key": fold(name),
        "natural_key": natural_key(fold(name)),
        "client_metadata": row.client_metadata if metadata is None else metadata,
        "is_placeholder": False,
        "object_key": key,
        "url": source.location if key is None else OBJECT_URL + key,
        "integration_uuid": source.integration_uuid,
        "storage_location": storage_location_of(source.is_remote, source.integration),
        "last_edited_at": now(),
    }
