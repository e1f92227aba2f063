"""How pages are written: a connection's nodes and edges over the same rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.execution.compiled.code_writer import literal
from gateway.execution.compiled.plan import Unplannable
from gateway.execution.compiled.selections import Selected
from gateway.execution.declarations import Computed, SameRow, ToMany

if TYPE_CHECKING:
    from gateway.execution.compiled.planner import Planner

_PAGE = {
    "has_next_page": "further",
    "has_previous_page": "earlier",
    "start_cursor": "(cursor(*places[start]) if end > start else None)",
    "end_cursor": "(cursor(*places[end - 1]) if end > start else None)",
}


class _InEdge:
    """Stands for an edge where only what the edge itself adds to its row is looked at."""

    __slots__ = ("node",)

    def __init__(self, node: Any) -> None:
        self.node = node


class ConnectionWriter:
    """Writes one connection: its rows once, then what each page takes of them."""

    def __init__(self, planner: Planner, edge: ToMany, one: Selected) -> None:
        self._planner = planner
        self._edge = edge
        self._selected = planner.selections.below(one.nodes, one.target)
        self._type = one.target.name
        self.reads_total = any(
            field.definition and field.name == "total_count" for field in self._selected
        )
        rows = any(field.definition and field.name != "total_count" for field in self._selected)
        self.reads_rows = (
            rows or not self.reads_total
        )  # what is asked of the list is checked when it is read
        self.reads_cursors = self._has_cursors()
        node = one.target.fields["nodes"].type.of_type.of_type.of_type
        trailing = 2 * self.reads_cursors + (edge.parent is not None)
        self.writer = planner.columns(edge.table, node, trailing, edge.extras)
        self._node = node

    def body(self) -> list[str]:
        """The lines that write the pages."""
        lists: list[str] = []
        page = literal([(field.key, self._field(field, lists)) for field in self._selected])
        if not self.writer.scope.names():
            self.writer.scope.key(
                str(self._edge.orders.last.key)
            )  # a statement has to select something
        lines = [
            f"l{number} = {self.writer.each(expression)}" for number, expression in enumerate(lists)
        ]
        if self.reads_cursors:
            lines.append(f"places = {self.writer.each('(t0, t1)')}")
        return [*lines, f"return [{page} for start, end, further, earlier, total in spans]"]

    def _has_cursors(self) -> bool:
        below = self._planner.selections.below
        wanted = {"cursor", "start_cursor", "end_cursor"}
        objects = [
            field
            for field in self._selected
            if field.definition and field.name in ("edges", "page_info")
        ]
        return any(
            inner.definition and inner.name in wanted
            for field in objects
            for inner in below(field.nodes, field.target)
        )

    def _field(self, field: Selected, lists: list[str]) -> str:
        if field.definition is None:
            return repr(self._type)
        match field.name:
            case "total_count":
                return "total"
            case "page_info" if isinstance(field.declaration, SameRow):
                return self._page_info(field)
            case "nodes":
                lists.append(self._planner.value(self.writer, field.target, field.nodes))
            case "edges":
                lists.append(self._edges(field))
            case other:
                raise Unplannable(f"{self._type}.{other}")
        return f"l{len(lists) - 1}[start:end]"

    def _page_info(self, field: Selected) -> str:
        found = self._planner.selections.below(field.nodes, field.target)
        return literal(
            [
                (one.key, _PAGE[one.name] if one.definition else repr(field.target.name))
                for one in found
            ]
        )

    def _edges(self, field: Selected) -> str:
        found = self._planner.selections.below(field.nodes, field.target)
        return literal([(one.key, self._in_edge(field, one)) for one in found])

    def _in_edge(self, field: Selected, one: Selected) -> str:
        if one.definition is None:
            return repr(field.target.name)
        declaration = one.declaration
        if one.name == "node":
            return self._planner.value(self.writer, one.target, one.nodes)
        if one.name == "cursor":
            return "cursor(t0, t1)"
        if not isinstance(declaration, Computed) or declaration.reads != ("node",):
            raise Unplannable(f"{field.target}.{one.name}")
        extra = self.writer.scope.row(tuple(self._edge.extras))
        return self._planner.derived(one, declaration, f"{self._planner.const(_InEdge)}({extra})")
