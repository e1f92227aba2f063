"""Statements of functions, compiled once for all viewers who see as much."""

from collections.abc import Callable, Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.context import Context
from gateway.database.dialects import as_key_array_text
from gateway.execution.compiled.statement_cache import StatementCache, placeholder_viewer
from gateway.execution.keysets import KEYS
from gateway.execution.statements import driver_key


class KeptStatement:
    """A statement in which only the viewer's uuid and the keys differ between requests.

    Writing and compiling it takes several times as long as running it, for viewers whose every
    folder has to be checked.

    Args:
        build: returns the statement for a viewer; `in_bound_keys(column, KEYS)` stands for its
            keys.
    """

    def __init__(self, build: Callable[[Viewer], sa.Select[Any]]) -> None:
        self._build = build
        self._by_dialect: dict[str, StatementCache] = {}

    async def rows(self, context: Context, keys: Collection[UUID] = ()) -> list[tuple[Any, ...]]:
        """Return the rows as the driver gives them, for the viewer of an operation and some keys.

        A UUID in them is what `driver_key` makes of it.
        """
        database, viewer = context.database, placeholder_viewer(context.viewer)
        cache = self._by_dialect.get(database.dialect)
        if cache is None:
            cache = self._by_dialect[database.dialect] = StatementCache(database.sql_dialect)
        statement = cache.get(viewer.sight, lambda: self._build(viewer))
        driver_keys = [driver_key(database.dialect, key) for key in keys]
        bound = {KEYS: as_key_array_text(database.dialect, driver_keys) if keys else None}
        return await database.fetch(statement.sql, statement.parameters(context.viewer, bound))
