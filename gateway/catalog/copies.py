"""Copies of items: independent items of whoever copies, which share their bytes with the originals.

Everything that is written for a new item is written here in one transaction. What was made of the
originals stays with them: shares, renditions, places in datasets, and attachments to studies.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas, arrival_deltas
from gateway.catalog.ledger.dicom_instances import Arrival, files_read
from gateway.catalog.ledger.encapsulated_files import save_encapsulated
from gateway.catalog.ledger.item_uses import note_members
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.metadata_values import add_metadata
from gateway.catalog.ledger.mirror_datasets import items_created
from gateway.catalog.ledger.thumbnails import enqueue_covers
from gateway.clock import now
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.dicom.documents import Packed
from gateway.ids import uuid7
from gateway.kinds.dicom_object import DicomObject, EncapsulatedFile
from gateway.kinds.media_facts import MEDIA_FACTS, MediaFacts
from gateway.models.base import fold, natural_key, new_row
from gateway.models.dicom import dicom_headers, dicom_instances, dicom_tags, encapsulated_files
from gateway.models.items import (
    ItemRecord,
    StoredObjectRecord,
    group_members,
    items,
    stored_objects,
)
from gateway.models.revisions import (
    BitstreamRecord,
    ItemRevisionRecord,
    bitstreams,
    item_revisions,
)
from gateway.queues.base import Queue

MAX_PARTS = 100_000
"""Members of groups, and files of items with several, that are copied at once."""
_OWN = {
    *("uuid", "folder_uuid", "name", "name_key", "natural_key", "owner_uuid", "created_at"),
    *("last_edited_at", "is_shared", "linked_folder_uuid", "remote_key", "remote_etag"),
    *("remote_modified_at", "sidecar_etag", "revision_number", "older_size", "copy_of_uuid"),
}
"""The columns that a copy does not have from its original."""
_COPIED = [column.name for column in items.c if column.name not in _OWN]
_FACTS = [fact.name for fact in MEDIA_FACTS.values() if fact.is_column]


class PlannedCopy(NamedTuple):
    """A locked item that has content, with the folder and the name that its copy gets."""

    original: ItemRecord
    folder_uuid: UUID
    name: str


class MembersFolder(NamedTuple):
    """A folder with members of a group."""

    group_uuid: UUID
    folder_uuid: UUID


class _Number(NamedTuple):
    number: int


class _ReadBefore(NamedTuple):
    """Knowledge of the DICOM object in the file of an item."""

    item_uuid: UUID
    number: int | None
    sop_class_uid: str | None
    transfer_syntax_uid: str | None
    has_pixels: bool
    attributes: dict[str, Any]
    document: bytes
    document_size: int
    is_complete: bool
    errors: int
    omitted: list[str]
    character_sets: list[str]
    mime_type: str | None
    ranges: list[tuple[int, int]] | None


async def count_parts(transaction: Transaction, rows: Collection[ItemRecord]) -> int:
    """Return how many members and files these items have together, up to one too many."""
    members = (
        sa.select(group_members.c.position)
        .where(in_keys(group_members.c.group_uuid, [row.uuid for row in rows]))
        .limit(MAX_PARTS + 1)
        .subquery()
    )
    counted = sa.select(sa.func.count().label("number")).select_from(members)
    number = (await transaction.single(counted, _Number)).number
    return number + sum(row.file_count or 0 for row in rows)


async def folders_of_members(
    transaction: Transaction, group_uuids: Collection[UUID], is_copied: sa.ColumnElement[bool]
) -> list[MembersFolder]:
    """Return the folders of the members of groups that are not copied with them.

    Args:
        is_copied: the condition on rows of `group_members` that the member is.
    """
    statement = (
        sa.select(group_members.c.group_uuid, items.c.folder_uuid)
        .join(items, items.c.uuid == group_members.c.item_uuid)
        .where(in_keys(group_members.c.group_uuid, group_uuids), sa.not_(is_copied))
        .distinct()
    )
    return await transaction.rows(statement, MembersFolder)


async def copy_items(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID,
    planned: Sequence[PlannedCopy],
    earlier: sa.Select[Any] | None = None,
) -> dict[UUID, UUID]:
    """Copy items, and return the UUIDs of the copies by those of the originals.

    The caller has locked the tree. Groups get the copies of those members that are copied with
    them, and share the others.

    Args:
        earlier: selects `item_uuid` and `copy_uuid` of the members of groups that have been copied,
            if they are not among these items.
    """
    if not planned:
        return {}
    rows = [each.original for each in planned]
    files = await _lock_files(transaction, rows)
    copies = {each.original.uuid: _copied_row(each, user_uuid) for each in planned}
    uuids = {original: copy["uuid"] for original, copy in copies.items()}
    await transaction.execute(sa.insert(items), list(copies.values()))
    await add_metadata(
        transaction, {copy["uuid"]: copy["client_metadata"] for copy in copies.values()}
    )
    await _copy_files(transaction, user_uuid, rows, files, uuids)
    await _copy_members(transaction, list(uuids.values()), earlier)
    await _copy_instances(transaction, queue, planned, uuids)
    new = await transaction.rows(
        sa.select(items).where(in_keys(items.c.uuid, list(uuids.values()))).order_by(items.c.uuid),
        ItemRecord,
    )
    arrived = (arrival_deltas([row], row.folder_uuid) for row in new)
    await apply_deltas(transaction, *arrived)
    await enqueue_covers(transaction, queue, new)
    await items_created(transaction, user_uuid, new)
    entries = [
        JournalEntry(
            "CREATE",
            "StorageItem",
            row.uuid,
            row.folder_uuid,
            after={"name": row.name, "sha256": row.sha256},
        )
        for row in new
    ]
    await journal.append(transaction, user_uuid, entries)
    return uuids


async def _lock_files(
    transaction: Transaction, rows: Sequence[ItemRecord]
) -> list[BitstreamRecord]:
    """Return the files of items that have rows for them.

    Their objects, and those of the other items, are locked so that they are not removed before the
    copies refer to them.
    """
    several = [row.uuid for row in rows if row.file_count]
    files: list[BitstreamRecord] = []
    if several:
        head = sa.select(bitstreams).where(
            in_keys(bitstreams.c.item_uuid, several), bitstreams.c.last_revision.is_(None)
        )
        files = await transaction.rows(head, BitstreamRecord)
    keys = {row.object_key for row in rows} | {file.object_key for file in files}
    locked = (
        sa.select(stored_objects.c.key)
        .where(in_keys(stored_objects.c.key, keys - {None}))
        .order_by(stored_objects.c.sha256, stored_objects.c.key)
        .with_for_update(read=True, key_share=True)
    )
    await transaction.rows(locked, StoredObjectRecord)
    return files


def _copied_row(planned: PlannedCopy, user_uuid: UUID) -> dict[str, Any]:
    """Return the row of a copy, whose first revision is the head of the original."""
    row = planned.original
    return new_row(
        ItemRecord,
        folder_uuid=planned.folder_uuid,
        name=planned.name,
        name_key=fold(planned.name),
        natural_key=natural_key(fold(planned.name)),
        owner_uuid=user_uuid,
        copy_of_uuid=row.uuid,
        revision_number=min(row.revision_number, 1),
        **{column: getattr(row, column) for column in _COPIED},
    )


async def _copy_files(
    transaction: Transaction,
    user_uuid: UUID,
    rows: Sequence[ItemRecord],
    files: Sequence[BitstreamRecord],
    uuids: Mapping[UUID, UUID],
) -> None:
    """Give copies of items with rows for their files a first revision with the same files."""
    revisions = [
        new_row(
            ItemRevisionRecord,
            item_uuid=uuids[row.uuid],
            number=1,
            user_uuid=user_uuid,
            file_count=row.file_count,
            file_size=row.file_size or 0,
        )
        for row in rows
        if row.file_count is not None and row.revision_number
    ]
    if revisions:
        await transaction.execute(sa.insert(item_revisions), revisions)
    copied = [
        {
            **file._mapping,  # type: ignore[attr-defined]  # it is a row
            "uuid": uuid7(),
            "item_uuid": uuids[file.item_uuid],
            "first_revision": 1,
            "created_at": now(),
        }
        for file in files
    ]
    if copied:
        await transaction.execute(sa.insert(bitstreams), copied)


async def _copy_members(
    transaction: Transaction, copies: Collection[UUID], earlier: sa.Select[Any] | None
) -> None:
    """Give copies of groups their members: the copies of those that were copied with them."""
    group = items.alias("copied_group")
    of_these = sa.select(items.c.copy_of_uuid.label("item_uuid"), items.c.uuid.label("copy_uuid"))
    of_these = of_these.where(in_keys(items.c.uuid, copies))
    copied = (of_these if earlier is None else earlier).subquery("copied_member")
    members = (
        sa.select(
            group.c.uuid,
            group_members.c.position,
            sa.func.coalesce(copied.c.copy_uuid, group_members.c.item_uuid),
            group_members.c.key,
        )
        .select_from(group)
        .join(group_members, group_members.c.group_uuid == group.c.copy_of_uuid)
        .outerjoin(copied, copied.c.item_uuid == group_members.c.item_uuid)
        .where(in_keys(group.c.uuid, copies))
    )
    columns = ["group_uuid", "position", "item_uuid", "key"]
    await transaction.execute(sa.insert(group_members).from_select(columns, members))
    await note_members(transaction, in_keys(group_members.c.group_uuid, copies))


async def _copy_instances(
    transaction: Transaction,
    queue: Queue,
    planned: Sequence[PlannedCopy],
    uuids: Mapping[UUID, UUID],
) -> None:
    """Let copies of DICOM files be parts of studies, as if their files had been read."""
    candidates = {
        each.original.uuid: each for each in planned if each.original.dicom_study_uid is not None
    }
    if not candidates:
        return
    has_header = sa.and_(
        dicom_headers.c.series_uuid == dicom_instances.c.series_uuid,
        dicom_headers.c.digest == dicom_instances.c.header_digest,
    )
    sources = {"number", "sop_class_uid", "transfer_syntax_uid", "has_pixels", "item_uuid"}
    statement = (
        sa.select(
            *(dicom_instances.c[name] for name in _ReadBefore._fields if name in sources),
            dicom_headers.c.attributes,
            *(dicom_tags.c[name] for name in _ReadBefore._fields[6:12]),
            encapsulated_files.c.mime_type,
            encapsulated_files.c.ranges,
        )
        .join(dicom_headers, has_header)
        .join(dicom_tags, dicom_tags.c.item_uuid == dicom_instances.c.item_uuid)
        .outerjoin(
            encapsulated_files, encapsulated_files.c.item_uuid == dicom_instances.c.item_uuid
        )
        .where(in_keys(dicom_instances.c.item_uuid, list(candidates)))
    )
    arrivals, elsewhere = [], set()
    for read in await transaction.rows(statement, _ReadBefore):
        (row, folder_uuid, _), uuid = candidates[read.item_uuid], uuids[read.item_uuid]
        facts = MediaFacts(
            **{name: getattr(row, name) for name in _FACTS}, dicom_instance_number=read.number
        )
        arrivals.append(Arrival(uuid, folder_uuid, facts, _object_of(read)))
        if row.object_key is None:
            elsewhere.add(uuid)
    await files_read(transaction, arrivals)
    objects = {each.item_uuid: each.object for each in arrivals}
    await save_encapsulated(transaction, queue, objects, elsewhere)


def _object_of(read: _ReadBefore) -> DicomObject:
    """Return a DICOM object as it was when its file was read."""
    inside = None
    if read.mime_type is not None and read.ranges is not None:
        inside = EncapsulatedFile(mime_type=read.mime_type, ranges=read.ranges)
    return DicomObject(
        sop_class_uid=read.sop_class_uid,
        transfer_syntax_uid=read.transfer_syntax_uid,
        has_pixels=read.has_pixels,
        header=read.attributes,
        document=Packed(read.document, read.document_size).text,
        document_size=read.document_size,
        is_complete=read.is_complete,
        errors=read.errors,
        omitted=read.omitted,
        character_sets=read.character_sets,
        encapsulated=inside,
    )
