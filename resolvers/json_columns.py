"""JSON columns that are empty in most rows: read apart, and only where a field selects them."""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.execution.declarations import Access, Batch, batch


class JsonRow(NamedTuple):
    """The key of a row, and its JSON value."""

    uuid: UUID
    value: Any


def json_column(
    uuids: sa.Column[UUID],
    column: sa.Column[Any],
    read: Callable[[Any], Any],
    access: Access | None = None,
) -> Batch:
    """Return a batch of what `read` makes of a column's values; None where it has none.

    `uuids` is the primary key of the column's table, and `access` the condition that the viewer may
    see the value, if it can be hidden from those who see the row.
    """

    @batch(uuids)
    async def load(context: Context, keys: list[UUID]) -> list[Any]:
        selected = sa.select(uuids.label("uuid"), column.label("value"))
        statement = selected.where(in_keys(uuids, keys), column.is_not(None))
        if access:
            statement = statement.where(access(context.viewer))
        rows = await context.database.rows(statement, JsonRow)
        values = {row.uuid: read(row.value) for row in rows}
        return [values.get(key) for key in keys]

    return load
