"""What may happen to the roles that groups and users hold on objects, always with the record."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import SQLModel

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.enums import StorageUserRole
from gateway.models.datasets import DatasetGrantRecord, dataset_grants
from gateway.models.folders import FolderGrantRecord, folder_grants
from gateway.models.integrations import IntegrationGrantRecord, integration_grants


@dataclass(frozen=True, slots=True)
class Grants:
    """The grants on one kind of object, which `on` names by its uuid, to one kind of holder, named by `to`."""

    row: type[SQLModel]
    table: sa.Table
    on: sa.Column[Any]
    to: sa.Column[Any]

    def changed(
        self, action: str, grant: Any, before: StorageUserRole | None, after: StorageUserRole | None
    ) -> JournalEntry:
        """What happened to one grant; those on folders are found by the folder."""
        named = {self.on.key: getattr(grant, self.on.key), self.to.key: getattr(grant, self.to.key)}
        return JournalEntry(
            action,
            self.row.__name__,
            grant.uuid,
            getattr(grant, "folder_uuid", None),
            {**named, "role": before} if before else {},
            {**named, "role": after} if after else {},
        )


FOLDER_GRANTS = Grants(
    FolderGrantRecord, folder_grants, folder_grants.c.folder_uuid, folder_grants.c.group_uuid
)
DATASET_GRANTS = Grants(
    DatasetGrantRecord, dataset_grants, dataset_grants.c.dataset_uuid, dataset_grants.c.group_uuid
)
INTEGRATION_GRANTS = Grants(
    IntegrationGrantRecord,
    integration_grants,
    integration_grants.c.integration_uuid,
    integration_grants.c.group_uuid,
)
DATASET_USERS = Grants(
    DatasetGrantRecord, dataset_grants, dataset_grants.c.dataset_uuid, dataset_grants.c.user_uuid
)
GRANTS = (FOLDER_GRANTS, DATASET_GRANTS, INTEGRATION_GRANTS)


async def grants_of_holders(
    transaction: Transaction, grants: Grants, uuid: UUID, holders: Collection[UUID]
) -> list[Any]:
    """The grants of these holders on that very object."""
    chosen = in_keys(transaction.connection.dialect.name, grants.to, holders)
    return await transaction.rows(sa.select(grants.table).where(grants.on == uuid, chosen))


async def grant(
    transaction: Transaction,
    user_uuid: UUID,
    grants: Grants,
    uuid: UUID,
    holders: Collection[UUID],
    role: StorageUserRole,
) -> None:
    """Give held groups, or users, a role on an object; it replaces the one that they hold there."""
    present = await grants_of_holders(transaction, grants, uuid, holders)
    other = [row for row in present if row.role is not role]
    chosen = in_keys(
        transaction.connection.dialect.name, grants.table.c.uuid, [row.uuid for row in other]
    )
    await transaction.execute(sa.update(grants.table).where(chosen).values(role=role))
    new = sorted(set(holders) - {getattr(row, grants.to.key) for row in present})
    made = [
        grants.row(**{grants.on.key: uuid, grants.to.key: holder, "role": role}) for holder in new
    ]
    if made:
        await transaction.execute(sa.insert(grants.table), [row.model_dump() for row in made])
    changed = [grants.changed("UPDATE", row, row.role, role) for row in other]
    await journal.append(
        transaction,
        user_uuid,
        changed + [grants.changed("CREATE", row, None, role) for row in made],
    )


async def revoke(
    transaction: Transaction, user_uuid: UUID, grants: Grants, rows: Iterable[Any]
) -> None:
    """Take away these grants."""
    gone = list(rows)
    chosen = in_keys(
        transaction.connection.dialect.name, grants.table.c.uuid, [row.uuid for row in gone]
    )
    await transaction.execute(sa.delete(grants.table).where(chosen))
    await journal.append(
        transaction, user_uuid, [grants.changed("DELETE", row, row.role, None) for row in gone]
    )


async def revoke_all_of_group(
    transaction: Transaction, user_uuid: UUID, grants: Grants, group_uuid: UUID
) -> None:
    """Take away all that a group was given."""
    held = await transaction.rows(
        sa.select(grants.table).where(grants.table.c.group_uuid == group_uuid)
    )
    await revoke(transaction, user_uuid, grants, held)
