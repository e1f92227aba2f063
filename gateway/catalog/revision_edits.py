"""Changes of revisions that exist: files are renamed and deleted, revisions restored and deleted.

The caller has locked the item, which has rows, and has checked that its files are its own.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ingestion.finish_items import ReadSource, finish_items
from gateway.catalog.integrations import find_integration
from gateway.catalog.ledger.stored_objects import release_objects
from gateway.catalog.ledger.thumbnails import MAKE_THUMBNAILS, MakeThumbnailsArgs
from gateway.catalog.reprobing import enqueue_chosen
from gateway.catalog.revisions import add_revision, freeze_head, head_columns, save_head
from gateway.catalog.rules.client_facts import object_of_facts
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.ids import uuid7
from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import MediaFacts
from gateway.kinds.thumbnail_sizes import COVER
from gateway.models.items import ItemRecord
from gateway.models.revisions import (
    BitstreamRecord,
    ItemRevisionRecord,
    bitstreams,
    item_revisions,
)
from gateway.queues.base import Queue


async def files_with(
    transaction: Transaction, row: ItemRecord, *conditions: sa.ColumnElement[bool]
) -> list[BitstreamRecord]:
    """Return the files of an item, in order, that meet conditions."""
    chosen = sa.select(bitstreams).where(bitstreams.c.item_uuid == row.uuid, *conditions)
    return await transaction.rows(chosen.order_by(bitstreams.c.position), BitstreamRecord)


def is_of(number: Any) -> sa.ColumnElement[bool]:
    """Return the condition that a file belongs to the revision with a number."""
    last = bitstreams.c.last_revision
    return sa.and_(bitstreams.c.first_revision <= number, sa.or_(last.is_(None), last >= number))


async def update_file(
    transaction: Transaction,
    user_uuid: UUID,
    row: ItemRecord,
    file: BitstreamRecord,
    values: dict[str, Any],
) -> None:
    """Change a file of an item's head; older revisions that have it keep it as it is."""
    changed = {name: value for name, value in values.items() if getattr(file, name) != value}
    if not changed:
        return
    if file.first_revision < row.revision_number:
        kept = {**file._mapping, "uuid": uuid7()}  # type: ignore[attr-defined]  # it is a row
        kept["last_revision"] = row.revision_number - 1
        values = {**values, "first_revision": row.revision_number}
        await _update(transaction, [file.uuid], values)
        await transaction.execute(sa.insert(bitstreams), [kept])
    else:
        await _update(transaction, [file.uuid], values)
    columns = await head_columns(transaction, row, row.revision_number)
    before = {"file": file.name, **{name: getattr(file, name) for name in changed}}
    await save_head(transaction, user_uuid, row, columns, "UPDATE", before, changed)


async def choose_thumbnail(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID,
    row: ItemRecord,
    file: BitstreamRecord | None,
) -> None:
    """Let a file of an item's head, a picture, represent the item; None stands for its own."""
    chosen = await files_with(transaction, row, bitstreams.c.is_thumbnail)
    before = next((each for each in chosen if each.last_revision is None), None)
    if (before and before.uuid) == (file and file.uuid):
        return
    await _update(transaction, [each.uuid for each in chosen], {"is_thumbnail": False})
    await _update(transaction, [file.uuid] if file else [], {"is_thumbnail": True})
    old, new = ({"thumbnail": each.name if each else None} for each in (before, file))
    await save_head(transaction, user_uuid, row, {}, "UPDATE", old, new)
    args = MakeThumbnailsArgs(items=[row.uuid.hex], frame=COVER)
    await queue.enqueue(transaction, MAKE_THUMBNAILS, args)


async def delete_files(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID,
    row: ItemRecord,
    files: Sequence[BitstreamRecord],
) -> None:
    """Delete files from an item's head; older revisions keep those that they have."""
    older = [file.uuid for file in files if file.first_revision < row.revision_number]
    own = [file for file in files if file.uuid not in older]
    await _update(transaction, older, {"last_revision": row.revision_number - 1})
    await _delete(transaction, queue, own)
    columns = await head_columns(transaction, row, row.revision_number)
    names = ", ".join(file.name for file in files)
    await save_head(transaction, user_uuid, row, columns, "UPDATE", {"deleted_files": names})


