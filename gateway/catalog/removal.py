"""What stands in the way of removing items, and what goes with them."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.items import dataset_uses, in_other_groups
from gateway.database.dialects import among
from gateway.database.engine import Transaction
from gateway.database.tree import within
from gateway.models.datasets import datasets
from gateway.models.folders import folders
from gateway.models.items import items

_IN_A_GROUP = (
    "This item belongs to an item that is made of others; remove that first. groupsContaining lists those that you "
    "see; one that you do not see is for an admin of the site."
)


async def items_within(transaction: Transaction, folder_uuids: Collection[UUID]) -> list[Any]:
    """All items that lie directly in these folders, held until the transaction ends."""
    chosen = among(transaction.connection.dialect.name, items.c.folder_uuid, folder_uuids)
    return await transaction.rows(sa.select(items).where(chosen).order_by(items.c.uuid).with_for_update())


async def removal_faults(
    transaction: Transaction, uuids: Sequence[UUID], allow_dataset: bool, allow_mirror: bool
) -> dict[UUID, str]:
    """Why each of these items cannot be removed, for those that cannot."""
    members = await in_other_groups(transaction, uuids)
    faults = dict.fromkeys(members, _IN_A_GROUP)
    for uuid, uses in (await dataset_uses(transaction, uuids)).items():
        if False in uses and not allow_dataset:
            faults[uuid] = "A dataset uses this item; allowDatasetChanges lets it go."
        if True in uses and not allow_mirror:
            faults[uuid] = "A mirror dataset uses this item; allowMirrorDatasetChanges lets it go."
    return faults


async def mirrored(transaction: Transaction, folder_uuids: Collection[UUID]) -> set[UUID]:
    """Those of the folders that a dataset mirrors."""
    chosen = among(transaction.connection.dialect.name, datasets.c.backing_folder_uuid, folder_uuids)
    return {
        row.backing_folder_uuid
        for row in await transaction.rows(sa.select(datasets.c.backing_folder_uuid).where(chosen))
    }


async def mirrored_below(transaction: Transaction, folder_uuids: Collection[UUID]) -> set[UUID]:
    """Those of the folders that a dataset mirrors, or of which one below is mirrored."""
    below = folders.alias()
    chosen = (
        sa.select(folders.c.uuid)
        .join(below, within(below.c.path, folders.c.path))
        .join(datasets, datasets.c.backing_folder_uuid == below.c.uuid)
        .where(among(transaction.connection.dialect.name, folders.c.uuid, folder_uuids))
    )
    return {row.uuid for row in await transaction.rows(chosen)}
