"""Rules of cloud-synced folders, read from inputs: which objects they mirror, and as what."""

from typing import Any, Protocol

from strawberry import UNSET

from gateway.auth.viewer import Viewer
from gateway.catalog.ingestion.placeholders import UPLOADABLE
from gateway.catalog.rules.key_patterns import validate_patterns
from gateway.error_texts import not_null
from gateway.errors import bad_input
from gateway.json_values import camel_case
from gateway.kinds.enums import StorageFolderType
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.folders import FolderRecord
from resolvers.inputs.folders import UpdateStorageFolderInput
from resolvers.mutations.attributes import attribute_changes
from resolvers.mutations.owners import owner_changes


class SyncRulesInput(Protocol):
    """Rules of a folder; those that are UNSET stay as they are."""

    @property
    def include_other_files(self) -> bool | None:
        """Whether objects are mirrored whose extension does not indicate a kind."""

    synced_item_type: StorageItemType | None
    include_patterns: list[str] | None
    exclude_patterns: list[str] | None


def sync_rules(input: SyncRulesInput, *path: str | int) -> dict[str, Any]:
    """Return the validated rules of an input, by column of a folder."""
    values: dict[str, Any] = {}
    if input.include_other_files is not UNSET:
        if input.include_other_files is None:
            raise bad_input(not_null("includeOtherFiles"), *path, "includeOtherFiles")
        values["include_other_files"] = input.include_other_files
    if input.synced_item_type is not UNSET:
        if input.synced_item_type not in (*UPLOADABLE, None):
            message = f"An item of type {input.synced_item_type} cannot be created from one file."
            raise bad_input(message, *path, "syncedItemType")
        values["synced_item_type"] = input.synced_item_type
    for name in ("include_patterns", "exclude_patterns"):
        patterns = getattr(input, name)
        if patterns is not UNSET:
            values[name] = validate_patterns(patterns or [], *path, camel_case(name))
    return values


def folder_changes(
    viewer: Viewer, input: UpdateStorageFolderInput, row: FolderRecord, *path: str | int
) -> dict[str, Any]:
    """Return the validated new values of an update of a folder, by column."""
    rules = sync_rules(input, *path)
    if rules and row.folder_type is not StorageFolderType.CLOUD_LINKED:
        raise bad_input("The folder is not cloud-synced.", *path, camel_case(next(iter(rules))))
    policy = {} if input.phi_policy is UNSET else {"phi_policy": input.phi_policy}
    return {
        **attribute_changes(input, row, *path),
        **rules,
        **policy,
        **owner_changes(viewer, input),
    }
