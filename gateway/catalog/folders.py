"""Folders and their tree: create, update and move.

Counters and the journal change in the same transaction. Paths are rewritten when a folder moves.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from types import SimpleNamespace
from typing import Any, NamedTuple, cast
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.community_names import follow_folders
from gateway.catalog.folder_trees import insert_folders
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas
from gateway.catalog.ledger.dicom_studies import move_parts
from gateway.catalog.ledger.former_places import note_places
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.row_edits import changed_values, update_rows
from gateway.catalog.ledger.shares import mark_shares
from gateway.catalog.policies import policy_after_move, spread_policy
from gateway.catalog.visibilities import spread_visibility, visibility_after_move
from gateway.clock import now
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.tree import ID_LENGTH, MAX_DEPTH, ancestors, depth, path_of, within
from gateway.errors import DomainError, ErrorCode, bad_input, not_found
from gateway.ids import uuid7
from gateway.kinds.enums import FolderVisibility, PhiPolicy, StorageFolderType, StorageUserRole
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.base import fold, new_row
from gateway.models.folders import (
    FolderGrantRecord,
    FolderRecord,
    folder_grants,
    folders,
)


@dataclass(frozen=True, slots=True)
class Link:
    """Bucket, or prefix of one, that a folder mirrors.

    `folder_type` is `CLOUD_LINKED` for a cloud-synced folder, which says which objects it mirrors
    and as what, and `SYNTHETIC` for a folder below it.
    """

    folder_type: StorageFolderType
    integration_uuid: UUID
    remote_url: str
    include_other_files: bool = False
    synced_item_type: StorageItemType | None = None
    include_patterns: list[str] = field(default_factory=list)
    exclude_patterns: list[str] = field(default_factory=list)


class DeepestPath(NamedTuple):
    """A folder, with the length of the longest path in its subtree."""

    uuid: UUID
    path: str
    length: int


async def create_folder(
    transaction: Transaction,
    user_uuid: UUID | None,
    name: str,
    description: str = "",
    client_metadata: dict[str, Any] | None = None,
    parent_uuid: UUID | None = None,
    link: Link | None = None,
    *,
    masks_root: bool = False,
    grants_admin: bool = True,
    visibility: FolderVisibility | None = None,
) -> UUID:
    """Create a folder below another, or a root; the user who creates a root becomes its ADMIN.

    Unless `grants_admin`, they get no role. The caller has locked the tree. A root is masked if
    `masks_root`, any other folder if its parent is.

    Raises:
        DomainError: `NOT_FOUND` for the parent; `LIMIT_EXCEEDED` at `parentUuid` if the folder
            would be too deep.
    """
    parent = None if parent_uuid is None else await lock_folder(transaction, parent_uuid)
    columns = asdict(link) if link else {}
    if parent is None and masks_root:
        columns |= {"phi_policy": PhiPolicy.MASKED, "is_masked": True}
    if visibility:
        is_public = visibility is FolderVisibility.PUBLIC
        columns |= {"visibility": visibility, "is_public": is_public}
    columns |= {"description": description, "client_metadata": client_metadata}
    folder = folder_row(parent, user_uuid, name, **columns)
    check_depth(depth(folder.path), "parentUuid")
    await insert_folders(transaction, user_uuid, [folder])
    if parent_uuid is None and user_uuid is not None and grants_admin:
        await _insert_admin_grant(transaction, user_uuid, folder.uuid)
    return folder.uuid


def folder_row(
    parent: FolderRecord | None, user_uuid: UUID | None, name: str, **columns: Any
) -> FolderRecord:
    """Return the row of a new folder, which has the policy and visibility of its parent."""
    uuid = uuid7()
    inherited: dict[str, Any] = {}
    if parent is not None:
        inherited = {"is_masked": parent.is_masked, "is_public": parent.is_public}
    values = {
        "uuid": uuid,
        "parent_uuid": parent.uuid if parent else None,
        "path": path_of(parent.path if parent else "", uuid),
        "name": name,
        "name_key": fold(name),
        "owner_uuid": user_uuid,
    }
    # An instance of the class takes a hundred times as long. Rows that are read are none, either.
    row = SimpleNamespace(**new_row(FolderRecord, **{**values, **inherited, **columns}))
    return cast(FolderRecord, row)


async def lock_folders(transaction: Transaction, uuids: Collection[UUID]) -> list[FolderRecord]:
    """Lock these folders until the transaction ends, and return their rows.

    Others can still add contents to them.
    """
    return await transaction.rows(
        sa.select(folders)
        .where(in_keys(folders.c.uuid, uuids))
        .order_by(folders.c.uuid)
        .with_for_update(key_share=True),
        FolderRecord,
    )


async def update_folders(
    transaction: Transaction,
    user_uuid: UUID,
    values: Mapping[UUID, Mapping[str, Any]],
    rows: Mapping[UUID, FolderRecord],
) -> None:
    """Update attributes of locked folders, by UUID and column; equal values are no change.

    The caller who changes policies has locked the tree exclusively.
    """
    changed = changed_values(values, rows)
    await update_rows(transaction, folders, changed)
    await follow_folders(transaction, changed, rows)
    masked_or_opened = [uuid for uuid in changed if "phi_policy" in changed[uuid]]
    for uuid in sorted(masked_or_opened, key=lambda uuid: len(rows[uuid].path)):
        await spread_policy(transaction, uuid)
    entries = []
    for uuid, after in changed.items():
        row = rows[uuid]
        before = {name: getattr(row, name) for name in after}
        is_private = FolderVisibility.PRIVATE in (row.visibility, after.get("visibility"))
        entries.append(
            JournalEntry(
                "UPDATE",
                "StorageFolder",
                uuid,
                row.parent_uuid,
                before,
                after,
                is_private=is_private,
            )
        )
    await journal.append(transaction, user_uuid, entries)


async def set_visibility(
    transaction: Transaction,
    user_uuid: UUID,
    folder: FolderRecord,
    visibility: FolderVisibility | None,
    *,
    recursive: bool = False,
) -> int:
    """Set the visibility of a locked folder; if `recursive`, all below it inherit that.

    The caller has locked the tree exclusively.

    Returns:
        The number of folders that have become public or private.
    """
    rows = {folder.uuid: folder}
    values: dict[UUID, dict[str, Any]] = {folder.uuid: {"visibility": visibility}}
    if recursive:
        below = sa.select(folders).where(
            within(folders.c.path, folder.path),
            folders.c.uuid != folder.uuid,
            folders.c.visibility.is_not(None),
        )
        for row in await transaction.rows(below, FolderRecord):
            rows[row.uuid], values[row.uuid] = row, {"visibility": None}
    await update_folders(transaction, user_uuid, values, rows)
    return await spread_visibility(transaction, folder.uuid)


def check_move(folder_path: str, height: int, parent_path: str, *path: str | int) -> None:
    """Check that a folder can move below another.

    Args:
        height: number of levels of the folder's subtree, its own included.
        path: the input field that an error names.

    Raises:
        DomainError: the parent is the folder itself or below it, or a folder would be too deep.
    """
    if parent_path.startswith(folder_path):
        raise bad_input(
            "A folder cannot be moved into itself or into one of its subfolders.", *path
        )
    check_depth(depth(parent_path) + height, *path)


async def subtree_heights(transaction: Transaction, uuids: Collection[UUID]) -> dict[UUID, int]:
    """Return the number of levels of each folder's subtree, its own included."""
    below = folders.alias()
    statement = (
        sa.select(
            folders.c.uuid,
            folders.c.path,
            sa.func.max(sa.func.length(below.c.path)).label("length"),
        )
        .join(below, within(below.c.path, folders.c.path))
        .where(in_keys(folders.c.uuid, uuids))
        .group_by(folders.c.uuid, folders.c.path)
    )
    rows = await transaction.rows(statement, DeepestPath)
    return {row.uuid: int(row.length) // ID_LENGTH - depth(row.path) + 1 for row in rows}


async def move_folder(
    transaction: Transaction, user_uuid: UUID, uuid: UUID, parent_uuid: UUID | None
) -> None:
    """Move a folder and its subtree below another folder, or to the top level.

    The caller has locked the tree exclusively and called `check_move`.
    """
    folder = await lock_folder(transaction, uuid)
    if folder.parent_uuid == parent_uuid:
        return
    parent = None if parent_uuid is None else await lock_folder(transaction, parent_uuid)
    path = path_of(parent.path if parent else "", uuid)
    await note_places(transaction, folder.path)
    suffix = sa.func.substr(folders.c.path, len(folder.path) + 1)
    await transaction.execute(
        sa.update(folders)
        .where(within(folders.c.path, folder.path))
        .values(path=sa.literal(path).concat(suffix))
    )
    changed = {"parent_uuid": parent_uuid, "last_edited_at": now()}
    await transaction.execute(sa.update(folders).where(folders.c.uuid == uuid).values(changed))
    await policy_after_move(transaction, folder, parent)
    await visibility_after_move(transaction, folder, parent)
    await move_parts(transaction, within(folders.c.path, path), ancestors(path)[-1])
    if folder.has_shares:
        await mark_shares(transaction, uuid)
    await apply_deltas(
        transaction,
        {} if folder.parent_uuid is None else {folder.parent_uuid: Counter(folders=-1)},
        {} if parent_uuid is None else {parent_uuid: Counter(folders=1)},
    )
    before, after = {"parent_uuid": folder.parent_uuid}, {"parent_uuid": parent_uuid}
    entry = JournalEntry(
        "MOVE",
        "StorageFolder",
        uuid,
        parent_uuid,
        before,
        after,
        folder.parent_uuid,
        is_private=folder.visibility is FolderVisibility.PRIVATE,
    )
    await journal.append(transaction, user_uuid, [entry])


async def grant_admin(transaction: Transaction, user_uuid: UUID, uuid: UUID) -> None:
    """Make a user ADMIN of a folder that they moved to the top level, as if created there."""
    await transaction.execute(
        sa.delete(folder_grants).where(
            folder_grants.c.folder_uuid == uuid, folder_grants.c.user_uuid == user_uuid
        )
    )
    await _insert_admin_grant(transaction, user_uuid, uuid)


async def lock_folder(transaction: Transaction, uuid: UUID) -> FolderRecord:
    """Lock a folder until the transaction ends, and return its row; others can still add contents.

    Raises:
        DomainError: `NOT_FOUND`.
    """
    row = await transaction.first(
        sa.select(folders).where(folders.c.uuid == uuid).with_for_update(key_share=True),
        FolderRecord,
    )
    if row is None:
        raise not_found("folder", uuid)
    return row


async def _insert_admin_grant(transaction: Transaction, user_uuid: UUID, uuid: UUID) -> None:
    grant = FolderGrantRecord(
        folder_uuid=uuid, user_uuid=user_uuid, role=StorageUserRole.ADMIN, sees_phi=True
    )
    await transaction.execute(sa.insert(folder_grants).values(grant.model_dump()))


def check_depth(levels: int, *path: str | int) -> None:
    """Raise `LIMIT_EXCEEDED` at `path` if folders would be nested in too many levels."""
    if levels > MAX_DEPTH:
        message = f"Folders must be nested at most {MAX_DEPTH} levels deep, not {levels}."
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, path)
