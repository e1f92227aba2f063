"""Roles that groups and users hold on folders, datasets and cloud integrations.

Every change is written to the journal in the same transaction.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.tree import within
from gateway.kinds.enums import StorageUserRole
from gateway.models.base import new_row
from gateway.models.datasets import DatasetGrantRecord, dataset_grants
from gateway.models.folders import FolderGrantRecord, FolderRecord, folder_grants, folders
from gateway.models.integrations import IntegrationGrantRecord, integration_grants


@dataclass(frozen=True, slots=True)
class Grants:
    """Grants on one type of object to one type of holder.

    Attributes:
        object_type: name of these grants in the journal.
        record: row class of the table.
        object: column with the UUID of the folder, dataset or integration.
        holder: column with the UUID of the group or user.
    """

    object_type: str
    record: type[SQLModel]
    table: sa.Table
    object: sa.Column[Any]
    holder: sa.Column[Any]


class GrantRow(NamedTuple):
    """One grant, with the same names for all types of objects and holders."""

    uuid: UUID
    object_uuid: UUID
    holder_uuid: UUID
    role: StorageUserRole
    sees_phi: bool = False


FOLDER_GRANTS = Grants(
    "FolderGrant",
    FolderGrantRecord,
    folder_grants,
    folder_grants.c.folder_uuid,
    folder_grants.c.group_uuid,
)
DATASET_GRANTS = Grants(
    "DatasetGrant",
    DatasetGrantRecord,
    dataset_grants,
    dataset_grants.c.dataset_uuid,
    dataset_grants.c.group_uuid,
)
INTEGRATION_GRANTS = Grants(
    "IntegrationGrant",
    IntegrationGrantRecord,
    integration_grants,
    integration_grants.c.integration_uuid,
    integration_grants.c.group_uuid,
)
DATASET_USERS = Grants(
    "DatasetGrant",
    DatasetGrantRecord,
    dataset_grants,
    dataset_grants.c.dataset_uuid,
    dataset_grants.c.user_uuid,
)
FOLDER_USERS = Grants(
    "FolderGrant",
    FolderGrantRecord,
    folder_grants,
    folder_grants.c.folder_uuid,
    folder_grants.c.user_uuid,
)
GROUP_GRANTS = (FOLDER_GRANTS, DATASET_GRANTS, INTEGRATION_GRANTS)


async def grants_of_holders(
    transaction: Transaction, grants: Grants, object_uuid: UUID, holder_uuids: Collection[UUID]
) -> list[GrantRow]:
    """Return the grants of these holders on this very object, without those on folders above it."""
    chosen = in_keys(grants.holder, holder_uuids)
    return await transaction.rows(
        _select(grants).where(grants.object == object_uuid, chosen), GrantRow
    )


async def grants_below(
    transaction: Transaction, grants: Grants, top: FolderRecord, holder_uuids: Collection[UUID]
) -> list[GrantRow]:
    """Return the grants of these holders on folders below one; not those on itself."""
    below = sa.select(folders.c.uuid).where(
        within(folders.c.path, top.path), folders.c.uuid != top.uuid
    )
    chosen = in_keys(grants.holder, holder_uuids)
    return await transaction.rows(_select(grants).where(chosen, grants.object.in_(below)), GrantRow)


async def grant(
    transaction: Transaction,
    user_uuid: UUID,
    grants: Grants,
    object_uuid: UUID,
    holder_uuids: Collection[UUID],
    role: StorageUserRole,
    sees_phi: bool | None = None,
) -> None:
    """Give locked groups, or users, a role on an object, in place of the role they hold on it.

    Args:
        sees_phi: whether they see identities in a masked folder; None if that stays as it is.
    """
    existing = await grants_of_holders(transaction, grants, object_uuid, holder_uuids)
    replaced = {
        row: GrantRow(
            row.uuid,
            object_uuid,
            row.holder_uuid,
            role,
            row.sees_phi if sees_phi is None else sees_phi,
        )
        for row in existing
        if row.role is not role or sees_phi not in (None, row.sees_phi)
    }
    chosen = in_keys(grants.table.c.uuid, [row.uuid for row in replaced])
    new = {"role": role} if sees_phi is None else {"role": role, "sees_phi": sees_phi}
    await transaction.execute(sa.update(grants.table).where(chosen).values(new))
    values = [
        new_row(
            grants.record,
            **{grants.object.key: object_uuid, grants.holder.key: holder_uuid, **new},
        )
        for holder_uuid in sorted(set(holder_uuids) - {row.holder_uuid for row in existing})
    ]
    if values:
        await transaction.execute(sa.insert(grants.table), values)
    created = [
        GrantRow(row["uuid"], object_uuid, row[grants.holder.key], role, bool(sees_phi))
        for row in values
    ]
    entries = [
        _entry(grants, "UPDATE", before, before, after) for before, after in replaced.items()
    ]
    entries += [_entry(grants, "CREATE", row, None, row) for row in created]
    await journal.append(transaction, user_uuid, entries)


async def revoke(
    transaction: Transaction, user_uuid: UUID, grants: Grants, rows: Collection[GrantRow]
) -> None:
    """Delete these grants."""
    chosen = in_keys(grants.table.c.uuid, [row.uuid for row in rows])
    await transaction.execute(sa.delete(grants.table).where(chosen))
    entries = [_entry(grants, "DELETE", row, row, None) for row in rows]
    await journal.append(transaction, user_uuid, entries)


async def revoke_all_of_group(
    transaction: Transaction, user_uuid: UUID, grants: Grants, group_uuid: UUID
) -> None:
    """Delete every grant of a group on objects of one type."""
    rows = await transaction.rows(
        _select(grants).where(grants.table.c.group_uuid == group_uuid), GrantRow
    )
    await revoke(transaction, user_uuid, grants, rows)


def _select(grants: Grants) -> sa.Select[Any]:
    return sa.select(
        grants.table.c.uuid,
        grants.object.label("object_uuid"),
        grants.holder.label("holder_uuid"),
        grants.table.c.role,
        (grants.table.c.sees_phi if grants.table is folder_grants else sa.false()).label(
            "sees_phi"
        ),
    )


def _entry(
    grants: Grants,
    action: str,
    row: GrantRow,
    before: GrantRow | None,
    after: GrantRow | None,
) -> JournalEntry:
    """Return the journal entry of a grant; those on folders appear in the folder's journal."""
    return JournalEntry(
        action,
        grants.object_type,
        row.uuid,
        row.object_uuid if grants.table is folder_grants else None,
        _journaled(grants, before),
        _journaled(grants, after),
    )


def _journaled(grants: Grants, row: GrantRow | None) -> dict[str, Any]:
    if row is None:
        return {}
    phi = {"sees_phi": True} if row.sees_phi else {}
    return {
        grants.object.key: row.object_uuid,
        grants.holder.key: row.holder_uuid,
        "role": row.role,
        **phi,
    }
