"""Mutations of the files and revisions of items."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from strawberry import UNSET

from gateway.catalog.items import lock_items, update_items
from gateway.catalog.revision_edits import (
    choose_thumbnail,
    delete_files,
    delete_revisions,
    files_with,
    is_of,
    restore_revision,
    revision_numbers,
    update_file,
)
from gateway.catalog.revisions import add_rows, metadata_of
from gateway.catalog.rules.files import validate_mime_type
from gateway.catalog.rules.names import validate_description, validate_name
from gateway.catalog.rules.paths import in_nfc
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.errors import DomainErrors, bad_input, conflict, not_found
from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.models.items import ItemRecord
from gateway.models.revisions import BitstreamRecord, bitstreams
from resolvers.id_lists import check_ids_exist, check_list_size
from resolvers.inputs.revisions import (
    DeleteBitstreamsInput,
    DeleteItemRevisionsInput,
    RestoreItemRevisionInput,
    SetThumbnailInput,
    UpdateBitstreamInput,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import ADMIN, USER

_IN_HEAD = bitstreams.c.last_revision.is_(None)


class _RevisedInput(Protocol):
    """An input that changes the revisions of an item."""

    item_uuid: UUID
    expected_revision: int | None


@dataclass(frozen=True, slots=True)
class UpdateBitstreamOutcome(Outcome):
    """Outcome of `updateBitstream`."""

    item_uuid: UUID | None = None
    bitstream_uuid: UUID | None = None


@requires(USER.on_item("item_uuid"))
async def update_bitstream(
    context: Context, input: UpdateBitstreamInput, permissions: Permissions
) -> UpdateBitstreamOutcome:
    """Change the name or the media type of a file of an item's newest revision.

    Older revisions that have the file keep it as it is. Fails with `CONFLICT` if another file of
    the item has the name.
    """
    uuid, values = input.bitstream_uuid, _file_changes(input)
    async with context.database.writing() as transaction:
        row = await _lock_files(transaction, input, permissions)
        head = {file.uuid: file for file in await files_with(transaction, row, _IN_HEAD)}
        if uuid not in head:
            raise not_found("file in the newest revision of the item", uuid, "bitstreamUuid")
        if row.item_type is not StorageItemType.FILE and "mime_type" in values:
            message = f"The media type of an item of type {row.item_type} is read from its file."
            raise bad_input(message, "mimeType")
        others = {in_nfc(file.name) for file in head.values() if file.uuid != uuid}
        if "name" in values and in_nfc(values["name"]) in others:
            raise conflict("The item has another file of this name.", "name")
        await update_file(transaction, context.viewer.user_uuid, row, head[uuid], values)
    return UpdateBitstreamOutcome(item_uuid=row.uuid, bitstream_uuid=uuid)


@dataclass(frozen=True, slots=True)
class SetThumbnailOutcome(Outcome):
    """Outcome of `setThumbnail`."""

    item_uuid: UUID | None = None


@requires(USER.on_item("item_uuid"))
async def set_thumbnail(
    context: Context, input: SetThumbnailInput, permissions: Permissions
) -> SetThumbnailOutcome:
    """Choose an image among an item's files as its thumbnail, for everyone.

    The choice lasts as long as the newest revision has the file: if it is replaced or deleted, the
    item has the thumbnail of its own file again, or none.
    """
    if input.bitstream_uuid is UNSET:
        message = "bitstreamUuid is required. Pass null to restore the item's own thumbnail."
        raise bad_input(message, "bitstreamUuid")
    async with context.database.writing() as transaction:
        row, file = await _lock_files(transaction, input, permissions), None
        if input.bitstream_uuid is not None:
            same = bitstreams.c.uuid == input.bitstream_uuid
            files = await files_with(transaction, row, _IN_HEAD, same)
            if not files:
                noun = "file in the newest revision of the item"
                raise not_found(noun, input.bitstream_uuid, "bitstreamUuid")
            [file] = files
            if file.mime_type not in ITEM_KINDS[StorageItemType.IMAGE].mime_types:
                raise bad_input("The file is not an image that can be drawn.", "bitstreamUuid")
            if file.object_key is None or file.is_lost:
                raise conflict("The bytes of the file are not stored here.", "bitstreamUuid")
        queue, user_uuid = context.services.queue, context.viewer.user_uuid
        await choose_thumbnail(transaction, queue, user_uuid, row, file)
    return SetThumbnailOutcome(item_uuid=row.uuid)


@dataclass(frozen=True, slots=True)
class DeleteBitstreamsOutcome(Outcome):
    """Outcome of `deleteBitstreams`."""

    item_uuid: UUID | None = None
    deleted_uuids: list[UUID] | None = None


@requires(ADMIN.on_item("item_uuid"))
async def delete_bitstreams(
    context: Context, input: DeleteBitstreamsInput, permissions: Permissions
) -> DeleteBitstreamsOutcome:
    """Delete 1 to 1,000 files from the newest revision of a `FILE` item, which stays without them.

    Older revisions keep those that they have; the bytes of the others are removed.
    """
    check_list_size(input.bitstream_uuids, "bitstreamUuids")
    async with context.database.writing() as transaction:
        row = await _lock_files(transaction, input, permissions)
        if row.item_type is not StorageItemType.FILE:
            message = f"An item of type {row.item_type} has one file. Delete the item instead."
            raise bad_input(message, "itemUuid")
        head = {file.uuid: file for file in await files_with(transaction, row, _IN_HEAD)}
        noun = "file in the newest revision of the item"
        check_ids_exist(input.bitstream_uuids, head, noun, "bitstreamUuids")
        files = [head[uuid] for uuid in input.bitstream_uuids]
        queue, user_uuid = context.services.queue, context.viewer.user_uuid
        await delete_files(transaction, queue, user_uuid, row, files)
    return DeleteBitstreamsOutcome(item_uuid=row.uuid, deleted_uuids=input.bitstream_uuids)


@dataclass(frozen=True, slots=True)
class RestoreItemRevisionOutcome(Outcome):
    """Outcome of `restoreItemRevision`."""

    item_uuid: UUID | None = None


@requires(USER.on_item("item_uuid"))
async def restore_item_revision(
    context: Context, input: RestoreItemRevisionInput, permissions: Permissions
) -> RestoreItemRevisionOutcome:
    """Make a new revision that has the files of an older one.

    No bytes are copied, and no revision is lost: the newest one so far becomes an older one. Fails
    with `CONFLICT` if the bytes of a file are lost.
    """
    changes = validate_description(input.changes, "changes")
    queue, user_uuid = context.services.queue, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        row = await _lock_files(transaction, input, permissions)
        if input.number == row.revision_number:
            raise bad_input("This is the newest revision already.", "number")
        if not await revision_numbers(transaction, row, [input.number]):
            raise not_found("revision of the item", input.number, "number")
        files: list[BitstreamRecord] = await files_with(transaction, row, is_of(input.number))
        if any(file.is_lost for file in files):
            raise conflict("The bytes of a file of the revision are lost.", "number")
        metadata = await metadata_of(transaction, row.uuid, input.number)
        await restore_revision(transaction, queue, user_uuid, row, input.number, changes)
        if input.with_metadata:
            values = {row.uuid: {"client_metadata": metadata}}
            await update_items(transaction, user_uuid, values, {row.uuid: row})
    return RestoreItemRevisionOutcome(item_uuid=row.uuid)


@dataclass(frozen=True, slots=True)
class DeleteItemRevisionsOutcome(Outcome):
    """Outcome of `deleteItemRevisions`."""

    item_uuid: UUID | None = None
    deleted_numbers: list[int] | None = None


@requires(ADMIN.on_item("item_uuid"))
async def delete_item_revisions(
    context: Context, input: DeleteItemRevisionsInput, permissions: Permissions
) -> DeleteItemRevisionsOutcome:
    """Delete 1 to 1,000 older revisions of an item, and the bytes that no other revision needs.

    The newest revision cannot be deleted (`BAD_USER_INPUT`). The numbers of the others stay.
    """
    check_list_size(input.numbers, "numbers")
    queue, user_uuid = context.services.queue, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        row = await _lock_files(transaction, input, permissions)
        existing = await revision_numbers(transaction, row, input.numbers)
        errors = []
        for index, number in enumerate(input.numbers):
            if number in input.numbers[:index]:
                errors.append(bad_input("The revision is listed twice.", "numbers", index))
            elif number not in existing:
                errors.append(not_found("revision of the item", number, "numbers", index))
            elif number == row.revision_number:
                message = "The newest revision cannot be deleted. Delete the item instead."
                errors.append(bad_input(message, "numbers", index))
        if errors:
            raise DomainErrors(errors)
        await delete_revisions(transaction, queue, user_uuid, row, input.numbers)
    return DeleteItemRevisionsOutcome(item_uuid=row.uuid, deleted_numbers=input.numbers)


async def _lock_files(
    transaction: Transaction, input: _RevisedInput, permissions: Permissions
) -> ItemRecord:
    """Lock the item of an input, which gets rows, once it is known that its files may change.

    Raises:
        DomainError: also `CONFLICT`, if the newest revision is not the expected one.
    """
    rows: Mapping[UUID, ItemRecord] = {
        row.uuid: row for row in await lock_items(transaction, [input.item_uuid])
    }
    await permissions.check(transaction)
    row = rows[input.item_uuid]
    if row.linked_folder_uuid or row.is_placeholder:
        state = "is a placeholder" if row.is_placeholder else "mirrors an object of a bucket"
        raise conflict(f"The item {state}.", "itemUuid")
    is_group = row.item_type is not StorageItemType.FILE and row.url is None
    if is_group or row.item_type is StorageItemType.IMAGE_SEQUENCE:
        raise bad_input(f"This item of type {row.item_type} has no files of its own.", "itemUuid")
    if input.expected_revision not in (None, row.revision_number):
        message = f"The newest revision of the item is {row.revision_number}."
        raise conflict(message, "expectedRevision")
    await add_rows(transaction, row)
    [row] = await lock_items(transaction, [input.item_uuid])
    return row


def _file_changes(input: UpdateBitstreamInput) -> dict[str, Any]:
    """Return the new values of a file by column."""
    values: dict[str, Any] = {}
    if input.name is not UNSET:
        values["name"] = validate_name(input.name, "name")
    if input.mime_type is not UNSET:
        if input.mime_type is None:
            raise bad_input("mimeType must not be null.", "mimeType")
        values["mime_type"] = validate_mime_type(input.mime_type, "mimeType")
    return values
