"""How cloud integrations are made, changed, tried and removed."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

from gateway.catalog import integrations as catalog
from gateway.catalog.integrations import check_access
from gateway.catalog.ledger.row_edits import locked_row, update_row
from gateway.catalog.rules.names import validate_name
from gateway.clouds.base import CloudAccount
from gateway.context import Context
from gateway.errors import DomainError, bad_input, conflict, not_found
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import SiteRole, StorageLocationName
from gateway.models.base import fold, now
from gateway.models.integrations import CloudIntegrationRecord, cloud_integrations
from resolvers.idempotency import run_once
from resolvers.inputs.integrations import (
    CreateCloudIntegrationInput,
    DeleteCloudIntegrationInput,
    UpdateCloudIntegrationInput,
    VerifyCloudIntegrationInput,
)
from resolvers.mutations.cloud_accounts import (
    check_server_credentials,
    locations_of,
    validate_account,
    validate_credentials,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import requires

_SITE_ADMIN = "ADMIN of the site"
_FIELDS = ("endpoint", "region", "account")


@dataclass(frozen=True, slots=True)
class CreateCloudIntegrationOutcome(Outcome):
    """Outcome of `createCloudIntegration`."""

    integration_uuid: UUID | None = None


@requires(_SITE_ADMIN, SiteRole.ADMIN)
async def create_cloud_integration(
    context: Context, input: CreateCloudIntegrationInput
) -> CreateCloudIntegrationOutcome:
    """Make an integration with a store, once its locations can be listed; its maker is its ADMIN."""
    title = validate_name(input.title, "title")
    account = _account(
        context, input.kind, {name: getattr(input, name) for name in _FIELDS}, input.locations
    )
    account = replace(account, credentials=_credentials(context, account.kind, input))
    row = CloudIntegrationRecord(
        title=title,
        title_key=fold(title),
        kind=account.kind,
        endpoint=account.endpoint,
        region=account.region,
        account=account.account,
        locations=locations_of(account),
        uses_server_credentials=account.credentials is None,
        verified_at=await _verified(context, account) if input.verify_access else None,
    )
    row.secret = _sealed(context, row.uuid, account)
    async with context.database.writing() as transaction:

        async def work() -> dict[str, Any]:
            return {
                "integration": str(
                    await catalog.create_integration(transaction, context.viewer.user_uuid, row)
                )
            }

        done = await run_once(context, transaction, "createCloudIntegration", input, work)
    return CreateCloudIntegrationOutcome(integration_uuid=UUID(done["integration"]))


@dataclass(frozen=True, slots=True)
class UpdateCloudIntegrationOutcome(Outcome):
    """Outcome of `updateCloudIntegration`."""

    integration_uuid: UUID | None = None


@requires(_SITE_ADMIN, SiteRole.ADMIN)
async def update_cloud_integration(
    context: Context, input: UpdateCloudIntegrationInput
) -> UpdateCloudIntegrationOutcome:
    """Change an integration, once its locations can be listed as they will be; its kind stays."""
    present = await _present(context, input.integration_uuid)
    values = _new_values(context, present, input)
    if values.keys() - {"title"} and input.verify_access:
        changed = SimpleNamespace(**{**present._mapping, **values})
        values["verified_at"] = await _verified(context, _opened(context, changed))
    async with context.database.writing() as transaction:
        held = await locked_row(
            transaction,
            CloudIntegrationRecord,
            present.uuid,
            "cloud integration",
            "integrationUuid",
        )
        if held.last_edited_at != present.last_edited_at:
            raise conflict(
                "Somebody else changed it just now; look at it again.", "integrationUuid"
            )
        viewer = context.viewer.user_uuid
        await update_row(
            transaction,
            viewer,
            CloudIntegrationRecord,
            "CloudIntegration",
            held,
            values,
            {"secret"},
        )
    return UpdateCloudIntegrationOutcome(integration_uuid=input.integration_uuid)


@dataclass(frozen=True, slots=True)
class VerifyCloudIntegrationOutcome(Outcome):
    """Outcome of `verifyCloudIntegration`."""

    integration_uuid: UUID | None = None


@requires(_SITE_ADMIN, SiteRole.ADMIN)
async def verify_cloud_integration(
    context: Context, input: VerifyCloudIntegrationInput
) -> VerifyCloudIntegrationOutcome:
    """Try whether each location of an integration can be listed; the message tells what does not work, and where."""
    present = await _present(context, input.integration_uuid)
    try:
        values = {"verified_at": await _verified(context, _opened(context, present))}
    except DomainError as error:
        raise DomainError(
            error.code, _with_location(error, present), ("integrationUuid",)
        ) from None
    mine = cloud_integrations.c.uuid == present.uuid
    async with context.database.writing() as transaction:
        await transaction.execute(sa.update(cloud_integrations).where(mine).values(values))
    return VerifyCloudIntegrationOutcome(integration_uuid=input.integration_uuid)


@dataclass(frozen=True, slots=True)
class DeleteCloudIntegrationOutcome(Outcome):
    """Outcome of `deleteCloudIntegration`."""

    integration_uuid: UUID | None = None


@requires(_SITE_ADMIN, SiteRole.ADMIN)
async def delete_cloud_integration(
    context: Context, input: DeleteCloudIntegrationInput
) -> DeleteCloudIntegrationOutcome:
    """Remove an integration that no item and no folder needs; nothing in the store is touched."""
    async with context.database.writing() as transaction:
        uuid = input.integration_uuid
        present = await locked_row(
            transaction, CloudIntegrationRecord, uuid, "cloud integration", "integrationUuid"
        )
        await catalog.delete_integration(transaction, context.viewer.user_uuid, present)
    return DeleteCloudIntegrationOutcome(integration_uuid=input.integration_uuid)


def _with_location(error: DomainError, row: Any) -> str:
    """What is wrong with an integration, with the location that it is wrong with, if it is one."""
    match error.path:
        case ("locations", int(place)):
            return f"{row.locations[place]}: {error.message}"
    return error.message


async def _present(context: Context, uuid: UUID) -> Any:
    found = await catalog.find_integrations(context.database, [uuid])
    if uuid not in found:
        raise not_found("cloud integration", "integrationUuid")
    return found[uuid]


def _account(
    context: Context, kind: StorageLocationName, given: dict[str, Any], locations: Sequence[str]
) -> CloudAccount:
    return validate_account(context.services.fetch_rules, kind, given, locations)


def _credentials(context: Context, kind: StorageLocationName, input: Any) -> dict[str, str] | None:
    """The credentials that are given; None where the server's own are to be taken."""
    if not input.use_server_credentials:
        return validate_credentials(kind, input.credentials or None)
    if input.credentials:
        raise bad_input("Give credentials or useServerCredentials, not both.", "credentials")
    check_server_credentials(kind, context.services.clouds.shares_credentials)
    return None


