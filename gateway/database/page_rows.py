"""Pages of many lists in one statement: the first rows of each parent, or of each part."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.operators import custom_op

from gateway.database.dialects import bound_keys
from gateway.database.unseen import unseen

OrderBy = Callable[[sa.ColumnElement[Any], sa.ColumnElement[Any]], list[sa.ColumnElement[Any]]]
"""Returns the ORDER BY clauses for the columns of a sort key: the order's column and the uuid."""


def bound_parents(dialect: str, name: str, parent: sa.ColumnElement[Any]) -> sa.TableValuedAlias:
    """Return a table whose column `value` has the keys that are bound to `name` at execution."""
    keys = bound_keys(parent, name)
    if dialect == "sqlite":
        return sa.func.json_each(keys).table_valued("value", name="parents")
    value = sa.column("value", parent.type)
    return sa.func.unnest(unseen(keys)).table_valued(value, name="parents").render_derived()


def top_n_per_parent(
    dialect: str,
    parents: sa.TableValuedAlias,
    parent: sa.ColumnElement[Any],
    sort_key: tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]],
    order_by: OrderBy,
    rows: sa.Select[Any],
    runs: Sequence[sa.Select[Any]],
    size: sa.BindParameter[int],
) -> sa.Select[Any]:
    """Return the first `size` rows of each parent, in order.

    The rows are divided into `runs`, which are in order themselves. `parents` are `bound_parents`.
    On SQLite a row that belongs to a parent twice may come more often than `size` allows.
    """
    places = sort_key[0].label("main_place"), sort_key[1].label("last_place")
    if dialect == "sqlite":
        read = places if len(runs) > 1 else places[1:]
        runs = [run.with_only_columns(*read, maintain_column_froms=True) for run in runs]
    else:
        runs = [run.add_columns(*places) for run in runs]
    firsts = [run.where(parent == parents.c.value).limit(size).correlate(parents) for run in runs]
    first = firsts[0] if len(firsts) == 1 else _first_of(firsts, order_by, size)
    if dialect == "sqlite":
        # The unary plus keeps SQLite from scanning all rows of a parent by the parent's index
        # where the row's own key leads straight to it.
        leads_to_row = parent.table is sort_key[1].table and is_row_key(sort_key[1])
        parent_key = _without_index(parent) if leads_to_row else parent
        first_keys = first.with_only_columns(
            first.selected_columns.last_place, maintain_column_froms=True
        )
        in_page = sa.and_(parent_key == parents.c.value, sort_key[1].in_(first_keys))
        return rows.select_from(parents).where(in_page).order_by(*order_by(*sort_key))
    page = first.lateral("page")
    columns = list(page.c)[: -len(places)]
    clauses = order_by(page.c.main_place, page.c.last_place)
    return sa.select(*columns).select_from(parents.join(page, sa.true())).order_by(*clauses)


def _first_of(
    firsts: Sequence[sa.Select[Any]], order_by: OrderBy, size: sa.BindParameter[int]
) -> sa.Select[Any]:
    """Return the first `size` rows of several sources, which have their places in the order."""
    united = sa.union_all(*(sa.select(rows.subquery()) for rows in firsts)).subquery("united")
    arranged = order_by(united.c.main_place, united.c.last_place)
    return sa.select(united).order_by(*arranged).limit(size)


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
    parents = bound_parents(dialect, name, parent)
    firsts: list[sa.Select[Any]] = []
    for half in halves:
        places = half.sort_key[0].label("main_place"), half.sort_key[1].label("last_place")
        limited = half.rows.where(half.parent == parents.c.value).limit(size).correlate(parents)
        if dialect == "sqlite":
            firsts.append(limited.with_only_columns(*places, maintain_column_froms=True))
        else:
            firsts.append(limited.add_columns(*places))
    first = _first_of(firsts, order_by, size)
    if dialect == "sqlite":
        keys_of_page = first.with_only_columns(
            first.selected_columns.last_place, maintain_column_froms=True
        )
        [*_, name_of_key] = halves[0].rows.selected_columns.keys()
        parent_key = sa.type_coerce(parents.c.value, parent.type).label(name_of_key)
        source = parents.join(table, sort_key[1].in_(keys_of_page))
        rows = sa.select(*columns).add_columns(parent_key).select_from(source)
        return rows.order_by(*order_by(*sort_key))
    page = first.lateral("page")
    clauses = order_by(page.c.main_place, page.c.last_place)
    found = list(page.c)[:-2]
    return sa.select(*found).select_from(parents.join(page, sa.true())).order_by(*clauses)


def is_row_key(column: sa.ColumnElement[Any]) -> bool:
    """Return whether a column is the whole primary key of its table."""
    return list(column.table.primary_key) == [column]


def _without_index(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a column for whose conditions SQLite does not use its index."""
    return sa.UnaryExpression(column, operator=custom_op("+"))


class JoinInOrder(sa.Join):
    """A join of which SQLite reads the left side first."""

    inherit_cache = True


@compiles(JoinInOrder, "sqlite")
def _cross_join(element: JoinInOrder, compiler: Any, **options: Any) -> str:
    # Without the check for products of tables, which would not know this join.
    options = {**options, "asfrom": True, "from_linter": None}
    left, right = (compiler.process(side, **options) for side in (element.left, element.right))
    return f"{left} CROSS JOIN {right} ON {compiler.process(element.onclause)}"


def rows_of_parts(
    dialect: str,
    parts: sa.CTE,
    column: sa.ColumnElement[Any],
    rows: sa.FromClause,
    columns: Sequence[sa.ColumnElement[Any]],
    conditions: Sequence[sa.ColumnElement[bool]],
    order_by: Sequence[sa.ColumnElement[Any]],
    sort_key: tuple[sa.ColumnElement[Any], sa.ColumnElement[Any]],
    size: sa.ColumnElement[int],
    has_end: bool,
) -> sa.Select[Any]:
    """Return the first `size` rows of each part, unordered.

    `parts` has the keys `part`; its last column follows those of a row. `column` has the key of a
    row's part, by which a row belongs to it among other `conditions`. `rows` is what rows are
    selected from, and `order_by` has the clauses for the columns of the `sort_key`, which ends with
    the row's key. If the conditions name an end of the page (`has_end`), a part may come on SQLite
    with more rows where that is not the primary key.
    """
    parent = list(parts.c)[-1]
    first = sa.select(*columns).select_from(rows).where(*conditions)
    first = first.order_by(*order_by).limit(size)
    if dialect == "sqlite":
        main, last = sort_key
        belongs = column == parts.c.part
        if is_row_key(last):
            keys = first.with_only_columns(last, maintain_column_froms=True).correlate(parts)
            belongs, conditions = _without_index(column) == parts.c.part, [last.in_(keys)]
        elif not has_end:
            # No index leads from the last key to a row, but that of the part from the main one to
            # all rows that have it, of which some may not meet the conditions.
            keys = first.with_only_columns(main, maintain_column_froms=True).correlate(parts)
            conditions = [main.in_(keys), *conditions]
        source: sa.FromClause = JoinInOrder(parts, column.table, belongs)
        if isinstance(rows, sa.Join):
            source = source.join(rows.right, rows.onclause)
        return sa.select(*columns, parent).select_from(source).where(*conditions)
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
