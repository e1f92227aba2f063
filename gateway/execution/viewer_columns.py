"""Values that the database computes from a row for the viewer, next to the columns of its table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from gateway.auth.viewer import Viewer

_viewer_columns: dict[sa.FromClause, dict[str, "ViewerColumn"]] = {}
"""The values next to the columns of each table."""


@dataclass(frozen=True, eq=False)
class ViewerColumn:
    """A value that the database computes from a row for the viewer, next to the row's columns.

    It answers a field, or is what another declaration needs. It costs no statement of its own.
    Rows that functions return must have it as an attribute.

    Args:
        key: the name under which a row has the value; no column of the table has it.
        type: the type of the value, as of a column.
        expression: returns the expression for a viewer, which refers to columns of the table.
        of_own: returns a simpler one for rows that the viewer sees by the folder they belong to, as
            the own rows of a list that can have further rows.
    """

    key: str
    type: sa.types.TypeEngine[Any]
    expression: Callable[[Viewer], sa.ColumnElement[Any]]
    of_own: Callable[[Viewer], sa.ColumnElement[Any]] | None = None

    def selected(self, viewer: Viewer, are_own: bool) -> sa.ColumnElement[Any]:
        """Return the expression for a viewer and any rows, or those seen by their own folder."""
        return self.of_own(viewer) if are_own and self.of_own else self.expression(viewer)

    @property
    def reads(self) -> tuple[str, ...]:
        """The names of the attributes that the parent's row must have."""
        return (self.key,)


Column = sa.ColumnElement[Any] | ViewerColumn
"""What can be selected of a row."""


def viewer_column(
    table: sa.FromClause,
    key: str,
    type: sa.types.TypeEngine[Any],
    expression: Callable[[Viewer], sa.ColumnElement[Any]],
    of_own: Callable[[Viewer], sa.ColumnElement[Any]] | None = None,
) -> ViewerColumn:
    """Add a value to the rows of a table; see `ViewerColumn`."""
    column = ViewerColumn(key, type, expression, of_own)
    _viewer_columns.setdefault(table, {})[key] = column
    return column


def columns_of(table: sa.FromClause) -> dict[str, Column]:
    """Return all that can be selected of the rows of a table, by name."""
    return {**table.c, **_viewer_columns.get(table, {})}


# Writing the expressions takes longer than many statements with them.
@lru_cache(maxsize=500)
def selected_columns(
    table: sa.FromClause, viewer: Viewer, are_own: bool = False
) -> Sequence[sa.ColumnElement[Any]]:
    """Return the columns of a table as whole rows have them for a viewer.

    `are_own` says whether they are the own rows of a list; see `ViewerColumn`.
    """
    return tuple(
        column.selected(viewer, are_own).label(name) if isinstance(column, ViewerColumn) else column
        for name, column in columns_of(table).items()
    )
