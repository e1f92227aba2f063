"""Policies of folders on identities: the one in effect is kept on each folder below.

Whoever changes them, or moves folders, has locked the tree exclusively.
"""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.inherited import spread
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.enums import PhiPolicy
from gateway.models.folders import FolderRecord, folders


async def spread_policy(transaction: Transaction, folder_uuid: UUID) -> None:
    """Bring the policy in effect up to date for a folder and all below it."""
    await spread(transaction, folder_uuid, folders.c.is_masked, masked_in_effect)


async def policy_after_move(
    transaction: Transaction, folder: FolderRecord, parent: FolderRecord | None
) -> None:
    """Give a folder that has moved, and all below it, the policy of its new place.

    A masked folder that becomes a root stays masked: nobody has decided to open it.
    """
    if parent is None and folder.is_masked and folder.phi_policy is not PhiPolicy.MASKED:
        own = sa.update(folders).where(folders.c.uuid == folder.uuid)
        await transaction.execute(own.values(phi_policy=PhiPolicy.MASKED))
    elif (parent is not None and parent.is_masked) or folder.is_masked:
        await spread_policy(transaction, folder.uuid)


async def folders_below_masked(transaction: Transaction, uuids: Collection[UUID]) -> set[UUID]:
    """Return those of the folders that are below a masked one, and so cannot be opened."""
    parent = folders.alias("parent")
    statement = (
        sa.select(folders.c.uuid)
        .join(parent, parent.c.uuid == folders.c.parent_uuid)
        .where(in_keys(folders.c.uuid, uuids), parent.c.is_masked)
    )
    return {row.uuid for row in await transaction.rows(statement, FolderRecord)}


def masked_in_effect(
    folder: sa.FromClause, above: sa.ColumnElement[bool]
) -> sa.ColumnElement[bool]:
    """Return whether a folder is masked: by its own policy, or because the one above it is."""
    return sa.or_(above, sa.func.coalesce(folder.c.phi_policy == PhiPolicy.MASKED, sa.false()))
