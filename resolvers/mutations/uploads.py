"""Mutations that announce files, and sign, renew, complete and abort their uploads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NotRequired, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.folders import create_folder, lock_folders
from gateway.catalog.ingestion.placeholders import (
    ExpectedFile,
    SignedUpload,
    create_placeholders,
    part_count,
    sign_uploads,
    size_of_part,
    uploads_of,
)
from gateway.catalog.items import delete_items, lock_items
from gateway.catalog.metadata_schema import load_metadata_validator
from gateway.catalog.rules.names import validate_name
from gateway.catalog.taken_names import NameChoice, WantedName, choose_names
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.error_texts import between
from gateway.errors import DomainError, DomainErrors, bad_input, conflict, not_found
from gateway.kinds.enums import IfNameTaken, NameOutcome
from gateway.models.folders import FolderRecord, folders
from gateway.models.uploads import UploadRecord, uploads
from gateway.stores.base import IncompleteUpload, SignedRequest
from resolvers.id_lists import check_list_size
from resolvers.idempotency import run_once
from resolvers.inputs.uploads import (
    AbortUploadsInput,
    CompleteUploadPartsInput,
    RenewUploadUrlsInput,
    RequestUploadUrlsInput,
    SignUploadPartsInput,
)
from resolvers.mutations.announced_files import expected_file, largest_file
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import USER
from resolvers.signed_urls import bounds_of


@dataclass(frozen=True, slots=True)
class SignedPart:
    """A part of a large file, counted from 1, its size in bytes and the request that uploads it."""

    number: int
    size: int
    request: SignedRequest


class StoredPlaceholders(TypedDict):
    """Uuids of the placeholders of announced files, as stored under an idempotency key.

    Earlier releases stored nothing of their names.
    """

    items: list[str]
    name_outcomes: NotRequired[list[str]]


@dataclass(frozen=True, slots=True)
class RequestUploadUrlsOutcome(Outcome):
    """Outcome of `requestUploadUrls`."""

    targets: list[SignedUpload] | None = None


_USED_UP = (
    "The first request with this key has been used up: some of its placeholders were processed or "
    "deleted. Use a new key."
)


@requires(USER.on_receiving_folder("folder_uuid"))
async def request_upload_urls(
    context: Context, input: RequestUploadUrlsInput, permissions: Permissions
) -> RequestUploadUrlsOutcome:
    """Announce 1 to 1,000 files that will be uploaded.

    Each file gets a placeholder item in the folder and an upload target: a signed URL, or the size
    and number of the parts of a large file. `startUploadJob` turns uploaded placeholders into
    items. If one file is rejected, none gets a placeholder.
    """
    check_list_size(input.files, "files")
    max_size = largest_file(context)
    files = [
        expected_file(file, file.name, file.file_size, max_size, ("files", index))
        for index, file in enumerate(input.files)
    ]
    name = input.frames_subfolder_name
    subfolder = None if name is None else validate_name(name, "framesSubfolderName")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await permissions.check(transaction)
        metadata = await load_metadata_validator(transaction, context.services.settings)
        checks = (
            metadata.error(file.client_metadata, "files", index, "clientMetadata")
            for index, file in enumerate(files)
        )
        if errors := [error for error in checks if error]:
            raise DomainErrors(errors)

        async def create() -> StoredPlaceholders:
            folder = input.folder_uuid
            if subfolder is not None:
                folder = await _find_or_create_subfolder(context, transaction, folder, subfolder)
            named, choices = await _named_files(context, transaction, folder, files, input)
            targets = {i: choice.item.uuid for i, choice in enumerate(choices) if choice.item}
            uuids = await create_placeholders(transaction, context.viewer, folder, named, targets)
            outcomes = [choice.outcome.value for choice in choices]
            return {"items": [str(uuid) for uuid in uuids], "name_outcomes": outcomes}

        stored = await run_once(context, transaction, "requestUploadUrls", input, create)
        uuids = [UUID(uuid) for uuid in stored["items"]]
        rows = await uploads_of(transaction, uuids)
        if len(rows) < len(uuids):
            raise bad_input(_USED_UP, "idempotencyKey")
    signed = [rows[uuid] for uuid in uuids]
    named = stored.get("name_outcomes", [NameOutcome.AS_GIVEN] * len(signed))
    outcomes = [NameOutcome(name) for name in named]
    return RequestUploadUrlsOutcome(
        targets=await sign_uploads(context.services, context.viewer, signed, outcomes)
    )


@dataclass(frozen=True, slots=True)
class RenewUploadUrlsOutcome(Outcome):
    """Outcome of `renewUploadUrls`."""

    targets: list[SignedUpload] | None = None


@requires(USER.on_each_item("item_uuids"))
async def renew_upload_urls(
    context: Context, input: RenewUploadUrlsInput, permissions: Permissions
) -> RenewUploadUrlsOutcome:
    """Sign the upload targets of 1 to 1,000 placeholders again, for example after they expired.

    Fails with `BAD_USER_INPUT` for items that are not placeholders, or that are already used by a
    job.
    """
    check_list_size(input.item_uuids, "itemUuids")
    async with context.database.writing() as transaction:
        rows = await _pending_uploads(transaction, input, permissions)
    return RenewUploadUrlsOutcome(
        targets=await sign_uploads(context.services, context.viewer, rows)
    )


@dataclass(frozen=True, slots=True)
class SignUploadPartsOutcome(Outcome):
    """Outcome of `signUploadParts`."""

    item_uuid: UUID | None = None
    parts: list[SignedPart] | None = None


@requires(USER.on_item("item_uuid"))
async def sign_upload_parts(
    context: Context, input: SignUploadPartsInput, permissions: Permissions
) -> SignUploadPartsOutcome:
    """Sign 1 to 1,000 parts of a large file for upload.

    Parts may be uploaded in any order and more than once, and signed again when a signature has
    expired. Once all are uploaded, call `completeUploadParts`: until then no job takes the file,
    and afterwards no part is signed (`BAD_USER_INPUT`).
    """
    check_list_size(input.part_numbers, "partNumbers")
    async with context.database.writing() as transaction:
        upload, file_size = await _pending_upload(context, transaction, input, permissions)
    store = context.services.store
    parts = part_count(file_size, store.part_size)
    for index, number in enumerate(input.part_numbers):
        if not 1 <= number <= parts:
            raise bad_input(between("partNumbers", 1, parts, number), "partNumbers", index)
    if await store.info(upload.object_key) is not None:
        raise bad_input("The upload of the file has been completed.", "itemUuid")
    parts_id = upload.parts_id or await _begin_parts(context, upload)
    lifetime = timedelta(seconds=context.services.settings.upload_url_seconds)
    signed = []
    for number in input.part_numbers:
        size = size_of_part(file_size, store.part_size, number)
        request = await store.sign_part(
            upload.object_key, parts_id, number, size, lifetime, bounds_of(context)
        )
        signed.append(SignedPart(number, size, request))
    return SignUploadPartsOutcome(item_uuid=input.item_uuid, parts=signed)


@dataclass(frozen=True, slots=True)
class CompleteUploadPartsOutcome(Outcome):
    """Outcome of `completeUploadParts`."""

    item_uuid: UUID | None = None


@requires(USER.on_item("item_uuid"))
async def complete_upload_parts(
    context: Context, input: CompleteUploadPartsInput, permissions: Permissions
) -> CompleteUploadPartsOutcome:
    """Combine the uploaded parts of a large file into one object.

    Fails with `BAD_USER_INPUT` while parts are missing. Completing a completed upload succeeds and
    changes nothing.
    """
    async with context.database.writing() as transaction:
        upload, file_size = await _pending_upload(context, transaction, input, permissions)
    store, key, parts_id = context.services.store, upload.object_key, upload.parts_id
    if await store.info(key) is None:
        parts = await store.parts(key, parts_id) if parts_id else []
        count = part_count(file_size, store.part_size)
        if not parts_id or len(parts) != count or sum(part.size for part in parts) != file_size:
            message = (
                f"Only {len(parts):,} of {count:,} parts have been uploaded completely. "
                "Upload the others, then complete the upload."
            )
            raise bad_input(message, "itemUuid")
        try:
            await store.complete_parts(key, parts_id, parts)
        except IncompleteUpload:
            # Unless another request has just completed it.
            if await store.info(key) is None:
                message = "A part has been changed while the parts were combined. Retry."
                raise bad_input(message, "itemUuid") from None
    completed = sa.update(uploads).where(uploads.c.item_uuid == upload.item_uuid)
    async with context.database.writing() as transaction:
        await transaction.execute(completed.values(parts_id=None))
    return CompleteUploadPartsOutcome(item_uuid=input.item_uuid)


@dataclass(frozen=True, slots=True)
class AbortUploadsOutcome(Outcome):
    """Outcome of `abortUploads`."""

    removed_items_count: int | None = None
    deleted_uuids: list[UUID] | None = None


@requires(USER.on_each_item("item_uuids"))
async def abort_uploads(
    context: Context, input: AbortUploadsInput, permissions: Permissions
) -> AbortUploadsOutcome:
    """Delete 1 to 1,000 placeholders that no job uses, with all bytes uploaded for them.

    If one of the items is not such a placeholder (`BAD_USER_INPUT`), none is deleted.
    """
    check_list_size(input.item_uuids, "itemUuids")
    async with context.database.writing() as transaction:
        placeholders = await lock_items(transaction, input.item_uuids)
        await _pending_uploads(transaction, input, permissions)
        await delete_items(
            transaction, context.services.queue, context.viewer.user_uuid, placeholders
        )
    deleted_uuids = [placeholder.uuid for placeholder in placeholders]
    return AbortUploadsOutcome(removed_items_count=len(deleted_uuids), deleted_uuids=deleted_uuids)


async def _find_or_create_subfolder(
    context: Context, transaction: Transaction, parent_uuid: UUID, name: str
) -> UUID:
    """Return the oldest folder of that name in the parent; create it if there is none."""
    matches = sa.and_(folders.c.parent_uuid == parent_uuid, folders.c.name == name)
    oldest = sa.select(folders.c.uuid).where(matches).order_by(folders.c.uuid).limit(1)
    row = await transaction.first(oldest, FolderRecord)
    if row:
        return row.uuid
    return await create_folder(
        transaction,
        context.viewer.user_uuid,
        name,
        parent_uuid=parent_uuid,
        masks_root=context.services.settings.mask_new_roots,
    )


async def _named_files(
    context: Context,
    transaction: Transaction,
    folder_uuid: UUID,
    files: Sequence[ExpectedFile],
    input: RequestUploadUrlsInput,
) -> tuple[list[ExpectedFile], list[NameChoice]]:
    """Return files with the names that they get in a folder, and what became of the names.

    Raises:
        DomainErrors: names are taken.
    """
    if input.if_name_taken is not IfNameTaken.ALLOW_DUPLICATE:
        await lock_folders(transaction, [folder_uuid])
    wanted = [
        WantedName(folder_uuid, file.name, is_folder=False, path=("files", index, "name"))
        for index, file in enumerate(files)
    ]
    choices = await choose_names(transaction, context.viewer, wanted, input.if_name_taken)
    for index, choice in enumerate(choices):
        if choice.item and choice.item.is_placeholder:
            message = "Another file of this name has been announced and not processed yet."
            choices[index] = replace(choice, error=conflict(message, *wanted[index].path))
    if errors := [choice.error for choice in choices if choice.error]:
        raise DomainErrors(errors)
    named = [
        file if file.name == each.name else replace(file, name=each.name)
        for file, each in zip(files, choices, strict=True)
    ]
    return named, choices


async def _pending_uploads(
    transaction: Transaction,
    input: RenewUploadUrlsInput | AbortUploadsInput,
    permissions: Permissions,
) -> list[UploadRecord]:
    """Return the uploads of placeholders that no job has taken, in the order of the input.

    Raises:
        DomainErrors: some items are not such placeholders, or not the viewer's to upload to.
    """
    errors = await permissions.errors(transaction, "item_uuids")
    rows = await uploads_of(transaction, input.item_uuids)
    for index, uuid in enumerate(input.item_uuids):
        if index not in errors and not _is_pending(rows.get(uuid)):
            errors[index] = _not_pending("itemUuids", index)
    if errors:
        raise DomainErrors([errors[index] for index in sorted(errors)])
    return [rows[uuid] for uuid in input.item_uuids]


async def _pending_upload(
    context: Context,
    transaction: Transaction,
    input: SignUploadPartsInput | CompleteUploadPartsInput,
    permissions: Permissions,
) -> tuple[UploadRecord, int]:
    """Return the pending upload of a file that is uploaded in parts, and the file's size."""
    await permissions.check(transaction)
    row: UploadRecord | None = (await uploads_of(transaction, [input.item_uuid])).get(
        input.item_uuid
    )
    if row is None or not _is_pending(row):
        raise _not_pending("itemUuid")
    size = row.file_size
    if row.stored_key is not None or size is None or size <= context.services.store.part_size:
        raise bad_input("The file is not uploaded in parts.", "itemUuid")
    return row, size


def _is_pending(row: UploadRecord | None) -> bool:
    return row is not None and row.unit_uuid is None


def _not_pending(*path: str | int) -> DomainError:
    return bad_input("The item is not a placeholder awaiting upload.", *path)


async def _begin_parts(context: Context, upload: UploadRecord) -> str:
    """Begin an upload in parts and return its id.

    Of two requests at the same time, the later one aborts its own and returns the other's id.
    """
    store = context.services.store
    begun = await store.begin_parts(upload.object_key, upload.mime_type)
    matches = uploads.c.item_uuid == upload.item_uuid
    async with context.database.writing() as transaction:
        await transaction.execute(
            sa.update(uploads).where(matches, uploads.c.parts_id.is_(None)).values(parts_id=begun)
        )
        selected = sa.select(uploads.c.parts_id).where(matches)
        row = await transaction.first(selected, UploadRecord)
    if row is None or row.parts_id != begun:
        await store.abort_parts(upload.object_key, begun)
    if row is None or row.parts_id is None:
        raise not_found("placeholder", upload.item_uuid, "itemUuid")
    return row.parts_id
