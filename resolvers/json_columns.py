"""What is kept as JSON in a column that most rows have nothing in: it is read only where it is asked for."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.execution.declarations import Batch


def json_column(
    uuids: sa.Column[UUID], column: sa.Column[Any], read: Callable[[Any], Any]
) -> Batch:
    """What `read` makes of a column; None where there is nothing in it."""

    async def load(context: Context, keys: list[UUID]) -> list[Any]:
        mine = in_keys(uuids, keys)
        statement = sa.select(uuids.label("uuid"), column.label("kept")).where(
            mine, column.is_not(None)
        )
        found = {row.uuid: read(row.kept) for row in await context.database.rows(statement)}
        return [found.get(key) for key in keys]

    return Batch((uuids,), load)
