"""Policies of folders on identities: the one in effect is kept on each folder below.

Whoever changes them, or moves folders, has locked the tree exclusively.
"""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.enums import PhiPolicy
from gateway.models.folders import FolderRecord, folders


async def spread_policy(transaction: Transaction, folder_uuid: UUID) -> None:
    """Bring the policy in effect up to date for a folder and all below it."""
    parent, child = folders.alias("parent"), folders.alias("child")
    above = sa.func.coalesce(parent.c.is_masked, False)
    top = (
        sa.select(folders.c.uuid, sa.or_(above, _is_own(folders)).label("is_masked"))
        .select_from(folders.outerjoin(parent, parent.c.uuid == folders.c.parent_uuid))
        .where(folders.c.uuid == folder_uuid)
        .cte("effective", recursive=True)
    )
    below = sa.select(child.c.uuid, sa.or_(top.c.is_masked, _is_own(child))).join(
        top, child.c.parent_uuid == top.c.uuid
    )
    effective = top.union_all(below)
    changed = folders.c.is_masked.is_distinct_from(effective.c.is_masked)
    await transaction.execute(
        sa.update(folders)
        .where(folders.c.uuid == effective.c.uuid, changed)
        .values(is_masked=effective.c.is_masked)
    )


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


def _is_own(folder: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition that a folder is masked by its own policy."""
    return sa.func.coalesce(folder.c.phi_policy == PhiPolicy.MASKED, False)
