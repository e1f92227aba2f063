"""Attributes of folders that are inherited: the value in effect is kept on each folder."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.database.engine import Transaction
from gateway.models.folders import FolderRecord, folders

Effective = Callable[[sa.FromClause, sa.ColumnElement[bool]], sa.ColumnElement[bool]]
"""The value of a folder: a function of the folder and of the value in effect above it."""


async def spread(
    transaction: Transaction, folder_uuid: UUID, kept: sa.Column[Any], effective: Effective
) -> int:
    """Bring a value in effect up to date for a folder and all below it.

    The caller has locked the tree exclusively.

    Args:
        kept: the column that keeps the value, which is false above roots.

    Returns:
        The number of folders whose value has changed.
    """
    parent, child = folders.alias("parent"), folders.alias("child")
    above = sa.func.coalesce(parent.c[kept.key], sa.false())
    top = (
        sa.select(folders.c.uuid, effective(folders, above).label("value"))
        .select_from(folders.outerjoin(parent, parent.c.uuid == folders.c.parent_uuid))
        .where(folders.c.uuid == folder_uuid)
        .cte("effective", recursive=True)
    )
    below = sa.select(child.c.uuid, effective(child, top.c.value)).join(
        top, child.c.parent_uuid == top.c.uuid
    )
    values = top.union_all(below)
    changed = (
        sa.update(folders)
        .where(folders.c.uuid == values.c.uuid, kept.is_distinct_from(values.c.value))
        .values({kept: values.c.value})
        .returning(folders.c.uuid)
    )
    # The driver of SQLite counts no rows of statements that begin with WITH.
    return len(await transaction.rows(changed, FolderRecord))
