"""What may happen to folders: they are made, changed, moved and removed, always with counters, mirrors and record."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.row_edits import changed_values, update_rows
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.tree import ID_LENGTH, MAX_DEPTH, depth, path_of, within
from gateway.errors import DomainError, ErrorCode, bad_input
from gateway.ids import uuid7
from gateway.kinds.enums import StorageFolderType, StorageUserRole
from gateway.models.base import fold, now
from gateway.models.folders import (
    FolderCountersRecord,
    FolderGrantRecord,
    FolderRecord,
    folder_counters,
    folder_grants,
    folders,
)


@dataclass(frozen=True, slots=True)
class Link:
    """What a folder mirrors: a bucket, or a prefix of one, for itself or as part of what a folder above it mirrors."""

    folder_type: StorageFolderType
    integration_uuid: UUID
    remote_url: str


async def create_folder(
    transaction: Transaction,
    user_uuid: UUID | None,
    name: str,
    description: str = "",
    client_metadata: dict[str, Any] | None = None,
    parent_uuid: UUID | None = None,
    link: Link | None = None,
) -> UUID:
    """Make a folder below another, or a root, whose maker becomes its ADMIN. The tree is locked by the caller."""
    uuid = uuid7()
    parent_path = "" if parent_uuid is None else (await _folder(transaction, parent_uuid)).path
    path = path_of(parent_path, uuid)
    _check_depth(depth(path), "parentUuid")
    folder = FolderRecord(
        uuid=uuid,
        parent_uuid=parent_uuid,
        path=path,
        name=name,
        name_key=fold(name),
        description=description,
        client_metadata=client_metadata,
        owner_uuid=user_uuid,
        **(asdict(link) if link else {}),
    )
    await transaction.execute(sa.insert(folders).values(folder.model_dump()))
    await transaction.execute(
        sa.insert(folder_counters).values(FolderCountersRecord(folder_uuid=uuid).model_dump())
    )
    if parent_uuid is not None:
        await apply_deltas(transaction, {parent_uuid: _one_folder(1)})
    elif user_uuid is not None:
        await _make_admin(transaction, user_uuid, uuid)
    await journal.append(
        transaction,
        user_uuid,
        [JournalEntry("CREATE", "StorageFolder", uuid, parent_uuid, after={"name": name})],
    )
    return uuid


async def locked_folders(transaction: Transaction, uuids: Collection[UUID]) -> list[Any]:
    """The rows of these folders, held until the transaction ends; things may still be put into them meanwhile."""
    chosen = in_keys(folders.c.uuid, uuids)
    return await transaction.rows(
        sa.select(folders).where(chosen).order_by(folders.c.uuid).with_for_update(key_share=True)
    )


async def update_folders(
    transaction: Transaction,
    user_uuid: UUID,
    values: Mapping[UUID, Mapping[str, Any]],
    present: Mapping[UUID, Any],
) -> None:
    """Change held folders' own attributes; what is as it was already is no change."""
    new = changed_values(values, present)
    await update_rows(transaction, folders, new)
    await journal.append(
        transaction, user_uuid, [_updated(present[uuid], changed) for uuid, changed in new.items()]
    )


def check_move(folder_path: str, height: int, parent_path: str, *path: str | int) -> None:
    """Refuse, at `path`, what would hang a folder below itself, or deeper than folders can lie."""
    if parent_path.startswith(folder_path):
        raise bad_input("A folder cannot be moved into itself or below itself.", *path)
    _check_depth(depth(parent_path) + height, *path)


