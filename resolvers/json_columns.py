"""JSON columns that are empty in most rows: read apart, and only where a field selects them."""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.context import Context
from gateway.database.dialects import in_bound_keys
from gateway.execution.compiled.kept_statements import kept_statement
from gateway.execution.declarations import Access, Batch, batch
from gateway.execution.keysets import KEYS


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

    @kept_statement(JsonRow)
    def values_of(viewer: Viewer) -> sa.Select[Any]:
        selected = sa.select(uuids.label("uuid"), column.label("value"))
        chosen = selected.where(in_bound_keys(uuids, KEYS), column.is_not(None))
        return chosen.where(access(viewer)) if access else chosen

    @batch(uuids)
    async def load(context: Context, keys: list[UUID]) -> list[Any]:
        rows = await values_of.rows(context.database, context.viewer, keys)
        values = {row.uuid: read(row.value) for row in rows}
        return [values.get(key) for key in keys]

    return load
