"""How upload jobs are started and cancelled."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.roles import require_role, roles_on_folders, roles_on_integrations
from gateway.auth.visibility import sees_item
from gateway.catalog.ingestion.entries import DataUploadItemsInput
from gateway.catalog.ingestion.entry_plans import EntryRules, read_plans
from gateway.catalog.ingestion.job_state import cancel_job, locked_job
from gateway.catalog.ingestion.manifests import check_uploaded, start_from_manifest
from gateway.catalog.ingestion.start_job import JobOptions, start_job
from gateway.catalog.integrations import lock_integration, open_integration
from gateway.catalog.rules.metadata_types import load_metadata_validator
from gateway.catalog.rules.names import validate_name
from gateway.clouds.base import CloudAccount
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.errors import DomainError, bad_input, not_found
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import StorageUserRole
from gateway.manifests.sections import Switches
from gateway.models.items import items
from gateway.models.uploads import uploads
from resolvers.idempotency import run_once
from resolvers.inputs.uploads import (
    CancelUploadJobInput,
    StartUploadJobInput,
    UploadManifestInput,
)
from resolvers.mutations.datasets import plain_dataset
from resolvers.mutations.inline_manifests import read_inline_manifest
from resolvers.outcomes import Outcome
from resolvers.permissions import require_target_folder_role, requires

Start = Callable[[Transaction], Awaitable[UUID]]
"""Writes a job; its uuid."""


@dataclass(frozen=True, slots=True)
class StartUploadJobOutcome(Outcome):
    """Outcome of `startUploadJob`."""

    upload_job_uuid: UUID | None = None


@requires(
    "USER on the folder, and on the cloud integration, the dataset and the folders of members if there are such"
)
async def start_upload_job(context: Context, input: StartUploadJobInput) -> StartUploadJobOutcome:
    """Start a job that makes items of uploaded files (ENC-FOLDEROP-32); watch it with `uploadJobUpdated`.

    From now on its placeholders belong to it: those of units that fail or are cancelled are removed, with the bytes
    that were sent for them. Without `ignoreErrors` the first unit that fails ends the job, and all that wait with it.
    """
    if (input.items is None) == (input.manifest is None):
        raise bad_input("Give exactly one of items and manifest.")
    account = await _account(context, input.integration_uuid) if input.integration_uuid else None
    start = (
        await _sent(context, input) if _is_sent(input) else await _written(context, input, account)
    )
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await require_target_folder_role(
            context, transaction, input.folder_uuid, StorageUserRole.USER, "folderUuid"
        )
        if input.integration_uuid:
            await lock_integration(transaction, input.integration_uuid, "integrationUuid")
        if input.dataset_uuid:
            await plain_dataset(context, transaction, input.dataset_uuid)

        async def work() -> dict[str, Any]:
            return {"job": str(await start(transaction))}

        done = await run_once(context, transaction, "startUploadJob", input, work)
    return StartUploadJobOutcome(upload_job_uuid=UUID(done["job"]))


@dataclass(frozen=True, slots=True)
class CancelUploadJobOutcome(Outcome):
    """Outcome of `cancelUploadJob`."""

    upload_job_uuid: UUID | None = None
    units_cancelled_count: int | None = None


@requires("USER on the job's folder")
async def cancel_upload_job(
    context: Context, input: CancelUploadJobInput
) -> CancelUploadJobOutcome:
    """Give up what a job has not done; what is done stays (ENC-FOLDEROP-34). A job that has ended is left as it is.

    The placeholders of what it gives up are removed, with the bytes that were sent for them: to try again, announce
    and send those files anew.
    """
    services, uuid = context.services, input.upload_job_uuid
    async with context.database.writing() as transaction:
        job = await locked_job(transaction, uuid)
        if job is None:
            raise not_found("upload job", "uploadJobUuid")
        held = await roles_on_folders(transaction.connection, context.viewer, [job.folder_uuid])
        require_role(held.get(job.folder_uuid), StorageUserRole.USER, "upload job", "uploadJobUuid")
        cancelled = await cancel_job(
            transaction, services.queue, services.events, context.viewer.user_uuid, job
        )
    return CancelUploadJobOutcome(upload_job_uuid=uuid, units_cancelled_count=cancelled)


def _is_sent(input: StartUploadJobInput) -> bool:
    """Whether a manifest lies in our own store; else all stands in the input."""
    return input.manifest is not None and input.manifest.placeholder_uuid is not None


async def _written(
    context: Context, input: StartUploadJobInput, account: CloudAccount | None
) -> Start:
    """How to start a job whose units stand in the input."""
    terms, switches = EntryRules(context.services.fetch_rules, account=account), Switches()
    if input.manifest is not None:
        _check_form(input.manifest)
        plans = await asyncio.to_thread(read_inline_manifest, terms, input.manifest, switches)
        on = switches.on
    else:
        asked = input.items or DataUploadItemsInput()
        on = {name: getattr(asked, name) for name in switches.on}
        if on["upsert_metadata"] and not on["skip_duplicate_urls"]:
            raise bad_input(
                "upsertMetadata needs skipDuplicateUrls.", "items", "upsertMetadata"
            )  # SUB-051
        plans = await asyncio.to_thread(read_plans, terms, asked, "items")
    job_terms = _terms(input, **on)
    services, viewer = context.services, context.viewer

    async def start(transaction: Transaction) -> UUID:
        metadata = await load_metadata_validator(transaction, services.settings)
        return await start_job(
            transaction, services.queue, viewer, input.folder_uuid, plans, job_terms, metadata
        )

    return start


async def _sent(context: Context, input: StartUploadJobInput) -> Start:
    """How to start a job whose units are in a manifest that was sent."""
    manifest = input.manifest or UploadManifestInput()
    _check_form(manifest)
    uuid, services, viewer = (
        manifest.placeholder_uuid or UUID(int=0),
        context.services,
        context.viewer,
    )
    path, terms = ("manifest", "placeholderUuid"), _terms(input)
    seen = sa.select(uploads).join(items).where(uploads.c.item_uuid == uuid, sees_item(viewer))
    for upload in await context.database.rows(seen):
        await check_uploaded(services.store, upload, *path)

    async def start(transaction: Transaction) -> UUID:
        return await start_from_manifest(
            transaction, services.queue, viewer, input.folder_uuid, uuid, terms, *path
        )

    return start


def _check_form(manifest: UploadManifestInput) -> None:
    if (
        sum(one is not None for one in (manifest.json, manifest.csv, manifest.placeholder_uuid))
        != 1
    ):
        raise bad_input("Give exactly one of json, csv and placeholderUuid.", "manifest")


def _terms(input: StartUploadJobInput, **switches: bool) -> JobOptions:
    file_name = None if input.file_name is None else validate_name(input.file_name, "fileName")
    return JobOptions(
        input.ignore_errors,
        file_name=file_name,
        integration_uuid=input.integration_uuid,
        dataset_uuid=input.dataset_uuid,
        **switches,
    )


async def _account(context: Context, uuid: UUID) -> CloudAccount:
    """The account of an integration through which the viewer may register objects."""
    async with context.database.reading() as connection:
        held = await roles_on_integrations(connection, context.viewer, [uuid])
    require_role(held.get(uuid), StorageUserRole.USER, "cloud integration", "integrationUuid")
    try:
        _, cloud = await open_integration(context.services, uuid)
    except FetchError as error:
        raise DomainError(error.code, error.message, ("integrationUuid",)) from None
    return cloud.account
