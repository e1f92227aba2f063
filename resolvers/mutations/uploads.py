"""How clients announce files, and get, renew and give up the URLs to which they send them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.folders import create_folder
from gateway.catalog.ingestion.placeholders import (
    UNNAMED_TYPE,
    UPLOADABLE,
    ExpectedFile,
    UploadTarget,
    create_placeholders,
    part_count,
    sign_targets,
    size_of_part,
    uploads_of,
)
from gateway.catalog.items import delete_items, locked_items
from gateway.catalog.rules.metadata_types import load_metadata_validator
from gateway.catalog.rules.names import validate_metadata, validate_name
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.errors import DomainError, DomainErrors, Path, bad_input, not_found
from gateway.kinds.enums import StorageUserRole
from gateway.models.folders import folders
from gateway.models.uploads import uploads
from gateway.stores.base import MAX_PARTS, IncompleteUpload, SignedRequest
from resolvers.idempotency import run_once
from resolvers.inputs.uploads import (
    AbortUploadsInput,
    CompleteUploadPartsInput,
    RenewUploadUrlsInput,
    RequestUploadUrlsInput,
    SignUploadPartsInput,
    UploadFileInput,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import (
    check_list_size,
    item_role_errors,
    require_target_folder_role,
    requires,
)

_TYPE = re.compile(r"[\w!#$&^.+-]{1,63}/[\w!#$&^.+-]{1,63}(; ?[\w-]+=[\w.+-]+)?", re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class SignedPart:
    """Where to send one part: bytes `size` at `number`, counted from 1."""

    number: int
    size: int
    request: SignedRequest


@dataclass(frozen=True, slots=True)
class RequestUploadUrlsOutcome(Outcome):
    """Outcome of `requestUploadUrls`."""

    targets: list[UploadTarget] | None = None


@requires("USER on the folder")
async def request_upload_urls(
    context: Context, input: RequestUploadUrlsInput
) -> RequestUploadUrlsOutcome:
    """Announce files: each gets a placeholder item, and a signed target for its bytes (ENC-FOLDEROP-39)."""
    check_list_size(input.files, "files")
    most = context.services.store.part_size * MAX_PARTS
    files = [_expected(file, most, ("files", place)) for place, file in enumerate(input.files)]
    name = input.frames_subfolder_name
    subfolder = None if name is None else validate_name(name, "framesSubfolderName")
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await require_target_folder_role(
            context, transaction, input.folder_uuid, StorageUserRole.USER, "folderUuid"
        )

        terms = await load_metadata_validator(transaction, context.services.settings)
        faults = [
            terms.error(file.client_metadata, *_metadata_of(place))
            for place, file in enumerate(files)
        ]
        if any(faults):
            raise DomainErrors([fault for fault in faults if fault])

        async def work() -> dict[str, Any]:
            home = (
                input.folder_uuid
                if subfolder is None
                else await _subfolder(context, transaction, input, subfolder)
            )
            made = await create_placeholders(transaction, context.viewer, home, files)
            return {"items": [str(uuid) for uuid in made]}

        done = await run_once(context, transaction, "requestUploadUrls", input, work)
        rows = await _still_expected(transaction, [UUID(uuid) for uuid in done["items"]])
    return RequestUploadUrlsOutcome(targets=await sign_targets(context.services, rows))


@dataclass(frozen=True, slots=True)
class RenewUploadUrlsOutcome(Outcome):
    """Outcome of `renewUploadUrls`."""

    targets: list[UploadTarget] | None = None


@requires("USER on each item's folder")
async def renew_upload_urls(
    context: Context, input: RenewUploadUrlsInput
) -> RenewUploadUrlsOutcome:
    """Sign the targets of placeholders again, as before."""
    check_list_size(input.item_uuids, "itemUuids")
    async with context.database.writing() as transaction:
        rows = await _chosen(context, transaction, input.item_uuids, "itemUuids")
    return RenewUploadUrlsOutcome(targets=await sign_targets(context.services, rows))


@dataclass(frozen=True, slots=True)
class SignUploadPartsOutcome(Outcome):
    """Outcome of `signUploadParts`."""

    item_uuid: UUID | None = None
    parts: list[SignedPart] | None = None


@requires("USER on the item's folder")
async def sign_upload_parts(
    context: Context, input: SignUploadPartsInput
) -> SignUploadPartsOutcome:
    """Sign parts of a large file, for the first time or again; parts can be sent in any order, and sent again."""
    check_list_size(input.part_numbers, "partNumbers")
    async with context.database.writing() as transaction:
        row = await _chosen_one(context, transaction, input.item_uuid)
    size, parts = _parts_of(context, row)
    for place, number in enumerate(input.part_numbers):
        if not 1 <= number <= parts:
            raise bad_input(f"The file has parts 1 to {parts}.", "partNumbers", place)
    upload_id = row.parts_id or await _begin_parts(context, row)
    signed = [await _sign(context, row, upload_id, number, size) for number in input.part_numbers]
    return SignUploadPartsOutcome(item_uuid=input.item_uuid, parts=signed)


@dataclass(frozen=True, slots=True)
class CompleteUploadPartsOutcome(Outcome):
    """Outcome of `completeUploadParts`."""

    item_uuid: UUID | None = None


@requires("USER on the item's folder")
async def complete_upload_parts(
    context: Context, input: CompleteUploadPartsInput
) -> CompleteUploadPartsOutcome:
    """Make one object of the parts that have been sent; all must be there."""
    async with context.database.writing() as transaction:
        row = await _chosen_one(context, transaction, input.item_uuid)
    _, wanted = _parts_of(context, row)
    store = context.services.store
    if await store.info(row.object_key) is None:
        parts = await store.parts(row.object_key, row.parts_id) if row.parts_id else []
        if len(parts) != wanted or sum(part.size for part in parts) != row.file_size:
            raise bad_input(f"{len(parts)} of {wanted} parts have arrived whole.", "itemUuid")
        try:
            await store.complete_parts(row.object_key, row.parts_id, parts)
        except IncompleteUpload:
            if (
                await store.info(row.object_key) is None
            ):  # else another request completed it just now
                raise bad_input(
                    "The parts changed while they were put together; try again.", "itemUuid"
                ) from None
    return CompleteUploadPartsOutcome(item_uuid=input.item_uuid)


@dataclass(frozen=True, slots=True)
class AbortUploadsOutcome(Outcome):
    """Outcome of `abortUploads`."""

    removed_items_count: int | None = None


@requires("USER on each item's folder")
async def abort_uploads(context: Context, input: AbortUploadsInput) -> AbortUploadsOutcome:
    """Give up placeholders that no job works on, with whatever has been sent for them."""
    check_list_size(input.item_uuids, "itemUuids")
    async with context.database.writing() as transaction:
        placeholders = await locked_items(transaction, input.item_uuids)
        await _chosen(context, transaction, input.item_uuids, "itemUuids")
        await delete_items(
            transaction, context.services.queue, context.viewer.user_uuid, placeholders
        )
    return AbortUploadsOutcome(removed_items_count=len(placeholders))


async def _subfolder(
    context: Context, transaction: Transaction, input: RequestUploadUrlsInput, name: str
) -> UUID:
    """The folder of that name directly below, the oldest if there are several; made if there is none."""
    mine = sa.and_(folders.c.parent_uuid == input.folder_uuid, folders.c.name == name)
    found = await transaction.first(
        sa.select(folders.c.uuid).where(mine).order_by(folders.c.uuid).limit(1)
    )
    if found:
        return UUID(str(found.uuid))
    return await create_folder(
        transaction, context.viewer.user_uuid, name, parent_uuid=input.folder_uuid
    )


async def _chosen(
    context: Context, transaction: Transaction, uuids: Sequence[UUID], name: str
) -> list[Any]:
    """The uploads of placeholders that no job has taken yet, in the order of the input."""
    errors = await item_role_errors(context, transaction, uuids, StorageUserRole.USER, name)
    found = await uploads_of(transaction, uuids)
    for place, uuid in enumerate(uuids):
        if place not in errors and (uuid not in found or found[uuid].unit_uuid is not None):
            errors[place] = bad_input(
                "This item is no placeholder that waits for its bytes.", name, place
            )
    if errors:
        raise DomainErrors(list(errors.values()))
    return [found[uuid] for uuid in uuids]


async def _chosen_one(context: Context, transaction: Transaction, uuid: UUID) -> Any:
    try:
        return (await _chosen(context, transaction, [uuid], "itemUuid"))[0]
    except DomainErrors as refusal:
        error = refusal.errors[0]
        raise DomainError(error.code, error.message, ("itemUuid",)) from None


async def _still_expected(transaction: Transaction, uuids: Sequence[UUID]) -> list[Any]:
    found = await uploads_of(transaction, uuids)
    if len(found) < len(uuids):
        raise bad_input(
            "With this key, files were announced that are uploaded or gone by now.",
            "idempotencyKey",
        )
    return [found[uuid] for uuid in uuids]


def _metadata_of(place: int) -> Path:
    return "files", place, "clientMetadata"


def _expected(file: UploadFileInput, most: int, path: Path) -> ExpectedFile:
    if file.item_type not in UPLOADABLE:
        raise bad_input(
            f"An item of type {file.item_type} is not made of one file.", *path, "itemType"
        )
    if not 1 <= file.file_size <= most:
        raise bad_input(
            f"A file has from 1 to {most:,} bytes, not {file.file_size:,}.", *path, "fileSize"
        )
    digest = file.sha256.lower() if file.sha256 else None
    if digest and not _SHA256.fullmatch(digest):
        raise bad_input("A SHA-256 has 64 hex digits.", *path, "sha256")
    mime_type = UNNAMED_TYPE if file.mime_type is None else file.mime_type
    if not _TYPE.fullmatch(mime_type):
        raise bad_input(
            "A MIME type is a type and a subtype, such as image/png.", *path, "mimeType"
        )
    metadata = validate_metadata(file.client_metadata, *path, "clientMetadata")
    name = validate_name(file.name, *path, "name")
    return ExpectedFile(name, file.item_type, file.file_size, mime_type, digest, metadata)


def _parts_of(context: Context, row: Any) -> tuple[int, int]:
    size = context.services.store.part_size
    if row.stored_key is not None or row.file_size <= size:
        raise bad_input("This file is not sent in parts.", "itemUuid")
    return size, part_count(row.file_size, size)


async def _begin_parts(context: Context, row: Any) -> str:
    """Begin an upload in parts, once: of two requests at the same time, the later gives up its own."""
    store = context.services.store
    begun = await store.begin_parts(row.object_key, row.mime_type)
    mine = uploads.c.item_uuid == row.item_uuid
    async with context.database.writing() as transaction:
        await transaction.execute(
            sa.update(uploads).where(mine, uploads.c.parts_id.is_(None)).values(parts_id=begun)
        )
        kept = await transaction.first(sa.select(uploads.c.parts_id).where(mine))
    if kept is None or kept.parts_id != begun:
        await store.abort_parts(row.object_key, begun)
    if kept is None:
        raise not_found("placeholder", "itemUuid")
    return str(kept.parts_id)


async def _sign(
    context: Context, row: Any, upload_id: str, number: int, part_size: int
) -> SignedPart:
    lifetime = timedelta(seconds=context.services.settings.upload_url_seconds)
    size = size_of_part(row.file_size, part_size, number)
    request = await context.services.store.sign_part(
        row.object_key, upload_id, number, size, lifetime
    )
    return SignedPart(number, size, request)
