"""The code that writes the pages of a connection: its nodes and edges over the same rows."""

from typing import Any

from gateway.execution.compiled.code_writer import ExpressionPlanner, dict_literal
from gateway.execution.compiled.plan import PageValue, Unplannable
from gateway.execution.compiled.selections import Selected
from gateway.execution.declarations import Computed, PageFunction, SameRow, ToMany

_PAGE_INFO = {
    "has_next_page": "has_next",
    "has_previous_page": "has_previous",
    "start_cursor": "(cursor(*positions[start]) if end > start else None)",
    "end_cursor": "(cursor(*positions[end - 1]) if end > start else None)",
}


_TOTALS = {"total_count", "total_count_is_capped"}


class _EdgeOf:
    """An edge as computed fields read it: its node has the edge's own columns only."""

    __slots__ = ("node",)

    def __init__(self, node: Any) -> None:
        self.node = node


class ConnectionWriter:
    """The code of one connection: it writes each row once, then takes each page's share of them.

    Generated code has `start` and `end` of a page among all rows, `has_next`, `has_previous`,
    `total`, the `values` of functions, the `cursor` function and, where cursors are read, the
    `positions` of all rows.
    """

    def __init__(self, planner: ExpressionPlanner, edge: ToMany, connection: Selected) -> None:
        self._planner = planner
        self._edge = edge
        self._fields = planner.selections.below(connection.nodes, connection.target)
        self._type_name = connection.target.name
        self.values: list[PageValue] = []
        names = [field.name for field in self._fields if field.definition]
        self.reads_total = not _TOTALS.isdisjoint(names)
        # With nothing selected, the page is read nevertheless: that checks its arguments.
        self.reads_rows = not self.reads_total or not _TOTALS.issuperset(names)
        self.reads_cursors = self._selects_cursors()
        node_type = connection.target.fields["nodes"].type.of_type.of_type.of_type
        trailing = 2 * self.reads_cursors + (edge.parent is not None)
        self.writer = planner.rows_of_table(edge.table, node_type, trailing, edge.extras)

    def body(self) -> list[str]:
        """Return the last lines of the function that writes the pages."""
        lists: list[str] = []
        page = dict_literal([(field.key, self._page_field(field, lists)) for field in self._fields])
        if not self.writer.scope.names():
            # Every statement has to select a column.
            self.writer.scope.key(str(self._edge.orders.last.key))
        lines = [
            f"l{number} = {self.writer.comprehension(expression)}"
            for number, expression in enumerate(lists)
        ]
        if self.reads_cursors:
            lines.append(f"positions = {self.writer.comprehension('(t0, t1)')}")
        spans = "for start, end, has_next, has_previous, total, values in spans"
        return [*lines, f"return [{page} {spans}]"]

    def _selects_cursors(self) -> bool:
        """Return whether a cursor is selected in edges or in the page info."""
        return any(
            inner.definition and inner.name in ("cursor", "start_cursor", "end_cursor")
            for field in self._fields
            if field.definition and field.name in ("edges", "page_info")
            for inner in self._planner.selections.below(field.nodes, field.target)
        )

    def _page_field(self, field: Selected, lists: list[str]) -> str:
        """Return the expression for a field of the connection.

        The expressions for one entry of `nodes` or `edges` are appended to `lists`.
        """
        if field.definition is None:
            return repr(self._type_name)
        if isinstance(field.declaration, PageFunction):
            self.values.append(self._planner.page_value(field, field.declaration))
            return f"values[{len(self.values) - 1}]"
        match field.name:
            case "total_count":
                return "total.number"
            case "total_count_is_capped":
                return "total.is_capped"
            case "page_info" if isinstance(field.declaration, SameRow):
                fields = self._planner.selections.below(field.nodes, field.target)
                type_name = repr(field.target.name)
                return dict_literal(
                    [
                        (inner.key, _PAGE_INFO[inner.name] if inner.definition else type_name)
                        for inner in fields
                    ]
                )
            case "nodes":
                lists.append(self._planner.value(self.writer, field.target, field.nodes))
            case "edges":
                fields = self._planner.selections.below(field.nodes, field.target)
                lists.append(
                    dict_literal([(inner.key, self._edge_field(field, inner)) for inner in fields])
                )
            case other:
                raise Unplannable(f"{self._type_name}.{other}")
        return f"l{len(lists) - 1}[start:end]"

    def _edge_field(self, edge: Selected, field: Selected) -> str:
        """Return the expression for a field of an edge."""
        if field.definition is None:
            return repr(edge.target.name)
        if field.name == "node":
            return self._planner.value(self.writer, field.target, field.nodes)
        if field.name == "cursor":
            return "cursor(t0, t1)"
        declaration = field.declaration
        if not isinstance(declaration, Computed) or declaration.reads != ("node",):
            raise Unplannable(f"{edge.target}.{field.name}")
        node = self.writer.scope.row(tuple(self._edge.extras))
        edge_row = f"{self._planner.const(_EdgeOf)}({node})"
        return self._planner.computed(field, declaration, edge_row)
