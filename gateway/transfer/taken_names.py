"""Directories of an upload whose names something else has in the site: it is left alone."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gateway.transfer.remote_files import find_below
from gateway.transfer.site import Site


def directories_above(name: str) -> list[str]:
    """Return the directories on the path of a file or directory, the outermost first."""
    return [name[:end] for end, letter in enumerate(name) if letter == "/"]


def leaf_items(names: Collection[str], *, dicom_series: bool) -> set[str]:
    """Return the directories that become items if leaf folders do.

    Args:
        names: those of all files and directories, as in `LocalFile`.
    """
    files: dict[str, list[str]] = {}
    above: set[str] = set()
    for name in names:
        *outer, directory = "", *directories_above(name)
        above.update(outer)
        files.setdefault(directory, []).extend([] if name.endswith("/") else [name])
    return {
        directory
        for directory, own in files.items()
        if own
        and directory
        and directory not in above
        and f"{directory}/" not in names
        # The files of a series are items of their own.
        and not (dicom_series and all(each.lower().endswith(".dcm") for each in own))
    }


def obstacle(directory: str, resource: Mapping[str, Any], *, is_item: bool) -> str | None:
    """Return why a directory cannot become a folder or, if it `is_item`, an item.

    Args:
        resource: the folder or item of its name, with its `__typename` and `isDirectory`.
    """
    if resource["__typename"] == "StorageFolder":
        advice = "Upload without --leaf-folders-as-items, or rename the folder."
        return f"The folder {directory} is there. {advice}" if is_item else None
    if is_item and resource["__typename"] == "FileItem":
        return None
    if resource["isDirectory"]:
        advice = "Upload with --leaf-folders-as-items, or rename the item."
        return f"The item {directory} is there, made of the files of a directory. {advice}"
    return f"The item {directory} is there. Rename it, or the directory."


async def refused_directories(
    site: Site,
    destination: str,
    names: Sequence[str],
    refused: Collection[int],
    items: Collection[str],
) -> dict[int, str]:
    """Return why entries are refused whose directories are, by their positions.

    The site refuses one entry of a directory whose name is taken: these are all.

    Args:
        names: those of the entries.
        refused: positions of entries that the site has refused.
        items: the directories that become items.
    """
    reasons: dict[str, str | None] = {}
    for index in refused:
        for directory in directories_above(names[index]):
            if directory not in reasons:
                resource = await find_below(site, destination, directory)
                is_item = directory in items
                reasons[directory] = (
                    obstacle(directory, resource, is_item=is_item) if resource else None
                )
            if reasons[directory]:
                break
    of_entries = (
        next(filter(None, map(reasons.get, directories_above(name))), None) for name in names
    )
    return {index: reason for index, reason in enumerate(of_entries) if reason}
