"""The attributes that folders and items have in common, read from updates: absent means unchanged."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from strawberry import UNSET

from gateway.catalog.rules.metadata_types import MetadataValidator
from gateway.catalog.rules.names import (
    merge_metadata,
    validate_description,
    validate_metadata,
    validate_name,
)
from gateway.errors import DomainError, bad_input
from resolvers.bulk import Bulk

Changed = Callable[..., dict[str, Any]]
"""What reads one update: `changed(input, present, *path)`."""


def changed_attributes(input: Any, present: Any, *path: str | int) -> dict[str, Any]:
    """The new values that an update asks for, checked; `present` is the row as it is."""
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
        if "client_metadata" in values:
            raise bad_input(
                "Give clientMetadata or clientMetadataPatch, not both.",
                *path,
                "clientMetadataPatch",
            )
        patched = merge_metadata(
            present.client_metadata, input.client_metadata_patch, *path, "clientMetadataPatch"
        )
        values["client_metadata"] = patched
    return values


def with_metadata_check(terms: MetadataValidator, changed: Changed) -> Changed:
    """The same, with new metadata held to the schema."""

    def checked(input: Any, present: Any, *path: str | int) -> dict[str, Any]:
        values = changed(input, present, *path)
        field = "clientMetadataPatch" if input.client_metadata is UNSET else "clientMetadata"
        if fault := terms.error(values.get("client_metadata"), *path, field):
            raise fault
        return values

    return checked


def bulk_changes(
    inputs: Sequence[Any],
    present: Mapping[UUID, Any],
    bulk: Bulk,
    name: str,
    changed: Changed = changed_attributes,
) -> dict[int, dict[str, Any]]:
    """The new values of each entry without fault, by its place; the faults that are found enter the bulk."""
    values: dict[int, dict[str, Any]] = {}
    for place, (uuid, one) in enumerate(zip(bulk.uuids, inputs, strict=True)):
        if place in bulk.errors:
            continue
        try:
            values[place] = changed(one, present[uuid], name, place)
        except DomainError as error:
            bulk.errors[place] = error
    return values
