"""Mutations that start and cancel upload jobs."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.visibility import sees_item
from gateway.catalog.ingestion.entries import DataUploadItemsInput
from gateway.catalog.ingestion.entry_plans import EntryRules, as_files_of, read_plans
from gateway.catalog.ingestion.import_plans import plans_of_import
from gateway.catalog.ingestion.job_state import cancel_job, lock_job
from gateway.catalog.ingestion.manifests import check_uploaded, start_from_manifest
from gateway.catalog.ingestion.start_job import JobOptions, start_job
from gateway.catalog.ingestion.unit_plan import UnitTarget
from gateway.catalog.integrations import lock_integration, open_integration
from gateway.catalog.jobs import folder_of
from gateway.catalog.metadata_schema import load_metadata_validator
from gateway.catalog.rules.names import validate_description, validate_name
from gateway.catalog.taken_names import lock_home
from gateway.clouds.base import CloudAccount
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.error_texts import exactly_one_of, not_both
from gateway.errors import DomainError, bad_input, not_found
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import IfNameTaken
from gateway.manifests.sections import Switches
from gateway.models.items import items
from gateway.models.uploads import UploadRecord, uploads
from resolvers.id_lists import check_list_size
from resolvers.idempotency import create_once
from resolvers.inputs.choices import set_value
from resolvers.inputs.imports import MAX_ENTRIES
from resolvers.inputs.uploads import (
    CancelUploadJobInput,
    StartUploadJobInput,
)
from resolvers.mutations.datasets import lock_unmirrored_dataset
from resolvers.mutations.inline_manifests import read_inline_manifest
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import USER

Start = Callable[[Transaction], Awaitable[UUID]]
"""Writes an upload job and returns its UUID."""


@dataclass(frozen=True, slots=True)
class StartUploadJobOutcome(Outcome):
    """Outcome of `startUploadJob`."""

    upload_job_uuid: UUID | None = None


@requires(
    USER.on_receiving_folder("folder_uuid"),
    USER.on_integration("integration_uuid", optional=True),
    USER.on_dataset("dataset_uuid", optional=True),
)
async def start_upload_job(
    context: Context, input: StartUploadJobInput, permissions: Permissions
) -> StartUploadJobOutcome:
    """Start a job that creates items from uploaded files, URLs and existing items.

    Follow it with `uploadJobUpdated`. Pass up to 10,000 units with 100,000 files inline, or up to
    500,000 units in an uploaded manifest. A unit that refers to existing items also requires `USER`
    on their folders.

    Errors in an inline request are returned at once and no job is started; errors in an uploaded
    manifest are reported as failed units. Without `ignoreErrors`, a unit that fails ends the
    job: the remaining units are cancelled, and items of units that were finished are kept. The job
    uses up the placeholders of its units: those of failed and cancelled units are deleted, with the
    bytes that were uploaded for them.
    """
    given = [input.items, input.manifest, input.import_uuid]
    if given.count(None) != len(given) - 1:
        raise bad_input(exactly_one_of("items", "manifest", "importUuid"))
    _check_target(input)
    account = await _open_account(context, input, permissions)
    manifest = input.manifest
    if manifest is not None and (placeholder := set_value(manifest.placeholder_uuid)):
        start = await _from_uploaded_manifest(context, input, placeholder)
    elif input.import_uuid:
        start = _from_import(context, input, input.import_uuid)
    else:
        start = await _from_inline_units(context, input, account)
    async with context.database.writing() as transaction:
        await lock_home(transaction, input.folder_uuid, input.if_name_taken)
        await permissions.check(transaction, "folder_uuid")
        if input.integration_uuid:
            await lock_integration(transaction, input.integration_uuid, "integrationUuid")
        if input.dataset_uuid:
            await permissions.check(transaction, "dataset_uuid")
            await lock_unmirrored_dataset(transaction, input.dataset_uuid)

        async def create() -> UUID:
            return await start(transaction)

        uuid = await create_once(context, transaction, "startUploadJob", input, "job", create)
    return StartUploadJobOutcome(upload_job_uuid=uuid)


@dataclass(frozen=True, slots=True)
class CancelUploadJobOutcome(Outcome):
    """Outcome of `cancelUploadJob`."""

    upload_job_uuid: UUID | None = None
    units_cancelled_count: int | None = None


@requires(USER.on_folder_of("upload_job_uuid", "upload job"))
async def cancel_upload_job(
    context: Context, input: CancelUploadJobInput, permissions: Permissions
) -> CancelUploadJobOutcome:
    """Cancel the units of an upload job that are not done; items that it has created are kept.

    The placeholders of cancelled units are deleted, with the bytes that were uploaded for them: to
    try again, upload those files again. Cancelling a job that has ended succeeds and changes
    nothing.
    """
    services, uuid, viewer = context.services, input.upload_job_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        job = await lock_job(transaction, uuid)
        if job is None:
            raise not_found("upload job", uuid, "uploadJobUuid")
        await permissions.check_folder_of(transaction, "upload_job_uuid", folder_of(job))
        count = await cancel_job(transaction, services.queue, viewer, job)
    return CancelUploadJobOutcome(upload_job_uuid=uuid, units_cancelled_count=count)


def _check_target(input: StartUploadJobInput) -> None:
    """Raise `BAD_USER_INPUT` for what only works together with, or without, other fields."""
    rule, manifest = input.if_name_taken, input.manifest
    if rule is IfNameTaken.REUSE:
        message = "Only requestUploadUrls and importTree take REUSE, when they announce the files."
        raise bad_input(message, "ifNameTaken")
    for other, given in (
        ("importUuid", input.import_uuid),
        ("itemUuid", input.item_uuid),
        ("manifest.placeholderUuid", manifest and set_value(manifest.placeholder_uuid)),
    ):
        if given and rule is not IfNameTaken.ALLOW_DUPLICATE:
            raise bad_input(not_both(other, f"ifNameTaken: {rule}"), "ifNameTaken")
    if input.item_uuid and input.items is None:
        raise bad_input("itemUuid requires items.", "itemUuid")
    if input.except_item_uuids:
        if not input.import_uuid:
            raise bad_input("exceptItemUuids requires importUuid.", "exceptItemUuids")
        check_list_size(input.except_item_uuids, "exceptItemUuids", MAX_ENTRIES)
    if not input.item_uuid:
        for name, value in (
            ("newRevision", input.new_revision or None),
            ("expectedRevision", input.expected_revision),
            ("changes", input.changes),
        ):
            if value is not None:
                raise bad_input(f"{name} requires itemUuid.", name)


async def _open_account(
    context: Context, input: StartUploadJobInput, permissions: Permissions
) -> CloudAccount | None:
    """Return the account of the integration in whose store the URLs are; None without one."""
    if not input.integration_uuid:
        return None
    async with context.database.reading() as connection:
        await permissions.check(connection, "integration_uuid")
    try:
        _, cloud = await open_integration(context.services, input.integration_uuid)
    except FetchError as error:
        raise DomainError(error.code, error.message, ("integrationUuid",)) from None
    return cloud.account


async def _from_inline_units(
    context: Context, input: StartUploadJobInput, account: CloudAccount | None
) -> Start:
    """Read and check the units in the input; return what starts a job with them."""
    rules, switches = EntryRules(context.services.fetch_rules, account=account), Switches()
    if input.manifest is not None:
        plans = await asyncio.to_thread(read_inline_manifest, rules, input.manifest, switches)
        enabled = switches.values
    else:
        units = input.items or DataUploadItemsInput()
        enabled = {
            "skip_duplicate_urls": units.skip_duplicate_urls,
            "upsert_metadata": units.upsert_metadata,
        }
        if enabled["upsert_metadata"] and not enabled["skip_duplicate_urls"]:
            message = "upsertMetadata requires skipDuplicateUrls."
            raise bad_input(message, "items", "upsertMetadata")
        plans = await asyncio.to_thread(read_plans, rules, units, "items")
        if input.item_uuid:
            target = UnitTarget(
                input.item_uuid,
                (),
                input.new_revision,
                input.expected_revision,
                validate_description(input.changes, "changes"),
            )
            plans = [as_files_of(plans, target)]
    rule = input.if_name_taken
    if enabled.get("skip_duplicate_urls") and rule is not IfNameTaken.ALLOW_DUPLICATE:
        raise bad_input(not_both("skipDuplicateUrls", f"ifNameTaken: {rule}"), "ifNameTaken")
    options = _job_options(input, **enabled)
    services, viewer, folder = context.services, context.viewer, input.folder_uuid

    async def start(transaction: Transaction) -> UUID:
        metadata = await load_metadata_validator(transaction, services.settings)
        return await start_job(
            transaction, services.queue, viewer, folder, plans, options, metadata, rule
        )

    return start


def _from_import(context: Context, input: StartUploadJobInput, import_uuid: UUID) -> Start:
    """Return what starts a job with the files of an import."""
    services, viewer = context.services, context.viewer
    options = _job_options(input)

    async def start(transaction: Transaction) -> UUID:
        plans = await plans_of_import(
            transaction,
            input.folder_uuid,
            import_uuid,
            "importUuid",
            without=input.except_item_uuids,
        )
        metadata = await load_metadata_validator(transaction, services.settings)
        return await start_job(
            transaction, services.queue, viewer, input.folder_uuid, plans, options, metadata
        )

    return start


async def _from_uploaded_manifest(
    context: Context, input: StartUploadJobInput, placeholder_uuid: UUID
) -> Start:
    """Check that a manifest is uploaded; return what starts a job with its units."""
    services, viewer = context.services, context.viewer
    path, options = ("manifest", "placeholderUuid"), _job_options(input)
    visible = (
        sa.select(uploads)
        .join(items)
        .where(uploads.c.item_uuid == placeholder_uuid, sees_item(viewer))
    )
    for upload in await context.database.rows(visible, UploadRecord):
        await check_uploaded(services.store, upload, *path)

    async def start(transaction: Transaction) -> UUID:
        return await start_from_manifest(
            transaction,
            services.queue,
            viewer,
            input.folder_uuid,
            placeholder_uuid,
            options,
            *path,
        )

    return start


def _job_options(input: StartUploadJobInput, **switches: Any) -> JobOptions:
    file_name = None if input.file_name is None else validate_name(input.file_name, "fileName")
    return JobOptions(
        input.ignore_errors,
        file_name=file_name,
        integration_uuid=input.integration_uuid,
        dataset_uuid=input.dataset_uuid,
        **switches,
    )