async def restore_revision(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID,
    row: ItemRecord,
    number: int,
    changes: str,
) -> None:
    """Make a new head of the files of an older revision.

    Files that the head has anyway go on; the others are copied, without their bytes. An item of
    another kind than `FILE` gets the facts that it had; a DICOM file is read again for its tags.
    """
    head, wanted = (
        bitstreams.c.last_revision.is_(None),
        await files_with(transaction, row, is_of(number)),
    )
    going = {file.uuid for file in wanted if file.last_revision is None}
    gone = [
        file.uuid for file in await files_with(transaction, row, head) if file.uuid not in going
    ]
    await freeze_head(transaction, row, gone)
    newest = row.revision_number + 1
    await add_revision(transaction, user_uuid, row.uuid, newest, changes)
    copies = [
        {
            **file._mapping,  # type: ignore[attr-defined]  # it is a row
            "uuid": uuid7(),
            "first_revision": newest,
            "last_revision": None,
            "is_thumbnail": False,
            "facts": None,
        }
        for file in wanted
        if file.uuid not in going
    ]
    if copies:
        await transaction.execute(sa.insert(bitstreams), copies)
    columns = {**await head_columns(transaction, row, newest), "is_tombstone": False}
    if row.item_type is StorageItemType.FILE:
        await save_head(transaction, user_uuid, row, columns, "RESTORE")
        return
    source = await _read_before(transaction, row, wanted[0])
    keys = {source.facts.sha256 or "": source.location}
    same, more = {row.uuid: row}, {row.uuid: columns}
    await finish_items(transaction, queue, user_uuid, [source], same, keys, more, is_restored=True)
    if row.item_type is StorageItemType.DICOM_FILE:
        await enqueue_chosen(transaction, queue, [row.uuid])


async def delete_revisions(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID,
    row: ItemRecord,
    numbers: Collection[int],
) -> None:
    """Delete older revisions, with the files that no other revision has."""
    gone = sa.delete(item_revisions).where(
        item_revisions.c.item_uuid == row.uuid, in_keys(item_revisions.c.number, numbers)
    )
    await transaction.execute(gone)
    left = sa.select(item_revisions.c.number).where(
        item_revisions.c.item_uuid == row.uuid, is_of(item_revisions.c.number)
    )
    await _delete(transaction, queue, await files_with(transaction, row, ~left.exists()))
    for column, bound in (
        (bitstreams.c.first_revision, sa.func.min(item_revisions.c.number)),
        (bitstreams.c.last_revision, sa.func.max(item_revisions.c.number)),
    ):
        moved = sa.update(bitstreams).where(
            bitstreams.c.item_uuid == row.uuid, in_keys(column, numbers)
        )
        nearest = left.with_only_columns(bound).scalar_subquery()
        await transaction.execute(moved.values({column.key: nearest}))
    columns = await head_columns(transaction, row, row.revision_number)
    names = ", ".join(map(str, sorted(numbers)))
    await save_head(transaction, user_uuid, row, columns, "UPDATE", {"deleted_revisions": names})


async def revision_numbers(
    transaction: Transaction, row: ItemRecord, numbers: Collection[int]
) -> set[int]:
    """Return which of these revisions an item has."""
    chosen = sa.select(item_revisions.c.number).where(
        item_revisions.c.item_uuid == row.uuid, in_keys(item_revisions.c.number, numbers)
    )
    return {each.number for each in await transaction.rows(chosen, ItemRevisionRecord)}


async def _read_before(
    transaction: Transaction, row: ItemRecord, file: BitstreamRecord
) -> ReadSource:
    """Return a file as it was when it was read for a revision."""
    facts = MediaFacts(**(file.facts or {}))
    if row.item_type is StorageItemType.DICOM_FILE and facts.dicom_study_uid is not None:
        known = (facts.dicom_instance_uid, facts.dicom_study_uid, facts.dicom_series_uid)
        facts = replace(facts, dicom=object_of_facts(*known, facts.height, facts.width))
    integration = None
    if file.integration_uuid:
        integration = await find_integration(transaction, file.integration_uuid)
    return ReadSource(
        row.uuid,
        row.item_type,
        file.object_key or file.url,
        facts,
        None,
        None,
        row.time_series_settings,
        file.source_modified_at,
        file.object_key is None,
        integration,
    )


async def _update(
    transaction: Transaction, uuids: Collection[UUID], values: dict[str, Any]
) -> None:
    chosen = sa.update(bitstreams).where(in_keys(bitstreams.c.uuid, uuids))
    await transaction.execute(chosen.values(values))


async def _delete(transaction: Transaction, queue: Queue, files: Sequence[BitstreamRecord]) -> None:
    """Delete files, and release the bytes that nothing else refers to."""
    gone = in_keys(bitstreams.c.uuid, [file.uuid for file in files])
    await transaction.execute(sa.delete(bitstreams).where(gone))
    await release_objects(transaction, queue, [file.object_key for file in files])
