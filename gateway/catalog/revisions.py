"""Revisions of items: new heads, from files that are good, and what is kept of the old ones.

The caller has locked the item. A file belongs to a range of revisions, so that a new revision adds
rows for new files only.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas, arrival_deltas, removal_deltas
from gateway.catalog.ledger.dataset_counters import note_locations
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.row_edits import set_columns
from gateway.catalog.rules.paths import in_nfc
from gateway.clock import now
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.enums import StorageLocationName
from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import MEDIA_FACTS
from gateway.models.base import new_row
from gateway.models.items import ItemRecord, items
from gateway.models.revisions import (
    BitstreamRecord,
    ItemRevisionRecord,
    bitstreams,
    item_revisions,
)

_FILE_COLUMNS = (
    *("object_key", "url", "mime_type", "file_size", "sha256", "storage_location"),
    *("integration_uuid", "source_modified_at"),
)
"""The columns that an item shares with its only file."""
_WITHOUT_FILE = {
    **dict.fromkeys(_FILE_COLUMNS),
    "storage_location": StorageLocationName.STOREGRAPH,
}


@dataclass(frozen=True, slots=True)
class HeadFile:
    """A file that a head is to have: where it is, and what is known of it."""

    name: str
    url: str
    object_key: str | None
    mime_type: str | None
    file_size: int | None
    sha256: str | None
    storage_location: StorageLocationName = StorageLocationName.STOREGRAPH
    integration_uuid: UUID | None = None
    source_modified_at: datetime | None = None
    facts: dict[str, Any] | None = None


class _Totals(NamedTuple):
    """The number of files of a head and their size, and the size of the others."""

    number: int
    size: int
    older: int


async def add_rows(transaction: Transaction, row: ItemRecord) -> None:
    """Give an item that has only ever had one file its rows, with the UUIDs that they had so far.

    Nothing is to be done if it has them.
    """
    if row.file_count is not None:
        return
    size = {"file_count": 1, "file_size": row.file_size or 0}
    revision = new_row(
        ItemRevisionRecord,
        uuid=row.uuid,
        item_uuid=row.uuid,
        number=row.revision_number,
        created_at=row.created_at,
        user_uuid=row.owner_uuid,
        **size,
    )
    file = new_row(
        BitstreamRecord,
        uuid=row.uuid,
        item_uuid=row.uuid,
        first_revision=row.revision_number,
        position=0,
        name=row.name,
        is_lost=row.is_tombstone,
        created_at=row.created_at,
        **{name: getattr(row, name) for name in _FILE_COLUMNS},
    )
    await transaction.execute(sa.insert(item_revisions), [revision])
    await transaction.execute(sa.insert(bitstreams), [file])
    await set_columns(transaction, items, {row.uuid: {"file_count": 1}})


async def head_files(transaction: Transaction, item_uuid: UUID) -> list[BitstreamRecord]:
    """Return the files of an item's head, in order; the item has rows."""
    chosen = sa.select(bitstreams).where(
        bitstreams.c.item_uuid == item_uuid, bitstreams.c.last_revision.is_(None)
    )
    return await transaction.rows(chosen.order_by(bitstreams.c.position), BitstreamRecord)


async def metadata_of(transaction: Transaction, item_uuid: UUID, number: int) -> dict[str, Any]:
    """Return the metadata that an item had with an older revision."""
    same = item_revisions.c.item_uuid == item_uuid, item_revisions.c.number == number
    chosen = sa.select(item_revisions.c.client_metadata).where(*same)
    row = await transaction.single(chosen, ItemRevisionRecord)
    return row.client_metadata or {}


async def follow_item(transaction: Transaction, item_uuid: UUID) -> None:
    """Give the only file of an item's head what is now known of the item."""
    row = await transaction.single(sa.select(items).where(items.c.uuid == item_uuid), ItemRecord)
    if row.file_count != 1:
        return
    head = sa.update(bitstreams).where(
        bitstreams.c.item_uuid == item_uuid, bitstreams.c.last_revision.is_(None)
    )
    await transaction.execute(head.values({name: getattr(row, name) for name in _FILE_COLUMNS}))
    await head_columns(transaction, row, row.revision_number)


async def change_head(
    transaction: Transaction,
    user_uuid: UUID | None,
    row: ItemRecord,
    files: Sequence[HeadFile],
    *,
    replaces: bool,
    changes: str = "",
) -> dict[str, Any]:
    """Add files to an item's head, or make a new one of them; return the item's columns.

    Files whose names the head has already, in any Unicode form, replace these in a new revision,
    which keeps the others. The columns are not written.
    """
    await add_rows(transaction, row)
    head = await head_files(transaction, row.uuid)
    names = {in_nfc(file.name) for file in files}
    gone = [file for file in head if replaces or in_nfc(file.name) in names]
    number = row.revision_number
    if replaces or gone or not number:
        await freeze_head(transaction, row, [file.uuid for file in gone])
        number += 1
        await add_revision(transaction, user_uuid, row.uuid, number, changes)
    position = 0 if replaces else max((file.position for file in head), default=-1) + 1
    positions = {} if replaces else {in_nfc(file.name): file.position for file in gone}
    added = []
    for file in files:
        values = {**asdict(file), "item_uuid": row.uuid, "first_revision": number}
        own = positions.get(in_nfc(file.name))
        added.append(new_row(BitstreamRecord, position=position if own is None else own, **values))
        position += own is None
    await transaction.execute(sa.insert(bitstreams), added)
    return await head_columns(transaction, row, number)


