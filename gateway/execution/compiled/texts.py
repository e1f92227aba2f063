"""Statements as text for the driver, made once; what differs from run to run is filled in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.execution import statements
from gateway.kinds import SiteRole

_SOMEBODY = uuid4()
"""Stands in statements where the viewer's uuid goes."""
_OPEN = {statements.KEY, statements.KEYS, statements.SIZE, statements.PLACE, statements.LAST}
_AS_GIVEN = {statements.KEY, statements.KEYS, statements.SIZE}

Process = Callable[[Any], Any]


def somebody(role: SiteRole) -> Viewer:
    """Any viewer with that role: what a statement for him looks like holds for all of them."""
    return Viewer(_SOMEBODY, role)


@dataclass(frozen=True, slots=True)
class Text:
    """A statement, and the values of its parameters as far as they are known; None where it takes them by name."""

    sql: str
    fixed: Mapping[str, Any]
    open: Mapping[str, Process | None]
    viewer: tuple[str, ...]
    viewer_as: Process
    order: tuple[str, ...] | None

    def parameters(self, viewer: Viewer, given: Mapping[str, Any]) -> Any:
        """What the driver is given with the text."""
        values = dict(self.fixed)
        for name, process in self.open.items():
            value = given[name]
            values[name] = value if process is None else process(value)
        if self.viewer:
            values.update(dict.fromkeys(self.viewer, self.viewer_as(viewer.user_uuid)))
        return values if self.order is None else tuple([values[name] for name in self.order])

    @property
    def size(self) -> int:
        """About how many bytes it takes."""
        return 1_000 + 2 * len(self.sql)


def text_of(statement: sa.Select[Any], dialect: sa.Dialect) -> Text:
    """The text of a statement."""
    compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    values: Mapping[str, Any] = compiled.params
    viewer = tuple(name for name, value in values.items() if value is _SOMEBODY)
    named = {name: _process(compiled, name, dialect) for name in values if name not in _AS_GIVEN}
    fixed = {
        name: value if named.get(name) is None else named[name](value)
        for name, value in values.items()
        if name not in _OPEN and name not in viewer
    }
    opened = {name: named.get(name) for name in values if name in _OPEN}
    order = tuple(compiled.positiontup) if compiled.positional else None
    return Text(str(compiled), fixed, opened, viewer, _hex if dialect.name == "sqlite" else str, order)


def _process(compiled: Any, name: str, dialect: sa.Dialect) -> Any:
    """How a value becomes a parameter; the members of a list are named after the list."""
    bind = compiled.binds.get(name)
    bind = compiled.binds[name.rpartition("_")[0]] if bind is None else bind
    return bind.type.dialect_impl(dialect).bind_processor(dialect)


def _hex(uuid: UUID) -> str:
    return uuid.hex
