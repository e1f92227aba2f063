"""Files that become part of existing items: what is checked, and what is written once all are good.

A unit with a target adds its files to the target's head, or makes a new revision of them, all at
once. Their placeholders are used up.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.identity import masked_trees
from gateway.auth.roles import require_role, roles_on_items
from gateway.auth.viewer import Viewer
from gateway.catalog.ingestion.entry_plans import MAX_FILES_OF_ITEM
from gateway.catalog.ingestion.finish_items import ReadSource
from gateway.catalog.ingestion.placeholders import (
    UPLOADABLE,
    storage_location_of,
    uploads_of,
)
from gateway.catalog.ingestion.unit_plan import OBJECT_URL, UnitPlan, UnitTarget
from gateway.catalog.items import delete_items
from gateway.catalog.ledger.stored_objects import release_objects
from gateway.catalog.revisions import HeadFile, change_head, head_files, save_head
from gateway.catalog.rules.names import name_in_url
from gateway.catalog.rules.paths import in_nfc
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.tree import within
from gateway.error_texts import leaves_masked_tree, sized
from gateway.errors import DomainError, ErrorCode, bad_input, conflict, forbidden
from gateway.kinds.enums import StorageUserRole
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.folders import folders
from gateway.models.items import ItemRecord, items
from gateway.models.uploads import uploads
from gateway.queues.base import Queue


class ReadTarget(NamedTuple):
    """The files of a unit, which have been read, and the item that they become part of."""

    unit_uuid: UUID
    target: UnitTarget
    sources: Sequence[ReadSource]


class NewHead(NamedTuple):
    """The file of a typed item's new revision, and the columns that it gives the item besides."""

    source: ReadSource
    columns: dict[str, Any]


class UnitsRefused(Exception):
    """Raised when items have changed so that files cannot become part of them; by unit."""

    def __init__(self, errors: Mapping[UUID, str]) -> None:
        super().__init__(errors)
        self.errors = errors


async def target_errors(
    transaction: Transaction, viewer: Viewer, folder_uuid: UUID, plans: Collection[UnitPlan]
) -> list[DomainError]:
    """Return what is wrong with the targets of plans; sources are given the kind of their target.

    A target is in the folder of the job or below it, and the viewer needs USER on it. Targets are
    only kept from being deleted, as their units will refer to them, and before the counters are
    locked; they are checked again when the files have been read.
    """
    targets = [(plan, plan.target) for plan in plans if plan.target]
    if not targets:
        return []
    uuids = {target.uuid for _, target in targets}
    top = sa.select(folders.c.path).where(folders.c.uuid == folder_uuid).scalar_subquery()
    below = sa.select(folders.c.uuid).where(within(folders.c.path, top))
    chosen = sa.select(items).where(in_keys(items.c.uuid, uuids), items.c.folder_uuid.in_(below))
    kept = chosen.order_by(items.c.uuid).with_for_update(read=True, key_share=True, of=items)
    rows = {row.uuid: row for row in await transaction.rows(kept, ItemRecord)}
    roles = await roles_on_items(transaction.connection, viewer, rows)
    times = Counter(target.uuid for _, target in targets)
    errors: list[DomainError] = []
    for plan, target in targets:
        path, noun = (*target.path, "itemUuid"), "item in this folder or below it"
        try:
            require_role(roles.get(target.uuid), StorageUserRole.USER, noun, target.uuid, *path)
            if times[target.uuid] > 1:
                raise bad_input("Several entries have this itemUuid.", *path)
            check_target(rows[target.uuid], target, len(plan.sources))
        except DomainError as error:
            errors.append(error)
            continue
        row = rows[target.uuid]
        for source in plan.sources:
            source.item_type = row.item_type
            source.parsing = source.parsing or (row.time_series or {}).get("given")
    errors = errors or await _name_errors(transaction, targets, rows)
    return errors or await _identity_errors(transaction, viewer, targets, rows)


def check_target(row: ItemRecord, target: UnitTarget, count: int) -> None:
    """Raise a `DomainError` if so many files cannot become part of an item, as it is now."""
    path, kind = (*target.path, "itemUuid"), row.item_type
    is_file = kind is StorageItemType.FILE
    if row.linked_folder_uuid:
        raise conflict("The item mirrors an object of a bucket, so it gets no other files.", *path)
    if row.is_placeholder:
        raise conflict("The item is a placeholder that has not been processed yet.", *path)
    if kind not in UPLOADABLE or not (is_file or row.url):
        raise bad_input(f"An item of type {kind} that has no file of its own gets none.", *path)
    if not is_file and (count > 1 or not target.new_revision):
        message = f"An item of type {kind} has one file, which only newRevision replaces."
        raise bad_input(message, *path)
    if target.expected_revision not in (None, row.revision_number):
        message = f"The newest revision of the item is {row.revision_number}."
        raise conflict(message, *target.path, "expectedRevision")


async def _name_errors(
    transaction: Transaction,
    targets: Sequence[tuple[UnitPlan, UnitTarget]],
    rows: Mapping[UUID, ItemRecord],
) -> list[DomainError]:
    """Return an error for each file that has the name of another, and for too many names."""
    uuids = {uuid for plan, _ in targets for uuid in plan.placeholder_uuids}
    expected = await uploads_of(transaction, uuids)
    errors = []
    for plan, target in targets:
        names = set[str]()
        for source in plan.sources:
            upload = expected.get(source.placeholder_uuid) if source.placeholder_uuid else None
            name = source.title or (upload.file_name if upload else "")
            name = name or name_in_url(source.object_url or "")
            if in_nfc(name) in names:
                message = f"Another file of the entry has the name {name!r:.200}."
                errors.append(bad_input(message, *source.path))
            names.add(in_nfc(name))
        if limit := await _limit_message(transaction, rows[target.uuid], target, names):
            errors.append(DomainError(ErrorCode.LIMIT_EXCEEDED, limit, (*target.path, "itemUuid")))
    return errors