async def add_revision(
    transaction: Transaction, user_uuid: UUID | None, item_uuid: UUID, number: int, changes: str
) -> None:
    """Insert a revision; `head_columns` counts its files once they are written."""
    revision = new_row(
        ItemRevisionRecord, item_uuid=item_uuid, number=number, user_uuid=user_uuid, changes=changes
    )
    await transaction.execute(sa.insert(item_revisions), [revision])


async def freeze_head(
    transaction: Transaction, row: ItemRecord, gone: Collection[UUID] | None
) -> None:
    """Make a head an older revision, to which these of its files are the last to belong.

    None stands for all of them. The metadata that the item has now stays with the revision; so do
    the facts of a file that was read, from which an item can be made of it again.
    """
    if not row.revision_number:
        return
    same = item_revisions.c.item_uuid == row.uuid, item_revisions.c.number == row.revision_number
    kept = sa.update(item_revisions).where(*same)
    await transaction.execute(kept.values(client_metadata=row.client_metadata))
    values: dict[str, Any] = {"last_revision": row.revision_number}
    if row.item_type is not StorageItemType.FILE:
        values["facts"] = {
            fact.name: getattr(row, fact.name) for fact in MEDIA_FACTS.values() if fact.is_column
        }
    leaving = sa.update(bitstreams).where(
        bitstreams.c.item_uuid == row.uuid, bitstreams.c.last_revision.is_(None)
    )
    if gone is not None:
        leaving = leaving.where(in_keys(bitstreams.c.uuid, gone))
    await transaction.execute(leaving.values(values))


async def head_columns(transaction: Transaction, row: ItemRecord, number: int) -> dict[str, Any]:
    """Return the columns that an item has by its files, once their rows are written.

    The revision with this number, the head, gets its count and size.
    """
    in_head = bitstreams.c.last_revision.is_(None)
    mine = bitstreams.c.item_uuid == row.uuid
    is_used = sa.func.max(sa.case((in_head, 1), else_=0))
    older = (
        sa.select(sa.func.max(bitstreams.c.file_size).label("file_size"))
        .where(mine, bitstreams.c.object_key.is_not(None))
        .group_by(bitstreams.c.object_key)
        .having(is_used == 0)
        .subquery()
    )
    totals = sa.select(
        sa.select(sa.func.count()).where(mine, in_head).scalar_subquery().label("number"),
        _sum_of(bitstreams.c.file_size, mine, in_head).label("size"),
        _sum_of(older.c.file_size).label("older"),
    )
    total = await transaction.single(totals, _Totals)
    count, size = total.number, int(total.size)
    revision = sa.update(item_revisions).where(
        item_revisions.c.item_uuid == row.uuid, item_revisions.c.number == number
    )
    await transaction.execute(revision.values(file_count=count, file_size=size))
    columns: dict[str, Any] = {
        "file_count": count,
        "revision_number": number,
        "older_size": int(total.older),
    }
    if row.item_type is not StorageItemType.FILE:
        return columns
    if count == 1:
        [file] = await head_files(transaction, row.uuid)
        return columns | {name: getattr(file, name) for name in _FILE_COLUMNS}
    return {**columns, **_WITHOUT_FILE, "file_size": size if count else None}


async def save_head(
    transaction: Transaction,
    user_uuid: UUID | None,
    row: ItemRecord,
    columns: dict[str, Any],
    action: str = "INGEST",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write the columns of an item whose files have changed, with its counters and the journal.

    `before` and `after` are what the journal says besides.
    """
    await set_columns(transaction, items, {row.uuid: {**columns, "last_edited_at": now()}})
    same = sa.select(items).where(items.c.uuid == row.uuid)
    new = await transaction.single(same, ItemRecord)
    await note_locations(transaction, [(row.uuid, row.storage_location, new.storage_location)])
    await apply_deltas(transaction, removal_deltas([row]), arrival_deltas([new], new.folder_uuid))
    names = ("revision_number", "file_count", "file_size", "sha256")
    changed = [name for name in names if getattr(row, name) != getattr(new, name)]
    old, current = ({name: getattr(each, name) for name in changed} for each in (row, new))
    entry = JournalEntry(
        action,
        "StorageItem",
        row.uuid,
        row.folder_uuid,
        {**old, **(before or {})},
        {**current, **(after or {})},
    )
    await journal.append(transaction, user_uuid, [entry])


def _sum_of(
    column: sa.ColumnElement[Any], *conditions: sa.ColumnElement[bool]
) -> sa.ColumnElement[Any]:
    total = sa.select(sa.func.coalesce(sa.func.sum(column), 0)).where(*conditions)
    return total.scalar_subquery()
