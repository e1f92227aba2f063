"""Entries of bulk mutations of items: their rows, and the errors that several mutations share."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from gateway.auth.identity import masked_trees
from gateway.catalog.items import lock_items
from gateway.catalog.ledger.shares import shares_of
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.error_texts import leaves_masked_tree
from gateway.errors import bad_input, conflict, forbidden
from gateway.models.items import ItemRecord
from gateway.models.shares import item_shares
from resolvers.bulk import Bulk
from resolvers.permissions import Permissions


class ItemEntries(Protocol):
    """An input that names items in the fields that all these mutations have."""

    item_uuids: list[UUID]
    allow_partial: bool


async def lock_entries(
    transaction: Transaction,
    input: ItemEntries,
    permissions: Permissions,
    folder_uuid: UUID | None = None,
    columns: Sequence[str] = (),
) -> tuple[Bulk, dict[UUID, ItemRecord]]:
    """Lock the items of a mutation; return its entries and the rows of those without errors.

    With `folder_uuid`, items that are not directly in that folder are refused. The rows have these
    columns only, if any are given.
    """
    uuids = input.item_uuids
    locked = {row.uuid: row for row in await lock_items(transaction, uuids, columns)}
    errors = await permissions.errors(transaction, "item_uuids")
    rows: dict[UUID, ItemRecord] = {}
    for index, uuid in enumerate(uuids):
        if index in errors:
            continue
        if folder_uuid and locked[uuid].folder_uuid != folder_uuid:
            message = "The item is not directly in the folder."
            errors[index] = bad_input(message, "itemUuids", index)
        else:
            rows[uuid] = locked[uuid]
    return Bulk(uuids, input.allow_partial, errors), rows


async def keep_in_masked_trees(
    context: Context,
    transaction: Transaction,
    target: UUID,
    bulk: Bulk,
    rows: Mapping[UUID, ItemRecord],
) -> None:
    """Add an error to each entry whose item would get out of a tree masked to the viewer."""
    folders = {target, *(row.folder_uuid for row in rows.values())}
    trees = await masked_trees(transaction.connection, context.viewer, folders)
    for index, uuid in enumerate(bulk.uuids):
        home = rows[uuid].folder_uuid if uuid in rows else target
        if index not in bulk.errors and home in trees and trees[home] != trees.get(target):
            bulk.errors[index] = forbidden(leaves_masked_tree("item"), "itemUuids", index)


def refuse(bulk: Bulk, messages: Mapping[UUID, str]) -> None:
    """Add a `CONFLICT` to each entry with a message and without an error."""
    for index, uuid in enumerate(bulk.uuids):
        if uuid in messages and index not in bulk.errors:
            bulk.errors[index] = conflict(messages[uuid], "itemUuids", index)


async def placed_in(
    transaction: Transaction, folder_uuid: UUID | None, bulk: Bulk, rows: dict[UUID, ItemRecord]
) -> list[UUID]:
    """Return those of the items that are shared into a folder, if one is given.

    Items that are neither shared into it nor at home there are refused.
    """
    if folder_uuid is None:
        return []
    here = item_shares.c.folder_uuid == folder_uuid
    shares = await shares_of(transaction, list(rows.values()), here)
    placed = {share.item_uuid for share in shares}
    for index, uuid in enumerate(bulk.uuids):
        if uuid in rows and uuid not in placed and rows[uuid].folder_uuid != folder_uuid:
            message = "The item is not in the folder that it is to be moved out of."
            bulk.errors[index] = bad_input(message, "itemUuids", index)
            del rows[uuid]
    return sorted(placed)
