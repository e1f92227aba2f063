"""Conditions of deleting a folder, of its own or as the root of a community."""

from typing import Protocol

from gateway.auth.viewer import Viewer
from gateway.catalog.deletion import find_used_item, is_empty, is_mirrored
from gateway.catalog.kept_items import leads_out_of_masked_tree
from gateway.database.engine import Transaction
from gateway.error_texts import used_by
from gateway.errors import conflict, forbidden
from gateway.models.folders import FolderRecord


class DeletionInput(Protocol):
    """Permission to delete or change things together with a folder."""

    recursive: bool
    allow_dataset_changes: bool
    allow_mirror_dataset_changes: bool
    delete_shared_items: bool


async def check_deletion(
    transaction: Transaction, viewer: Viewer, input: DeletionInput, top: FolderRecord, field: str
) -> None:
    """Raise `CONFLICT` if the input does not allow all that the deletion involves.

    It is `FORBIDDEN` if items would get out of a tree that is masked to the viewer.

    Args:
        field: the input field that names what is deleted.
    """
    if not input.recursive and not await is_empty(transaction, top):
        message = "The folder is not empty. Set recursive to delete everything in it."
        raise conflict(message, "recursive")
    if not input.allow_mirror_dataset_changes and await is_mirrored(transaction, top):
        raise conflict(tree_is_mirrored("delete"), "allowMirrorDatasetChanges")
    if not input.delete_shared_items and await leads_out_of_masked_tree(transaction, viewer, top):
        message = (
            "Items that are shared into other folders would leave a masked folder, which requires "
            "seesPhi there. Set deleteSharedItems to delete them, too."
        )
        raise forbidden(message, field)
    deletes_shared = input.delete_shared_items
    if used := await find_used_item(transaction, top, input.allow_dataset_changes, deletes_shared):
        uuid, message = used
        raise conflict(f"Item {uuid}: {message}", field)


def tree_is_mirrored(verb: str) -> str:
    """Return the message for a folder that a dataset mirrors, or that has such a folder below."""
    return used_by(
        "folder or one of its subfolders", "a mirror dataset", "allowMirrorDatasetChanges", verb
    )
