"""Items that consist of others: groups of files, and items laid out together."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas, arrival_deltas
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.mirror_datasets import items_created
from gateway.database.engine import Transaction
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.base import fold, new_row
from gateway.models.items import GroupMemberRecord, ItemRecord, group_members, items


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A group to be made of items that are held; `keys` are the names of the members in its layout, if it has one."""

    row: ItemRecord
    members: Sequence[UUID]
    keys: Sequence[str] | None = None


async def create_file_groups(
    transaction: Transaction, user_uuid: UUID | None, folder_uuid: UUID, groups: Sequence[NewGroup]
) -> None:
    """Make items that consist of others, in their order."""
    if not groups:
        return
    made = [group.row for group in groups]
    await transaction.execute(sa.insert(items), [row.model_dump() for row in made])
    await transaction.execute(
        sa.insert(group_members), [member for group in groups for member in _members(group)]
    )
    await apply_deltas(transaction, arrival_deltas(made, folder_uuid))
    await items_created(transaction, user_uuid, made)
    changed = [
        JournalEntry(
            "CREATE",
            "StorageItem",
            group.row.uuid,
            folder_uuid,
            after={"name": group.row.name, "members": len(group.members)},
        )
        for group in groups
    ]
    await journal.append(transaction, user_uuid, changed)


async def add_members(transaction: Transaction, groups: Mapping[UUID, Sequence[UUID]]) -> None:
    """Let items that have just been made consist of others, which are held, in their order."""
    rows = [
        new_row(GroupMemberRecord, group_uuid=group, position=position, item_uuid=member)
        for group, members in groups.items()
        for position, member in enumerate(members)
    ]
    if rows:
        await transaction.execute(sa.insert(group_members), rows)


def group_row(
    folder_uuid: UUID,
    user_uuid: UUID | None,
    item_type: StorageItemType,
    title: str | None,
    client_metadata: dict[str, Any] | None,
    facts: Mapping[str, Any],
) -> ItemRecord:
    """The row of a group; without a title it is given a name that no other is likely to have."""
    name = title or default_group_name(item_type)
    return ItemRecord(
        folder_uuid=folder_uuid,
        item_type=item_type,
        name=name,
        name_key=fold(name),
        client_metadata=client_metadata or {},
        owner_uuid=user_uuid,
        **facts,
    )


def default_group_name(item_type: StorageItemType) -> str:
    """A name for a group that was given none."""
    return f"{item_type.lower().replace('_', '-')}-{secrets.token_hex(4)}"


def _members(group: NewGroup) -> list[dict[str, Any]]:
    keys: Sequence[str | None] = group.keys or [None] * len(group.members)
    return [
        new_row(
            GroupMemberRecord,
            group_uuid=group.row.uuid,
            position=position,
            item_uuid=member,
            key=key,
        )
        for position, (member, key) in enumerate(zip(group.members, keys, strict=True))
    ]
