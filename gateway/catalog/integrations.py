"""What may happen to cloud integrations, always with the record, which never holds a secret."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.clouds.cloud import BadCredentials, Cloud
from gateway.context import Services
from gateway.database.dialects import in_keys
from gateway.database.engine import Database, Transaction
from gateway.errors import DomainError, ErrorCode, conflict, not_found
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import JobStatus, StorageUserRole
from gateway.models.folders import folders
from gateway.models.integrations import (
    CloudIntegrationRecord,
    IntegrationGrantRecord,
    cloud_integrations,
    integration_grants,
)
from gateway.models.items import items
from gateway.models.uploads import upload_jobs, uploads


async def check_access(cloud: Cloud) -> None:
    """List each of the cloud's roots; raises a `DomainError` at the field that is to blame for what does not work."""
    for place, root in enumerate(cloud.account.roots):
        try:
            await cloud.list_objects(root, size=1)
        except BadCredentials as error:
            raise DomainError(error.code, error.message, ("credentials",)) from None
        except FetchError as error:
            raise DomainError(error.code, error.message, ("locations", place)) from None


async def create_integration(
    transaction: Transaction, user_uuid: UUID, row: CloudIntegrationRecord
) -> UUID:
    """Write an integration; who makes it is its ADMIN."""
    grant = IntegrationGrantRecord(
        integration_uuid=row.uuid, user_uuid=user_uuid, role=StorageUserRole.ADMIN
    )
    await transaction.execute(sa.insert(cloud_integrations).values(row.model_dump()))
    await transaction.execute(sa.insert(integration_grants).values(grant.model_dump()))
    after = {
        "title": row.title,
        "kind": row.kind,
        "endpoint": row.endpoint,
        "locations": row.locations,
    }
    await journal.append(
        transaction, user_uuid, [JournalEntry("CREATE", "CloudIntegration", row.uuid, after=after)]
    )
    return row.uuid


async def delete_integration(transaction: Transaction, user_uuid: UUID, present: Any) -> None:
    """Remove a held integration; raises `CONFLICT` while items, folders or running jobs need it."""
    mine = upload_jobs.c.integration_uuid == present.uuid
    users = (
        ("item", items.c.integration_uuid == present.uuid),
        ("folder", folders.c.integration_uuid == present.uuid),
        ("expected file", uploads.c.integration_uuid == present.uuid),
        ("running upload job", sa.and_(mine, upload_jobs.c.status == JobStatus.PENDING)),
    )
    for what, needs_it in users:
        found = await transaction.first(sa.select(sa.func.count().label("total")).where(needs_it))
        if found.total:
            raise conflict(
                f"{found.total:,} {what}{'s' * (found.total > 1)} would lose it.", "integrationUuid"
            )
    await transaction.execute(sa.update(upload_jobs).where(mine).values(integration_uuid=None))
    await transaction.execute(
        sa.delete(cloud_integrations).where(cloud_integrations.c.uuid == present.uuid)
    )
    gone = JournalEntry("DELETE", "CloudIntegration", present.uuid, before={"title": present.title})
    await journal.append(transaction, user_uuid, [gone])


async def lock_integration(transaction: Transaction, uuid: UUID, *path: str | int) -> None:
    """Let an integration stay until the transaction ends, for something is about to need it."""
    held = sa.select(cloud_integrations.c.uuid).where(cloud_integrations.c.uuid == uuid)
    if await transaction.first(held.with_for_update(read=True, key_share=True)) is None:
        raise not_found("cloud integration", *path)


async def find_integration(transaction: Transaction, uuid: UUID) -> Any:
    """The row of an integration; None if it is gone."""
    return await transaction.first(
        sa.select(cloud_integrations).where(cloud_integrations.c.uuid == uuid)
    )


async def open_integration(services: Services, uuid: UUID) -> tuple[Any, Cloud]:
    """The row of an integration, and its cloud; raises a `FetchError` where it cannot be reached."""
    row = (await find_integrations(services.database, [uuid])).get(uuid)
    if row is None:
        raise FetchError(ErrorCode.NOT_FOUND, "The cloud integration is gone.")
    return row, await services.clouds.for_integration(row)


async def find_integrations(database: Database, uuids: Collection[UUID]) -> dict[UUID, Any]:
    """The rows of these integrations, by uuid."""
    if not uuids:
        return {}
    chosen = in_keys(cloud_integrations.c.uuid, uuids)
    return {
        row.uuid: row for row in await database.rows(sa.select(cloud_integrations).where(chosen))
    }
