"""Pages of many lists in one statement: the first rows of each parent, or of each part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.operators import custom_op

from gateway.database.dialects import bound_keys

OrderBy = Callable[[sa.ColumnElement[Any], sa.ColumnElement[Any]], list[sa.ColumnElement[Any]]]
"""Returns the ORDER BY clauses for the columns of a sort key: the order's column and the uuid."""


def top_n_per_parent(
    dialect: str,
    name: str,
    parent: sa.ColumnElement[Any],
    sort_key: tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]],
    order_by: OrderBy,
    rows: sa.Select[Any],
    size: sa.BindParameter[int],
) -> sa.Select[Any]:
    """Return the first `size` rows of each parent, in order.

    The keys of the parents are bound to `name` at execution. On SQLite a row that belongs to a
    parent twice may come more often than `size` allows.
    """
    first = rows.order_by(*order_by(*sort_key)).limit(size)
    if dialect == "sqlite":
        parents = sa.func.json_each(bound_keys(parent, name)).table_valued("value", name="parents")
        first_keys = (
            first.with_only_columns(sort_key[1], maintain_column_froms=True)
            .where(parent == parents.c.value)
            .correlate(parents)
        )
        # The unary plus keeps SQLite from scanning all rows of a parent by the parent's index
        # where the row's own key leads straight to it.
        parent_key = _without_index(parent) if parent.table is sort_key[1].table else parent
        in_page = sa.and_(parent_key == parents.c.value, sort_key[1].in_(first_keys))
        return rows.select_from(parents).where(in_page).order_by(*order_by(*sort_key))
    keys = sa.func.unnest(bound_keys(parent, name))
    parents = keys.table_valued(sa.column("value", parent.type), name="parents").render_derived()
    sort_columns = sort_key[0].label("main_place"), sort_key[1].label("last_place")
    page = (
        first.add_columns(*sort_columns)
        .where(parent == parents.c.value)
        .correlate(parents)
        .lateral("page")
    )
    columns = list(page.c)[: -len(sort_columns)]
    clauses = order_by(page.c.main_place, page.c.last_place)
    return sa.select(*columns).select_from(parents.join(page, sa.true())).order_by(*clauses)


@dataclass(frozen=True, slots=True)
class Half:
    """One half of the rows of some parents, in order, with the columns that order them."""

    rows: sa.Select[Any]
    parent: sa.ColumnElement[Any]
    sort_key: tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]]


def top_n_of_halves(
    dialect: str,
    name: str,
    halves: Sequence[Half],
    columns: Sequence[sa.ColumnElement[Any]],
    table: sa.FromClause,
    sort_key: tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]],
    order_by: OrderBy,
    size: sa.BindParameter[int],
) -> sa.Select[Any]:
    """Return the first `size` rows of each parent, in order, of rows that are in either half.

    `columns` of a row are selected from `table`, and `sort_key` orders it. The last column of the
    rows of a half, and of a row that is returned, is the parent's key.
    """
    parent = halves[0].parent
    if dialect == "sqlite":
        keys = sa.func.json_each(bound_keys(parent, name))
        parents = keys.table_valued("value", name="parents")
    else:
        keys = sa.func.unnest(bound_keys(parent, name))
        value = sa.column("value", parent.type)
        parents = keys.table_valued(value, name="parents").render_derived()
    firsts = []
    for half in halves:
        places = half.sort_key[0].label("main_place"), half.sort_key[1].label("last_place")
        rows = half.rows.where(half.parent == parents.c.value).limit(size)
        if dialect == "sqlite":
            rows = rows.with_only_columns(*places, maintain_column_froms=True)
        else:
            rows = rows.add_columns(*places)
        firsts.append(sa.select(rows.correlate(parents).subquery()))
    united = sa.union_all(*firsts).subquery("united")
    arranged = order_by(united.c.main_place, united.c.last_place)
    if dialect == "sqlite":
        keys_of_page = sa.select(united.c.last_place).order_by(*arranged).limit(size)
        [*_, name_of_key] = halves[0].rows.selected_columns.keys()
        parent_key = sa.type_coerce(parents.c.value, parent.type).label(name_of_key)
        source = parents.join(table, sort_key[1].in_(keys_of_page))
        rows = sa.select(*columns).add_columns(parent_key).select_from(source)
        return rows.order_by(*order_by(*sort_key))
    page = sa.select(united).order_by(*arranged).limit(size).lateral("page")
    clauses = order_by(page.c.main_place, page.c.last_place)
    found = list(page.c)[:-2]
    return sa.select(*found).select_from(parents.join(page, sa.true())).order_by(*clauses)


