"""Which folders have items that groups in other folders, or datasets, may use.

The deletion of a folder is refused for such items. Without these pairs it would have to look up
each of its items, of which there may be millions. Pairs are added with each use, and stay when it
ends: they say where to look.
"""

from typing import Any

import sqlalchemy as sa

from gateway.database.dialects import upsert
from gateway.database.engine import Transaction
from gateway.models.datasets import data_rows, dataset_folders, datasets
from gateway.models.items import group_folders, group_members, items

Condition = sa.ColumnElement[bool]


async def note_links(transaction: Transaction, *conditions: Condition) -> None:
    """Note the folders of the items that data rows link to datasets, of rows that meet conditions.

    Mirror datasets are left out: they only have the items of the folder that they mirror.
    """
    pairs = (
        sa.select(items.c.folder_uuid, data_rows.c.dataset_uuid)
        .join(data_rows, data_rows.c.item_uuid == items.c.uuid)
        .join(datasets, datasets.c.uuid == data_rows.c.dataset_uuid)
        .where(datasets.c.backing_folder_uuid.is_(None), *conditions)
    )
    await _add(transaction, dataset_folders, pairs)


async def note_members(transaction: Transaction, *conditions: Condition) -> None:
    """Note the folders of members and groups that are not in the same one.

    The conditions are on rows of `group_members`.
    """
    group = items.alias()
    pairs = (
        sa.select(items.c.folder_uuid, group.c.folder_uuid.label("group_folder_uuid"))
        .join(group_members, group_members.c.item_uuid == items.c.uuid)
        .join(group, group.c.uuid == group_members.c.group_uuid)
        .where(group.c.folder_uuid != items.c.folder_uuid, *conditions)
    )
    await _add(transaction, group_folders, pairs)


async def _add(transaction: Transaction, table: sa.Table, pairs: sa.Select[Any]) -> None:
    """Add pairs that are not in the table, in their order, so that no two wait for each other."""
    ordered = pairs.distinct().order_by(*pairs.selected_columns)
    insert = upsert(transaction.connection, table).from_select(list(table.c), ordered)
    await transaction.execute(insert.on_conflict_do_nothing())
