"""The orders of lists."""

import sqlalchemy as sa

from gateway.execution.declarations import Direction, Orders
from gateway.models.folders import folders
from gateway.models.items import items
from resolvers.inputs.lists import (
    StorageItemOrder,
    StorageItemOrderField,
    StorageOrder,
    StorageOrderField,
)
from resolvers.item_conditions import ranged_columns
from resolvers.metadata_keys import metadata_order

FOLDER_ORDERS = Orders(
    {
        StorageOrderField.NAME: folders.c.name_key,
        StorageOrderField.CREATED_AT: folders.c.created_at,
        StorageOrderField.LAST_EDITED_AT: folders.c.last_edited_at,
    },
    StorageOrderField.NAME,
    folders.c.uuid,
    input_type=StorageOrder,
)
ITEM_ORDERS = Orders(
    {
        StorageItemOrderField.NAME: items.c.name_key,
        StorageItemOrderField.NATURAL_NAME: items.c.natural_key,
        StorageItemOrderField.CREATED_AT: items.c.created_at,
        StorageItemOrderField.LAST_EDITED_AT: items.c.last_edited_at,
        StorageItemOrderField.SIZE: items.c.file_size,
        StorageItemOrderField.DURATION: items.c.duration,
        StorageItemOrderField.WIDTH: items.c.width,
        StorageItemOrderField.HEIGHT: items.c.height,
    },
    StorageItemOrderField.NAME,
    items.c.uuid,
    input_type=StorageItemOrder,
    present=ranged_columns,
    join=metadata_order,
)


def by_name(column: sa.ColumnElement[object], last: sa.ColumnElement[object]) -> Orders:
    """Return a single order: by a column of case-folded names."""
    return Orders({StorageOrderField.NAME: column}, StorageOrderField.NAME, last)


def newest_first(column: sa.ColumnElement[object], last: sa.ColumnElement[object]) -> Orders:
    """Return a single order: by age, the newest first."""
    return Orders(
        {StorageOrderField.CREATED_AT: column}, StorageOrderField.CREATED_AT, last, Direction.DESC
    )


def in_sequence(column: sa.ColumnElement[object], last: sa.ColumnElement[object]) -> Orders:
    """Return a single order: by a column of positions or times, ascending."""
    return Orders({StorageOrderField.CREATED_AT: column}, StorageOrderField.CREATED_AT, last)
