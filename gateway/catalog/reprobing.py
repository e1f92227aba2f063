"""Reading the facts of files again, once a newer version of Storegraph reads other ones.

Which items are done follows from the items alone, so that the task can be interrupted and started
again at any time.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, NotRequired, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ingestion.unit_plan import from_spec
from gateway.catalog.items import lock_items
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas, arrival_deltas, removal_deltas
from gateway.catalog.ledger.dicom_instances import Arrival, files_read
from gateway.catalog.ledger.encapsulated_files import save_encapsulated
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.row_edits import changed_values, set_columns, update_rows
from gateway.catalog.revisions import follow_item
from gateway.catalog.rules.client_facts import object_of_facts
from gateway.database.dialects import in_keys
from gateway.database.engine import Database, Transaction
from gateway.database.tree import within
from gateway.errors import not_found
from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import MEDIA_FACTS, PROBE_VERSION, MediaFacts
from gateway.models.dicom import DicomInstanceRecord, dicom_instances, dicom_tags
from gateway.models.folders import FolderRecord, folders
from gateway.models.items import ItemRecord, group_members, items
from gateway.models.uploads import UploadUnitRecord, upload_units
from gateway.queues.base import Queue, TaskType

PROVIDED = 0
"""The `probe_version` of items whose facts their client provided."""
ITEMS_PER_TASK = 20
START = UUID(int=0)


class ReprobeArgs(TypedDict):
    """Arguments of `REPROBE`: the scope, and the last item before those of the task.

    Without a folder or without kinds, the scope has all of them. With `only`, the task reads a
    single item of it. With `untagged`, it also has DICOM files that lack their tags. With `chosen`,
    it has these items, whichever version read them.
    """

    folder: str | None
    item_types: list[str]
    after: str
    only: NotRequired[str]
    untagged: NotRequired[bool]
    chosen: NotRequired[Sequence[str]]


REPROBE = TaskType("reprobe", ReprobeArgs)


@dataclass(frozen=True, slots=True)
class ReprobeScope:
    """Items to read again: in and below a folder if one is given, of these kinds if some are.

    Attributes:
        with_untagged: whether DICOM files without their tags, or without an instance, are among
            them even if this version read them.
        chosen: the only items in the scope, if there are any, whichever version read them.
    """

    folder_uuid: UUID | None = None
    item_types: Collection[StorageItemType] = ()
    with_untagged: bool = False
    chosen: Collection[UUID] = ()

    @property
    def conditions(self) -> Sequence[sa.ColumnElement[bool]]:
        """Conditions of the items, most of which are those that an older version read."""
        version = items.c.probe_version
        is_wanted: sa.ColumnElement[bool] = version.is_(None) | (
            (version > PROVIDED) & (version < PROBE_VERSION)
        )
        if self.chosen:
            is_wanted = in_keys(items.c.uuid, self.chosen)
        if self.with_untagged:
            has_rows = [
                sa.exists().where(table.c.item_uuid == items.c.uuid)
                for table in (dicom_tags, dicom_instances)
            ]
            is_dicom = items.c.item_type == StorageItemType.DICOM_FILE
            is_wanted |= is_dicom & ~sa.and_(*has_rows)
        conditions = [
            items.c.url.is_not(None),
            items.c.item_type != StorageItemType.FILE,  # which is stored without being read
            items.c.is_placeholder.is_(False),
            items.c.is_tombstone.is_(False),
            is_wanted,
        ]
        if self.item_types:
            conditions.append(items.c.item_type.in_(self.item_types))
        if self.folder_uuid:
            top = sa.select(folders.c.path).where(folders.c.uuid == self.folder_uuid)
            below = within(folders.c.path, top.scalar_subquery())
            conditions.append(items.c.folder_uuid.in_(sa.select(folders.c.uuid).where(below)))
        return conditions


def was_read_by_older_version(row: ItemRecord) -> bool:
    """Return whether the scope of all items, by its `conditions`, has an item."""
    is_read = bool(row.url) and row.item_type != StorageItemType.FILE
    if not is_read or row.is_placeholder or row.is_tombstone:
        return False
    return row.probe_version is None or PROVIDED < row.probe_version < PROBE_VERSION


class _KindCount(NamedTuple):
    item_type: StorageItemType
    total: int


async def count_older(database: Database, scope: ReprobeScope) -> dict[StorageItemType, int]:
    """Return the number of items whose facts were read by an older version, by kind.

    Raises:
        DomainError: `NOT_FOUND`, if there is no such folder.
    """
    if scope.folder_uuid:
        same = sa.select(folders.c.uuid).where(folders.c.uuid == scope.folder_uuid)
        if not await database.rows(same, FolderRecord):
            raise not_found("folder", scope.folder_uuid)
    counts = (
        sa.select(items.c.item_type, sa.func.count().label("total"))
        .where(*scope.conditions)
        .group_by(items.c.item_type)
        .order_by(items.c.item_type)
    )
    return {row.item_type: row.total for row in await database.rows(counts, _KindCount)}


async def enqueue_reprobe(
    transaction: Transaction, queue: Queue, scope: ReprobeScope, after: UUID = START
) -> None:
    """Enqueue the task that reads the next items of a scope, unless one is waiting for it."""
    folder = scope.folder_uuid.hex if scope.folder_uuid else None
    item_types = sorted(scope.item_types)
    key = ".".join((REPROBE.name, folder or "all", *item_types))
    args = ReprobeArgs(folder=folder, item_types=[*map(str, item_types)], after=after.hex)
    if scope.with_untagged:
        key += ".untagged"
        args["untagged"] = True
    await queue.enqueue(transaction, REPROBE, args, key=key)


async def enqueue_chosen(
    transaction: Transaction, queue: Queue, item_uuids: Sequence[UUID]
) -> None:
    """Enqueue tasks that read these items, and no others."""
    for start in range(0, len(item_uuids), ITEMS_PER_TASK):
        chosen = [uuid.hex for uuid in item_uuids[start : start + ITEMS_PER_TASK]]
        args = ReprobeArgs(folder=None, item_types=[], after=START.hex, chosen=chosen)
        await queue.enqueue(transaction, REPROBE, args)


async def enqueue_suspect(
    transaction: Transaction, queue: Queue, scope: ReprobeScope, item_uuid: UUID
) -> None:
    """Enqueue a task that reads a single item of a scope, of which a worker may have died."""
    only = item_uuid.hex
    args = ReprobeArgs(folder=None, item_types=[], after=START.hex, only=only)
    if scope.with_untagged:
        args["untagged"] = True
    key = f"{REPROBE.name}.item.{only}"
    if scope.chosen:
        key += ".chosen"
        args["chosen"] = [only]
    await queue.enqueue(transaction, REPROBE, args, key=key, deaths=1)


async def next_items(
    database: Database, scope: ReprobeScope, after: UUID, only: UUID | None = None
) -> list[ItemRecord]:
    """Return the next items of a scope in the order of their UUIDs, or a single one of it."""
    page = (
        sa.select(items)
        .where(items.c.uuid > after, *scope.conditions)
        .order_by(items.c.uuid)
        .limit(ITEMS_PER_TASK)
    )
    if only is not None:
        page = page.where(items.c.uuid == only)
    return await database.rows(page, ItemRecord)


async def find_provided(database: Database, rows: Collection[ItemRecord]) -> set[UUID]:
    """Return the items whose facts their client provided before items recorded that.

    The units that created them, or the groups that they are in, tell.
    """
    known = {row.uuid for row in rows if row.probe_version == PROVIDED}
    unknown = {row.uuid for row in rows if row.probe_version is None}
    groups = sa.select(group_members.c.group_uuid).where(
        in_keys(group_members.c.item_uuid, unknown)
    )
    units = sa.select(upload_units).where(
        in_keys(upload_units.c.item_uuid, unknown) | upload_units.c.item_uuid.in_(groups)
    )
    return known | {
        source.placeholder_uuid
        for unit in await database.rows(units, UploadUnitRecord)
        for source in from_spec(unit.spec, unit.title).sources
        if source.facts is not None and source.placeholder_uuid in unknown
    }


async def save_facts(
    transaction: Transaction, queue: Queue, read: ItemRecord, facts: MediaFacts | None
) -> None:
    """Update an item, unless it has changed since it was read; None says that facts were provided.

    Only changed facts are an edit, which the journal records.
    """
    rows = await lock_items(transaction, [read.uuid])
    if not rows or _identity(rows[0]) != _identity(read):
        return
    [row] = rows
    await save_object(transaction, queue, row, facts)
    if facts is None:
        await set_columns(transaction, items, {row.uuid: {"probe_version": PROVIDED}})
        return
    known: dict[str, Any] = {
        fact.name: getattr(facts, fact.name) for fact in MEDIA_FACTS.values() if fact.is_column
    }
    # A file that is read in ranges has no digest.
    known["sha256"] = known["sha256"] or row.sha256
    version = {"probe_version": known.pop("probe_version")}
    new = changed_values({row.uuid: known}, {row.uuid: row}).get(row.uuid, {})
    if not new:
        await set_columns(transaction, items, {row.uuid: version})
        return
    await update_rows(transaction, items, {row.uuid: {**new, **version}})
    before = {name: getattr(row, name) for name in new}
    entry = JournalEntry("UPDATE", "StorageItem", row.uuid, row.folder_uuid, before, new)
    await journal.append(transaction, None, [entry])
    await follow_item(transaction, row.uuid)
    if "file_size" in new:
        [resized] = await lock_items(transaction, [row.uuid])
        await apply_deltas(
            transaction, removal_deltas([row]), arrival_deltas([resized], row.folder_uuid)
        )


async def save_object(
    transaction: Transaction, queue: Queue, row: ItemRecord, facts: MediaFacts | None
) -> None:
    """Store the DICOM object of an item; one that was not read has what the item knows of it."""
    content = facts.dicom if facts else None
    if content is None:
        if row.item_type is not StorageItemType.DICOM_FILE or row.dicom_study_uid is None:
            return
        same = dicom_instances.c.item_uuid == row.uuid
        if await transaction.rows(sa.select(dicom_instances).where(same), DicomInstanceRecord):
            return
        content = object_of_facts(
            row.dicom_instance_uid, row.dicom_study_uid, row.dicom_series_uid, row.height, row.width
        )
    known = facts or facts_of(row)
    await files_read(transaction, [Arrival(row.uuid, row.folder_uuid, known, content)])
    elsewhere = () if row.object_key else (row.uuid,)
    await save_encapsulated(transaction, queue, {row.uuid: content}, elsewhere)


def facts_of(row: ItemRecord) -> MediaFacts:
    """Return the facts that an item has."""
    return MediaFacts(
        **{fact.name: getattr(row, fact.name) for fact in MEDIA_FACTS.values() if fact.is_column}
    )


def facts_with_warning(row: ItemRecord, warning: str) -> MediaFacts:
    """Return the facts that an item has, as those of this version, with a warning."""
    return replace(facts_of(row), probe_version=PROBE_VERSION).with_warnings(warning)


def _identity(row: ItemRecord) -> tuple[Any, ...]:
    """Return what stays the same as long as nobody else has read or replaced an item's file."""
    return row.url, row.remote_etag, row.probe_version, row.is_placeholder, row.is_tombstone
