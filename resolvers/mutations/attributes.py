"""The attributes that folders and items have in common, read from an update: absent means unchanged."""

from typing import Any

from strawberry import UNSET

from gateway.catalog.texts import checked_description, checked_metadata, checked_name, merged_metadata
from gateway.errors import bad_input


def changed_attributes(input: Any, present: Any, *path: str | int) -> dict[str, Any]:
    """The new values that an update asks for, checked; `present` is the row as it is."""
    values: dict[str, Any] = {}
    if input.name is not UNSET:
        values["name"] = checked_name(input.name, *path, "name")
    if input.description is not UNSET:
        values["description"] = checked_description(input.description, *path, "description")
    if input.client_metadata is not UNSET:
        values["client_metadata"] = checked_metadata(input.client_metadata, *path, "clientMetadata")
    if input.client_metadata_patch is not UNSET:
        if "client_metadata" in values:
            raise bad_input("Give clientMetadata or clientMetadataPatch, not both.", *path, "clientMetadataPatch")
        patched = merged_metadata(present.client_metadata, input.client_metadata_patch, *path, "clientMetadataPatch")
        values["client_metadata"] = patched
    return values
