"""Mutations that create, update, verify and delete cloud integrations."""

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

from gateway.catalog import integrations as catalog
from gateway.catalog.integrations import check_access
from gateway.catalog.ledger.row_edits import lock_row, update_row
from gateway.catalog.rules.names import validate_name
from gateway.clock import now
from gateway.clouds.base import CloudAccount
from gateway.context import Context
from gateway.error_texts import changed_since_read, not_both, not_null
from gateway.errors import DomainError, bad_input, conflict, not_found
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import StorageLocationName
from gateway.models.base import fold
from gateway.models.integrations import CloudIntegrationRecord, cloud_integrations
from resolvers.idempotency import create_once
from resolvers.inputs.integrations import (
    CreateCloudIntegrationInput,
    DeleteCloudIntegrationInput,
    UpdateCloudIntegrationInput,
    VerifyCloudIntegrationInput,
)
from resolvers.mutations.cloud_accounts import (
    ACCOUNT_FIELDS,
    check_server_credentials,
    location_urls,
    validate_account,
    validate_credentials,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import requires_site_admin


@dataclass(frozen=True, slots=True)
class CreateCloudIntegrationOutcome(Outcome):
    """Outcome of `createCloudIntegration`."""

    integration_uuid: UUID | None = None


@requires_site_admin
async def create_cloud_integration(
    context: Context, input: CreateCloudIntegrationInput
) -> CreateCloudIntegrationOutcome:
    """Create a cloud integration, of which the viewer becomes `ADMIN`.

    Unless `verifyAccess` is false, each location is listed first, and the error of one that cannot
    be listed is returned at `locations.<index>`.
    """
    title = validate_name(input.title, "title")
    settings = {name: getattr(input, name) for name in ACCOUNT_FIELDS}
    rules = context.services.fetch_rules
    account = validate_account(rules, input.kind, settings, input.locations)
    account = replace(account, credentials=_credentials(context, account.kind, input))
    row = CloudIntegrationRecord(
        title=title,
        title_key=fold(title),
        kind=account.kind,
        endpoint=account.endpoint,
        region=account.region,
        account=account.account,
        public_endpoint=account.public_endpoint,
        addressing_style=account.addressing_style,
        locations=location_urls(account),
        uses_server_credentials=account.credentials is None,
        verified_at=await _verify(context, account) if input.verify_access else None,
    )
    row.secret = _sealed(context, row.uuid, account)
    async with context.database.writing() as transaction:

        async def create() -> UUID:
            return await catalog.create_integration(transaction, context.viewer.user_uuid, row)

        uuid = await create_once(
            context, transaction, "createCloudIntegration", input, "integration", create
        )
    return CreateCloudIntegrationOutcome(integration_uuid=uuid)


@dataclass(frozen=True, slots=True)
class UpdateCloudIntegrationOutcome(Outcome):
    """Outcome of `updateCloudIntegration`."""

    integration_uuid: UUID | None = None


@requires_site_admin
async def update_cloud_integration(
    context: Context, input: UpdateCloudIntegrationInput
) -> UpdateCloudIntegrationOutcome:
    """Change a cloud integration. Omitted fields are not changed; the kind cannot be changed.

    Unless `verifyAccess` is false or only the title changes, each location is listed first with the
    new values. Fails with `CONFLICT` if the integration was changed at the same time.
    """
    existing = await _existing(context, input.integration_uuid)
    values = _new_values(context, existing, input)
    if values.keys() - {"title"} and input.verify_access:
        names = [column.name for column in cloud_integrations.c]
        columns = {name: getattr(existing, name) for name in names}
        updated = CloudIntegrationRecord(**{**columns, **values})
        values["verified_at"] = await _verify(context, _account_for(context, updated))
    async with context.database.writing() as transaction:
        locked = await lock_row(
            transaction,
            CloudIntegrationRecord,
            existing.uuid,
            "cloud integration",
            "integrationUuid",
        )
        # The cloud was checked before the transaction, with the row as it was then.
        if locked.last_edited_at != existing.last_edited_at:
            raise conflict(
                changed_since_read("integration"),
                "integrationUuid",
            )
        await update_row(
            transaction,
            context.viewer.user_uuid,
            CloudIntegrationRecord,
            "CloudIntegration",
            locked,
            values,
            {"secret"},
        )
    return UpdateCloudIntegrationOutcome(integration_uuid=input.integration_uuid)


@dataclass(frozen=True, slots=True)
class VerifyCloudIntegrationOutcome(Outcome):
    """Outcome of `verifyCloudIntegration`."""

    integration_uuid: UUID | None = None


@requires_site_admin
async def verify_cloud_integration(
    context: Context, input: VerifyCloudIntegrationInput
) -> VerifyCloudIntegrationOutcome:
    """Check that each location of an integration can be listed, and record the time in
    `verifiedAt`.

    If a location cannot be listed, the error names it and says why.
    """
    row = await _existing(context, input.integration_uuid)
    try:
        verified_at = await _verify(context, _account_for(context, row))
    except DomainError as error:
        message = error.message
        match error.path:
            case ("locations", int(index)):
                message = f"{row.locations[index]}: {message}"
        raise DomainError(error.code, message, ("integrationUuid",)) from None
    statement = sa.update(cloud_integrations).where(cloud_integrations.c.uuid == row.uuid)
    async with context.database.writing() as transaction:
        await transaction.execute(statement.values(verified_at=verified_at))
    return VerifyCloudIntegrationOutcome(integration_uuid=input.integration_uuid)


@dataclass(frozen=True, slots=True)
class DeleteCloudIntegrationOutcome(Outcome):
    """Outcome of `deleteCloudIntegration`."""

    integration_uuid: UUID | None = None


@requires_site_admin
async def delete_cloud_integration(
    context: Context, input: DeleteCloudIntegrationInput
) -> DeleteCloudIntegrationOutcome:
    """Delete a cloud integration; nothing in the cloud is changed.

    Fails with `CONFLICT` while items, folders, placeholders or running upload jobs use it.
    """
    async with context.database.writing() as transaction:
        uuid = input.integration_uuid
        row = await lock_row(
            transaction, CloudIntegrationRecord, uuid, "cloud integration", "integrationUuid"
        )
        await catalog.delete_integration(transaction, context.viewer.user_uuid, row)
    return DeleteCloudIntegrationOutcome(integration_uuid=input.integration_uuid)


async def _existing(context: Context, uuid: UUID) -> CloudIntegrationRecord:
    """Return the row of an integration; raises `NOT_FOUND`."""
    rows: dict[UUID, CloudIntegrationRecord] = await catalog.find_integrations(
        context.database, [uuid]
    )
    if uuid not in rows:
        raise not_found("cloud integration", uuid, "integrationUuid")
    return rows[uuid]


def _credentials(
    context: Context,
    kind: StorageLocationName,
    input: CreateCloudIntegrationInput | UpdateCloudIntegrationInput,
) -> dict[str, str] | None:
    """Return the credentials of the input; None if the server's own are to be used."""
    if not input.use_server_credentials:
        return validate_credentials(kind, input.credentials or None)
    if input.credentials:
        raise bad_input(not_both("credentials", "useServerCredentials"), "credentials")
    check_server_credentials(kind, context.services.clouds.shares_credentials)
    return None


def _sealed(context: Context, uuid: UUID, account: CloudAccount) -> str | None:
    return context.services.clouds.seal(uuid, account.credentials) if account.credentials else None


def _new_values(
    context: Context, existing: CloudIntegrationRecord, input: UpdateCloudIntegrationInput
) -> dict[str, Any]:
    """Return the columns that an update changes, checked together with those that stay."""
    given = {field.name: getattr(input, field.name) for field in fields(input)}
    given = {name: value for name, value in given.items() if value is not UNSET}
    for name in ("title", "locations", "credentials", "use_server_credentials"):
        if name in given and given[name] is None:
            raise bad_input(not_null(to_camel_case(name)), to_camel_case(name))
    values: dict[str, Any] = {}
    if "title" in given:
        values["title"] = validate_name(given["title"], "title")
    if given.keys() & {*ACCOUNT_FIELDS, "locations"}:
        settings = {name: given.get(name, getattr(existing, name)) for name in ACCOUNT_FIELDS}
        locations = given.get("locations", existing.locations)
        rules = context.services.fetch_rules
        account = validate_account(rules, existing.kind, settings, locations)
        values |= {name: getattr(account, name) for name in ACCOUNT_FIELDS}
        values["locations"] = location_urls(account)
    if given.keys() & {"credentials", "use_server_credentials"}:
        credentials = _credentials(context, existing.kind, input)
        account = CloudAccount(existing.kind, credentials=credentials)
        values["secret"] = _sealed(context, existing.uuid, account)
        values["uses_server_credentials"] = credentials is None
    return values


def _account_for(context: Context, row: CloudIntegrationRecord) -> CloudAccount:
    """Return the account of an integration; raises a `DomainError` at its credentials."""
    try:
        return context.services.clouds.account_for(row)
    except FetchError as error:
        raise DomainError(error.code, error.message, ("credentials",)) from None


async def _verify(context: Context, account: CloudAccount) -> datetime:
    """Return the current time after listing each of the account's roots."""
    try:
        cloud = await context.services.clouds.open(account)
    except FetchError as error:
        raise DomainError(error.code, error.message, ("credentials",)) from None
    await check_access(cloud)
    return now()