async def subtree_heights(transaction: Transaction, uuids: Collection[UUID]) -> dict[UUID, int]:
    """How many levels each of these folders has, itself counted."""
    below = folders.alias()
    chosen = (
        sa.select(
            folders.c.uuid,
            folders.c.path,
            sa.func.max(sa.func.length(below.c.path)).label("length"),
        )
        .join(below, within(below.c.path, folders.c.path))
        .where(in_keys(folders.c.uuid, uuids))
        .group_by(folders.c.uuid, folders.c.path)
    )
    rows = await transaction.rows(chosen)
    return {row.uuid: int(row.length) // ID_LENGTH - depth(row.path) + 1 for row in rows}


async def move_folder(
    transaction: Transaction, user_uuid: UUID, uuid: UUID, parent_uuid: UUID | None
) -> None:
    """Hang a folder, and all below it, elsewhere. The caller has locked the tree exclusively and checked the move."""
    folder = await _folder(transaction, uuid)
    if folder.parent_uuid == parent_uuid:
        return
    parent_path = "" if parent_uuid is None else (await _folder(transaction, parent_uuid)).path
    await _rewrite_paths(transaction, folder.path, path_of(parent_path, uuid))
    changed = {"parent_uuid": parent_uuid, "last_edited_at": now()}
    await transaction.execute(sa.update(folders).where(folders.c.uuid == uuid).values(changed))
    away = {} if folder.parent_uuid is None else {folder.parent_uuid: _one_folder(-1)}
    await apply_deltas(
        transaction, away, {} if parent_uuid is None else {parent_uuid: _one_folder(1)}
    )
    before, after = {"parent_uuid": folder.parent_uuid}, {"parent_uuid": parent_uuid}
    moved = JournalEntry(
        "MOVE", "StorageFolder", uuid, parent_uuid, before, after, folder.parent_uuid
    )
    await journal.append(transaction, user_uuid, [moved])


async def grant_admin(transaction: Transaction, user_uuid: UUID, uuid: UUID) -> None:
    """Who makes a folder a root is its ADMIN, as if he had made it there."""
    await transaction.execute(
        sa.delete(folder_grants).where(
            folder_grants.c.folder_uuid == uuid, folder_grants.c.user_uuid == user_uuid
        )
    )
    await _make_admin(transaction, user_uuid, uuid)


async def subtree_rows(transaction: Transaction, uuid: UUID) -> list[Any]:
    """A folder and all below it, the deepest first."""
    top = await _folder(transaction, uuid)
    found = sa.select(folders).where(within(folders.c.path, top.path))
    return await transaction.rows(
        found.order_by(sa.func.length(folders.c.path).desc(), folders.c.path)
    )


async def delete_folders(transaction: Transaction, user_uuid: UUID, rows: Sequence[Any]) -> None:
    """Remove empty folders, given with those below first."""
    top = rows[-1]
    for level in _levels(rows):
        chosen = in_keys(folders.c.uuid, level)
        await transaction.execute(sa.delete(folders).where(chosen))
    if top.parent_uuid is not None:
        await apply_deltas(transaction, {top.parent_uuid: _one_folder(-1)})
    changed = [
        JournalEntry(
            "DELETE", "StorageFolder", row.uuid, row.parent_uuid, before={"name": row.name}
        )
        for row in rows
    ]
    await journal.append(transaction, user_uuid, changed)


def _updated(row: Any, new: Mapping[str, Any]) -> JournalEntry:
    before = {name: getattr(row, name) for name in new}
    return JournalEntry("UPDATE", "StorageFolder", row.uuid, row.parent_uuid, before, new)


def _levels(rows: Sequence[Any]) -> list[Collection[UUID]]:
    levels: dict[int, list[UUID]] = {}
    for row in rows:
        levels.setdefault(depth(row.path), []).append(row.uuid)
    return [levels[level] for level in sorted(levels, reverse=True)]


async def _folder(transaction: Transaction, uuid: UUID) -> Any:
    found = await transaction.first(
        sa.select(folders).where(folders.c.uuid == uuid).with_for_update(key_share=True)
    )
    if found is None:
        raise DomainError(ErrorCode.NOT_FOUND, "No such folder.")
    return found


async def _make_admin(transaction: Transaction, user_uuid: UUID, uuid: UUID) -> None:
    grant = FolderGrantRecord(folder_uuid=uuid, user_uuid=user_uuid, role=StorageUserRole.ADMIN)
    await transaction.execute(sa.insert(folder_grants).values(grant.model_dump()))


async def _rewrite_paths(transaction: Transaction, old: str, new: str) -> None:
    moved = sa.literal(new).concat(sa.func.substr(folders.c.path, len(old) + 1))
    await transaction.execute(
        sa.update(folders).where(within(folders.c.path, old)).values(path=moved)
    )


def _check_depth(levels: int, *path: str | int) -> None:
    if levels > MAX_DEPTH:
        message = f"Folders can lie {MAX_DEPTH} levels deep; this would make {levels}."
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, path)


def _one_folder(change: int) -> Counter[str]:
    return Counter(folders=change)
