"""Metadata of items by their paths: which of these have items, and writing it to those."""

from collections.abc import Collection, Mapping
from typing import Any

from gateway.transfer.events import FileOutcome, Reporter
from gateway.transfer.site import RefusedError, Site
from gateway.transfer.taken_names import directories_above, leaf_items

Metadata = Mapping[str, Mapping[str, Any]]
"""Client metadata of items by their paths below the destination."""
_CHANGED_AT_ONCE = 100


def check_paths(
    metadata: Metadata, names: Collection[str], *, leaf_folders_as_items: bool, dicom_series: bool
) -> None:
    """Check that each path is that of an item of an upload.

    Args:
        names: those of all files and directories, as in `LocalFile`.

    Raises:
        ValueError: there is no such item.
    """
    items = leaf_items(names, dicom_series=dicom_series) if leaf_folders_as_items else set()
    directories = {directory for name in names for directory in directories_above(name)}
    for path in sorted(metadata.keys() - items):
        directory = path.rpartition("/")[0]
        if path in names and directory in items:
            raise ValueError(
                f"There is metadata for {path}, which becomes a file of the item {directory}. "
                f"Give metadata for {directory}."
            )
        if path in directories:
            raise ValueError(f"There is metadata for {path}, which becomes a folder, not an item.")
        if path not in names:
            raise ValueError(f"There is metadata for {path}, which is not uploaded.")


async def write_metadata(
    site: Site, metadata: Metadata, items: Mapping[str, str], report: Reporter
) -> None:
    """Replace the metadata of items, and report what became of that.

    Args:
        items: paths by the UUIDs of items.
    """
    pairs = list(items.items())
    for start in range(0, len(pairs), _CHANGED_AT_ONCE):
        some = pairs[start : start + _CHANGED_AT_ONCE]
        changes = [{"itemUuid": uuid, "clientMetadata": metadata[path]} for uuid, path in some]
        refused: dict[int, str] = {}
        try:
            await site.mutate(
                "updateStorageItems", "results { __typename }", items=changes, allowPartial=True
            )
        except RefusedError as error:
            refused = error.messages_of("items")
            if not refused:
                raise
        for index, (_, path) in enumerate(some):
            if index in refused:
                message = f"Its metadata was refused: {refused[index]}"
                report.end(path, FileOutcome.FAILED, message)
            else:
                report.end(path, FileOutcome.METADATA_CHANGED)
