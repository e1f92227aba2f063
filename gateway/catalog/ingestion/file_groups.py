"""Groups: items that consist of other items, such as file groups and data groups."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas, arrival_deltas
from gateway.catalog.ledger.item_uses import note_members
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.metadata_values import add_metadata
from gateway.catalog.ledger.mirror_datasets import items_created
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.base import fold, natural_key, new_row
from gateway.models.items import GroupMemberRecord, ItemRecord, group_members, items


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A group to create of locked items; `keys` name the members in its layout, if it has one."""

    row: ItemRecord
    members: Sequence[UUID]
    keys: Sequence[str] | None = None


async def create_file_groups(
    transaction: Transaction, user_uuid: UUID | None, groups: Sequence[NewGroup]
) -> None:
    """Insert groups with their members in order, and update counters, mirrors and the journal."""
    if not groups:
        return
    rows = [group.row for group in groups]
    members = [
        new_row(
            GroupMemberRecord,
            group_uuid=group.row.uuid,
            position=position,
            item_uuid=member,
            key=group.keys[position] if group.keys else None,
        )
        for group in groups
        for position, member in enumerate(group.members)
    ]
    await transaction.execute(sa.insert(items), [row.model_dump() for row in rows])
    await add_metadata(transaction, {row.uuid: row.client_metadata for row in rows})
    if members:  # a scene may consist of URLs alone
        await transaction.execute(sa.insert(group_members), members)
    arrivals = [arrival_deltas([row], row.folder_uuid) for row in rows]
    await apply_deltas(transaction, *arrivals)
    await note_members(transaction, in_keys(group_members.c.group_uuid, [row.uuid for row in rows]))
    await items_created(transaction, user_uuid, rows)
    entries = [
        JournalEntry(
            "CREATE",
            "StorageItem",
            group.row.uuid,
            group.row.folder_uuid,
            after={"name": group.row.name, "members": len(group.members)},
        )
        for group in groups
    ]
    await journal.append(transaction, user_uuid, entries)


async def add_members(transaction: Transaction, groups: Mapping[UUID, Sequence[UUID]]) -> None:
    """Insert the members of new items, by item and in order. The members are locked."""
    rows = [
        new_row(GroupMemberRecord, group_uuid=group, position=position, item_uuid=member)
        for group, members in groups.items()
        for position, member in enumerate(members)
    ]
    if rows:
        await transaction.execute(sa.insert(group_members), rows)
        await note_members(transaction, in_keys(group_members.c.group_uuid, list(groups)))


def group_row(
    folder_uuid: UUID,
    user_uuid: UUID | None,
    item_type: StorageItemType,
    title: str | None,
    client_metadata: dict[str, Any] | None,
    facts: Mapping[str, Any],
) -> ItemRecord:
    """Return the row of a group; `facts` are further columns."""
    name = title or default_group_name(item_type)
    return ItemRecord(
        folder_uuid=folder_uuid,
        item_type=item_type,
        name=name,
        name_key=fold(name),
        natural_key=natural_key(fold(name)),
        client_metadata=client_metadata or {},
        owner_uuid=user_uuid,
        **facts,
    )


def default_group_name(item_type: StorageItemType) -> str:
    """Return a name, such as `image-group-3f9a01bc`, for a group that was given none."""
    return f"{item_type.lower().replace('_', '-')}-{secrets.token_hex(4)}"
