"""New values of the attributes that folders and items have in common, read from update inputs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from uuid import UUID

from strawberry import UNSET

from gateway.catalog.rules.metadata_types import MetadataValidator
from gateway.catalog.rules.names import (
    merge_metadata,
    validate_description,
    validate_metadata,
    validate_name,
)
from gateway.error_texts import not_both
from gateway.errors import DomainError, bad_input
from gateway.models.folders import FolderRecord
from gateway.models.items import ItemRecord
from resolvers.bulk import Bulk


class AttributesInput(Protocol):
    """An update of a folder or item; fields that are UNSET stay as they are."""

    name: str | None
    description: str | None
    client_metadata: Any
    client_metadata_patch: Any


Update = TypeVar("Update", bound=AttributesInput)
Row = TypeVar("Row", bound=FolderRecord | ItemRecord)
Changes = Callable[..., dict[str, Any]]
"""Returns the new values of an update, by column: `changes(input, row, *path)`."""


def attribute_changes(
    input: AttributesInput, row: FolderRecord | ItemRecord, *path: str | int
) -> dict[str, Any]:
    """Return the validated new values of an update, by column; `row` is the current one."""
    values: dict[str, Any] = {}
    if input.name is not UNSET:
        values["name"] = validate_name(input.name, *path, "name")
    if input.description is not UNSET:
        values["description"] = validate_description(input.description, *path, "description")
    if input.client_metadata is not UNSET:
        values["client_metadata"] = validate_metadata(
            input.client_metadata, *path, "clientMetadata"
        )
    if input.client_metadata_patch is not UNSET:
        field = "clientMetadataPatch"
        if "client_metadata" in values:
            message = not_both("clientMetadata", field)
            raise bad_input(message, *path, field)
        values["client_metadata"] = merge_metadata(
            row.client_metadata, input.client_metadata_patch, *path, field
        )
    return values


def with_metadata_check(metadata: MetadataValidator, changes: Changes) -> Changes:
    """Return `changes` with a check that new metadata has the types of the metadata schema."""

    def checked(
        input: AttributesInput, row: FolderRecord | ItemRecord, *path: str | int
    ) -> dict[str, Any]:
        values = changes(input, row, *path)
        field = "clientMetadataPatch" if input.client_metadata is UNSET else "clientMetadata"
        if error := metadata.error(values.get("client_metadata"), *path, field):
            raise error
        return values

    return checked


def bulk_changes(
    inputs: Sequence[Update],
    rows: Mapping[UUID, Row],
    bulk: Bulk,
    name: str,
    changes: Changes = attribute_changes,
) -> dict[int, dict[str, Any]]:
    """Return the new values of each valid entry by index; errors are added to `bulk`."""
    values: dict[int, dict[str, Any]] = {}
    for index, (uuid, entry) in enumerate(zip(bulk.uuids, inputs, strict=True)):
        if index in bulk.errors:
            continue
        try:
            values[index] = changes(entry, rows[uuid], name, index)
        except DomainError as error:
            bulk.errors[index] = error
    return values
