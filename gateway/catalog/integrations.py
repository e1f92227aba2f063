"""Cloud integrations: create, find, open and delete. Secrets never enter the journal."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.row_edits import count_rows
from gateway.clouds.cloud import BadCredentials, Cloud
from gateway.context import Services
from gateway.database.dialects import in_bound_keys
from gateway.database.engine import Database, Transaction
from gateway.error_texts import in_use
from gateway.errors import DomainError, ErrorCode, conflict, not_found
from gateway.execution.compiled.kept_statements import ANYONE, KeptStatement
from gateway.execution.keysets import KEYS
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
from gateway.models.jobs import jobs
from gateway.models.revisions import bitstreams
from gateway.models.uploads import uploads

OpenedIntegration = tuple[CloudIntegrationRecord, Cloud]
"""The row of an integration, and the client of its cloud."""


async def check_access(cloud: Cloud) -> None:
    """List one object of each of the cloud's locations.

    Raises:
        DomainError: at `credentials`, or at the location that cannot be listed.
    """
    for index, root in enumerate(cloud.account.roots):
        try:
            await cloud.list_objects(root, size=1)
        except BadCredentials as error:
            raise DomainError(error.code, error.message, ("credentials",)) from None
        except FetchError as error:
            raise DomainError(error.code, error.message, ("locations", index)) from None


async def create_integration(
    transaction: Transaction, user_uuid: UUID, row: CloudIntegrationRecord
) -> UUID:
    """Insert an integration, with its creator as ADMIN."""
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
    entry = JournalEntry("CREATE", "CloudIntegration", row.uuid, after=after)
    await journal.append(transaction, user_uuid, [entry])
    return row.uuid


async def delete_integration(
    transaction: Transaction, user_uuid: UUID, row: CloudIntegrationRecord
) -> None:
    """Delete a locked integration.

    Raises:
        DomainError: `CONFLICT`, while items, folders, uploads or running upload jobs use it.
    """
    mine = jobs.c.integration_uuid == row.uuid
    is_running = sa.and_(mine, jobs.c.status == JobStatus.PENDING)
    users = (
        (items, "item", items.c.integration_uuid == row.uuid, "Delete {them} first."),
        (
            bitstreams,
            "older file",
            bitstreams.c.integration_uuid == row.uuid,
            "Delete the revisions that have {them} first.",
        ),
        (folders, "folder", folders.c.integration_uuid == row.uuid, "Delete {them} first."),
        (
            uploads,
            "placeholder",
            uploads.c.integration_uuid == row.uuid,
            "Wait until the upload job ends, or cancel it.",
        ),
        (
            jobs,
            "running upload job",
            is_running,
            "Wait for {them} to end, or cancel {them}.",
        ),
    )
    for table, noun, uses_it, remedy in users:
        if total := await count_rows(transaction, table, uses_it):
            message = in_use("integration", total, noun, remedy)
            raise conflict(message, "integrationUuid")
    await transaction.execute(sa.update(jobs).where(mine).values(integration_uuid=None))
    await transaction.execute(
        sa.delete(cloud_integrations).where(cloud_integrations.c.uuid == row.uuid)
    )
    entry = JournalEntry("DELETE", "CloudIntegration", row.uuid, before={"title": row.title})
    await journal.append(transaction, user_uuid, [entry])


async def lock_integration(transaction: Transaction, uuid: UUID, *path: str | int) -> None:
    """Keep an integration from being deleted until the transaction ends.

    Raises:
        DomainError: `NOT_FOUND` at `path`.
    """
    statement = sa.select(cloud_integrations.c.uuid).where(cloud_integrations.c.uuid == uuid)
    locked = statement.with_for_update(read=True, key_share=True)
    if await transaction.first(locked, CloudIntegrationRecord) is None:
        raise not_found("cloud integration", uuid, *path)


async def find_integration(transaction: Transaction, uuid: UUID) -> CloudIntegrationRecord | None:
    """Return the row of an integration, or None if it does not exist."""
    return await transaction.first(
        sa.select(cloud_integrations).where(cloud_integrations.c.uuid == uuid),
        CloudIntegrationRecord,
    )


async def open_integration(services: Services, uuid: UUID) -> OpenedIntegration:
    """Return the row of an integration and the client of its cloud.

    Raises:
        FetchError: the integration was deleted, or its cloud cannot be reached.
    """
    opened = (await open_integrations(services, [uuid]))[uuid]
    if isinstance(opened, FetchError):
        raise opened
    return opened


async def open_integrations(
    services: Services, uuids: Collection[UUID]
) -> dict[UUID, OpenedIntegration | FetchError]:
    """Return integrations and the clients of their clouds by UUID, or why one cannot be used."""
    rows = await find_integrations(services.database, uuids)
    opened: dict[UUID, OpenedIntegration | FetchError] = {}
    for uuid in uuids:
        row = rows.get(uuid)
        try:
            if row is None:
                raise FetchError(ErrorCode.NOT_FOUND, "The cloud integration was deleted.")
            opened[uuid] = row, await services.clouds.for_integration(row)
        except FetchError as error:
            opened[uuid] = error
    return opened


_integrations = KeptStatement(
    lambda _viewer: sa.select(cloud_integrations).where(
        in_bound_keys(cloud_integrations.c.uuid, KEYS)
    ),
    CloudIntegrationRecord,
)


async def find_integrations(
    database: Database, uuids: Collection[UUID]
) -> dict[UUID, CloudIntegrationRecord]:
    """Return the rows of these integrations that exist, by UUID."""
    if not uuids:
        return {}
    return {row.uuid: row for row in await _integrations.rows(database, ANYONE, uuids)}
