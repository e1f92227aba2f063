"""Mutations of metadata entries: the values at the top level of an item's metadata."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.catalog.items import lock_items, update_items
from gateway.catalog.metadata_schema import declared_fields, load_metadata_validator
from gateway.catalog.rules.metadata_entries import Fields, entry_key, entry_value, is_entry
from gateway.catalog.rules.names import validate_metadata
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.error_texts import listed_more_than_once
from gateway.errors import DomainError, DomainErrors, bad_input, conflict
from gateway.models.items import ItemRecord
from resolvers.id_lists import check_list_size
from resolvers.inputs.metadata_entries import (
    ClearStorageItemMetadataInput,
    DeleteStorageItemMetadataInput,
    MetadataEntryInput,
    SetStorageItemMetadataInput,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import USER

Metadata = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SetStorageItemMetadataOutcome(Outcome):
    """Outcome of `setStorageItemMetadata`."""

    item_uuid: UUID | None = None


@requires(USER.on_item("item_uuid"))
async def set_storage_item_metadata(
    context: Context, input: SetStorageItemMetadataInput, permissions: Permissions
) -> SetStorageItemMetadataOutcome:
    """Add metadata entries to an item, or replace those that have the same keys.

    All entries are checked first; if one of them is rejected, none is written. A key under which
    `clientMetadata` has an object or a list is rejected with `CONFLICT`. If the metadata schema is
    enforced, values must match it (`BAD_USER_INPUT`).
    """
    check_list_size(input.entries, "entries")
    async with context.database.writing() as transaction:
        item = await _locked_item(transaction, input.item_uuid, permissions)
        fields = await declared_fields(transaction)
        values = _checked_entries(input.entries, item.client_metadata, fields)
        validator = await load_metadata_validator(transaction, context.services.settings)
        errors = [
            DomainError(error.code, error.message, ("entries", index, "value"))
            for index, (key, value) in enumerate(values.items())
            if (error := validator.error({key: value}))
        ]
        if errors:
            raise DomainErrors(errors)
        metadata = validate_metadata(item.client_metadata | values, "entries")
        await _save(context, transaction, item, metadata)
    return SetStorageItemMetadataOutcome(item_uuid=input.item_uuid)


@dataclass(frozen=True, slots=True)
class DeleteStorageItemMetadataOutcome(Outcome):
    """Outcome of `deleteStorageItemMetadata`."""

    item_uuid: UUID | None = None
    deleted_keys: list[str] | None = None


@requires(USER.on_item("item_uuid"))
async def delete_storage_item_metadata(
    context: Context, input: DeleteStorageItemMetadataInput, permissions: Permissions
) -> DeleteStorageItemMetadataOutcome:
    """Remove metadata entries from an item, in its present state: older revisions keep theirs.

    Objects and lists in `clientMetadata` are no entries, and stay.
    """
    check_list_size(input.entries, "entries")
    keys = {
        entry_key(entry.element, entry.qualifier, "entries", index)
        for index, entry in enumerate(input.entries)
    }
    deleted = await _remove(context, input.item_uuid, permissions, keys.__contains__)
    return DeleteStorageItemMetadataOutcome(item_uuid=input.item_uuid, deleted_keys=deleted)


@dataclass(frozen=True, slots=True)
class ClearStorageItemMetadataOutcome(Outcome):
    """Outcome of `clearStorageItemMetadata`."""

    item_uuid: UUID | None = None
    deleted_keys: list[str] | None = None


@requires(USER.on_item("item_uuid"))
async def clear_storage_item_metadata(
    context: Context, input: ClearStorageItemMetadataInput, permissions: Permissions
) -> ClearStorageItemMetadataOutcome:
    """Remove all metadata entries from an item, in its present state: older revisions keep theirs.

    Objects and lists in `clientMetadata` are no entries, and stay.
    """
    deleted = await _remove(context, input.item_uuid, permissions, lambda _key: True)
    return ClearStorageItemMetadataOutcome(item_uuid=input.item_uuid, deleted_keys=deleted)


async def _locked_item(
    transaction: Transaction, uuid: UUID, permissions: Permissions
) -> ItemRecord:
    """Lock an item that the viewer may change."""
    rows = await lock_items(transaction, [uuid])
    await permissions.check(transaction)
    return rows[0]


async def _save(
    context: Context, transaction: Transaction, item: ItemRecord, metadata: Metadata
) -> None:
    values = {item.uuid: {"client_metadata": metadata}}
    await update_items(transaction, context.viewer.user_uuid, values, {item.uuid: item})


async def _remove(
    context: Context, uuid: UUID, permissions: Permissions, is_removed: Callable[[str], bool]
) -> list[str]:
    """Remove some entries of an item, and return their keys."""
    async with context.database.writing() as transaction:
        item = await _locked_item(transaction, uuid, permissions)
        metadata = item.client_metadata
        removed = {key for key, value in metadata.items() if is_entry(value) and is_removed(key)}
        remaining = {key: value for key, value in metadata.items() if key not in removed}
        await _save(context, transaction, item, remaining)
    return sorted(removed)


def _checked_entries(
    entries: list[MetadataEntryInput], metadata: Metadata, fields: Fields
) -> Metadata:
    """Return the values of entries by key.

    Raises:
        DomainErrors: one for each entry that is rejected.
    """
    values: Metadata = {}
    positions: dict[str, int] = {}
    errors = []
    for index, entry in enumerate(entries):
        path = ("entries", index)
        try:
            key = entry_key(entry.element, entry.qualifier, *path)
            if (first := positions.setdefault(key, index)) != index:
                raise bad_input(listed_more_than_once("key", first), *path)
            if metadata.get(key) is not None and not is_entry(metadata[key]):
                message = f"{key} is an object or a list. Change it with updateStorageItem."
                raise conflict(message, *path, "element")
            values[key] = entry_value(entry.value, entry.type, fields.get(key), *path)
        except DomainError as error:
            errors.append(error)
    if errors:
        raise DomainErrors(errors)
    return values