def _without_index(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a column for whose conditions SQLite does not use its index."""
    return sa.UnaryExpression(column, operator=custom_op("+"))


class JoinInOrder(sa.Join):
    """A join of which SQLite reads the left side first."""

    inherit_cache = True


@compiles(JoinInOrder, "sqlite")
def _cross_join(element: JoinInOrder, compiler: Any, **options: Any) -> str:
    left, right = (
        compiler.process(side, **{**options, "asfrom": True})
        for side in (element.left, element.right)
    )
    return f"{left} CROSS JOIN {right} ON {compiler.process(element.onclause)}"


def rows_of_parts(
    dialect: str,
    parts: sa.CTE,
    column: sa.ColumnElement[Any],
    rows: sa.FromClause,
    columns: Sequence[sa.ColumnElement[Any]],
    conditions: Sequence[sa.ColumnElement[bool]],
    order_by: Sequence[sa.ColumnElement[Any]],
    last: sa.ColumnElement[Any],
    size: sa.BindParameter[int],
) -> sa.Select[Any]:
    """Return the first `size` rows of each part, unordered.

    `parts` has the keys `part`; its last column follows those of a row. `column` has the key of a
    row's part, by which a row belongs to it among other `conditions`. `rows` is what rows are
    selected from, and `order_by` ends with the row's key `last`. On SQLite a part may come with
    more rows where `last` is not the primary key.
    """
    parent = list(parts.c)[-1]
    first = sa.select(*columns).select_from(rows).where(*conditions)
    first = first.order_by(*order_by).limit(size)
    if dialect == "sqlite" and last is not next(iter(last.table.primary_key)):
        # No index leads from `last` to a row, so that each part is read in its own order.
        source: sa.FromClause = JoinInOrder(parts, column.table, column == parts.c.part)
        if isinstance(rows, sa.Join):
            source = source.join(rows.right, rows.onclause)
        return sa.select(*columns, parent).select_from(source).where(*conditions)
    if dialect == "sqlite":
        keys = first.with_only_columns(last, maintain_column_froms=True).correlate(parts)
        belongs = _without_index(column) == parts.c.part
        every = sa.select(*columns, parent).select_from(parts, rows)
        return every.where(belongs, last.in_(keys))
    page = first.correlate(parts).lateral("page")
    return sa.select(*page.c, parent).select_from(parts.join(page, sa.true()))


def rows_part_by_part(
    dialect: str,
    parts: sa.FromClause,
    part: sa.ColumnElement[bool],
    chosen: Sequence[sa.ColumnElement[bool]],
    order_of_parts: sa.ColumnElement[Any],
    rows: sa.FromClause,
    columns: Sequence[sa.ColumnElement[Any]],
    conditions: Sequence[sa.ColumnElement[bool]],
    order: Sequence[sa.ColumnElement[Any]],
    size: int,
) -> sa.Select[Any]:
    """Return the first `size` rows of a list that goes through one part after the other.

    Indexes have both in order, so that no more is read. The columns of a row follow the order of
    its part, which no two parts share.

    Args:
        part: the condition that a row is of a part.
        chosen: the conditions on parts.
        order: the order within a part.
    """
    if dialect == "sqlite":
        source = JoinInOrder(parts, rows, part)
        listed = sa.select(order_of_parts, *columns).select_from(source)
        ordered = listed.where(part, *chosen, *conditions).order_by(order_of_parts, *order)
        return ordered.limit(size)
    first = sa.select(*columns, *(each.label(f"order_{at}") for at, each in enumerate(order)))
    first = first.select_from(rows).where(part, *conditions).order_by(*order).limit(size)
    page = first.correlate(parts).lateral("page")
    page_columns = list(page.c)
    listed = sa.select(order_of_parts, *page_columns[: len(columns)])
    listed = listed.select_from(parts.join(page, sa.true())).where(*chosen)
    return listed.order_by(order_of_parts, *page_columns[len(columns) :]).limit(size)
