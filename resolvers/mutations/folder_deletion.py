"""Conditions of deleting a folder, of its own or as the root of a community."""

from typing import Protocol

from gateway.catalog.deletion import find_used_item, is_empty, is_mirrored
from gateway.database.engine import Transaction
from gateway.error_texts import used_by
from gateway.errors import conflict
from gateway.models.folders import FolderRecord


class DeletionInput(Protocol):
    """Permission to delete or change things together with a folder."""

    recursive: bool
    allow_dataset_changes: bool
    allow_mirror_dataset_changes: bool


async def check_deletion(
    transaction: Transaction, input: DeletionInput, top: FolderRecord, field: str
) -> None:
    """Raise `CONFLICT` if the input does not allow all that the deletion involves.

    Args:
        field: the input field that names what is deleted.
    """
    if not input.recursive and not await is_empty(transaction, top):
        message = "The folder is not empty. Set recursive to delete everything in it."
        raise conflict(message, "recursive")
    if not input.allow_mirror_dataset_changes and await is_mirrored(transaction, top):
        raise conflict(tree_is_mirrored("delete"), "allowMirrorDatasetChanges")
    if used := await find_used_item(transaction, top, input.allow_dataset_changes):
        uuid, message = used
        raise conflict(f"Item {uuid}: {message}", field)


def tree_is_mirrored(verb: str) -> str:
    """Return the message for a folder that a dataset mirrors, or that has such a folder below."""
    return used_by(
        "folder or one of its subfolders", "a mirror dataset", "allowMirrorDatasetChanges", verb
    )