def _sealed(context: Context, uuid: UUID, account: CloudAccount) -> str | None:
    return context.services.clouds.seal(uuid, account.credentials) if account.credentials else None


def _new_values(
    context: Context, present: Any, input: UpdateCloudIntegrationInput
) -> dict[str, Any]:
    """What an update changes, checked together with what it leaves as it is."""
    given = {field.name: getattr(input, field.name) for field in fields(input)}
    given = {name: value for name, value in given.items() if value is not UNSET}
    for name in ("title", "locations", "credentials", "use_server_credentials"):
        if name in given and given[name] is None:
            raise bad_input("This cannot be null.", to_camel_case(name))
    values: dict[str, Any] = (
        {"title": validate_name(input.title, "title")} if "title" in given else {}
    )
    if given.keys() & {*_FIELDS, "locations"}:
        settings = {name: given.get(name, getattr(present, name)) for name in _FIELDS}
        account = _account(
            context, present.kind, settings, given.get("locations", present.locations)
        )
        values |= {
            **{name: getattr(account, name) for name in _FIELDS},
            "locations": locations_of(account),
        }
    if given.keys() & {"credentials", "use_server_credentials"}:
        account = CloudAccount(present.kind, credentials=_credentials(context, present.kind, input))
        values |= {"secret": _sealed(context, present.uuid, account)}
        values |= {"uses_server_credentials": account.credentials is None}
    return values


def _opened(context: Context, row: Any) -> CloudAccount:
    try:
        return context.services.clouds.account_for(row)
    except FetchError as error:
        raise DomainError(error.code, error.message, ("credentials",)) from None


async def _verified(context: Context, account: CloudAccount) -> datetime:
    """Now, if the account's roots can be listed."""
    try:
        cloud = await context.services.clouds.open(account)
    except FetchError as error:
        raise DomainError(error.code, error.message, ("credentials",)) from None
    await check_access(cloud)
    return now()