async def _limit_message(
    transaction: Transaction, row: ItemRecord, target: UnitTarget, names: Collection[str]
) -> str | None:
    """Return the message for files of these names that would be too many for an item, if any.

    The names are in NFC.
    """
    kept = 0 if target.new_revision else (1 if row.file_count is None else row.file_count)
    if kept + len(names) <= MAX_FILES_OF_ITEM:
        return None
    replaced = [
        file for file in await head_files(transaction, row.uuid) if in_nfc(file.name) in names
    ]
    count = kept + len(names) - len(replaced)
    if count <= MAX_FILES_OF_ITEM:
        return None
    return sized("An item", 0, MAX_FILES_OF_ITEM, count, "files")


async def _identity_errors(
    transaction: Transaction,
    viewer: Viewer,
    targets: Sequence[tuple[UnitPlan, UnitTarget]],
    rows: Mapping[UUID, ItemRecord],
) -> list[DomainError]:
    """Return an error for each file that a target would take out of a masked tree."""
    uuids = {uuid for plan, _ in targets for uuid in plan.placeholder_uuids}
    chosen = sa.select(items.c.uuid, items.c.folder_uuid).where(in_keys(items.c.uuid, uuids))
    homes = {row.uuid: row.folder_uuid for row in await transaction.rows(chosen, ItemRecord)}
    known = {*homes.values(), *(row.folder_uuid for row in rows.values())}
    trees = await masked_trees(transaction.connection, viewer, known)
    return [
        forbidden(leaves_masked_tree("file"), *source.path)
        for plan, target in targets
        for source in plan.sources
        if source.placeholder_uuid in homes
        and (tree := trees.get(homes[source.placeholder_uuid])) is not None
        and tree != trees.get(rows[target.uuid].folder_uuid)
    ]


async def write_heads(
    transaction: Transaction,
    user_uuid: UUID | None,
    read: Sequence[ReadTarget],
    rows: Mapping[UUID, ItemRecord],
    keys: Mapping[str, str],
) -> list[NewHead]:
    """Write files into their targets; return the heads of typed items, which are to be finished.

    Args:
        rows: the locked placeholders and targets, by UUID.
        keys: the object to use for each digest, from `deduplicate_objects`.
    """
    heads = []
    for each in read:
        row = rows[each.target.uuid]
        files = [_file_of(source, rows, keys) for source in each.sources]
        columns = await change_head(
            transaction,
            user_uuid,
            row,
            files,
            replaces=each.target.new_revision,
            changes=each.target.changes,
        )
        # A file that was lost is not in the head any more, or has company.
        columns["is_tombstone"] = False
        if row.item_type is StorageItemType.FILE:
            await save_head(transaction, user_uuid, row, columns)
            continue
        [source] = each.sources
        settings = source.settings or row.time_series_settings
        named = replace(source, item_uuid=row.uuid, title=None, settings=settings)
        heads.append(NewHead(named, columns))
    return heads


async def use_up_placeholders(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID | None,
    read: Sequence[ReadTarget],
    rows: Mapping[UUID, ItemRecord],
    keys: Mapping[str, str],
) -> None:
    """Delete the placeholders of files that are in their targets now."""
    sources = [source for each in read for source in each.sources]
    if not sources:
        return
    placeholders = [rows[source.item_uuid] for source in sources]
    uuids = [row.uuid for row in placeholders]
    await transaction.execute(sa.delete(uploads).where(in_keys(uploads.c.item_uuid, uuids)))
    await delete_items(transaction, queue, user_uuid, placeholders)
    sent = [source.uploaded for source in sources if source.uploaded]
    unused = [each.key for each in sent if keys[each.sha256] != each.key]
    await release_objects(transaction, queue, unused)


async def refusals(
    transaction: Transaction, read: Collection[ReadTarget], rows: Mapping[UUID, ItemRecord]
) -> dict[UUID, str]:
    """Return why files cannot become part of the locked items any more, by unit."""
    errors: dict[UUID, str] = {}
    for each in read:
        row = rows[each.target.uuid]
        names = {source.title or rows[source.item_uuid].name for source in each.sources}
        try:
            check_target(row, each.target, len(each.sources))
        except DomainError as error:
            errors[each.unit_uuid] = error.message
            continue
        if len(names) < len(each.sources):
            errors[each.unit_uuid] = "Two of the files have the same name."
        elif any(source.item_type is not row.item_type for source in each.sources):
            errors[each.unit_uuid] = f"The file is not of the item's type, {row.item_type}."
        elif message := await _limit_message(transaction, row, each.target, names):
            errors[each.unit_uuid] = message
    return errors


def _file_of(
    source: ReadSource, rows: Mapping[UUID, ItemRecord], keys: Mapping[str, str]
) -> HeadFile:
    """Return a file of a head: one that has been read."""
    uploaded, placeholder = source.uploaded, rows[source.item_uuid]
    key = keys[uploaded.sha256] if uploaded else None
    return HeadFile(
        name=source.title or placeholder.name,
        url=source.location if key is None else OBJECT_URL + key,
        object_key=key,
        mime_type=source.facts.mime_type,
        file_size=source.facts.file_size,
        sha256=source.facts.sha256,
        storage_location=storage_location_of(source.is_remote, source.integration),
        integration_uuid=source.integration_uuid,
        source_modified_at=source.source_modified_at or placeholder.source_modified_at,
    )
