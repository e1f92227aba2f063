"""Statements as text for the driver, made once for all that differ in nothing but values."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.execution import statements
from gateway.execution.cache import Cache
from gateway.execution.compiled.plan import Deoptimized
from gateway.execution.private_apis import (
    bind_names,
    bind_processor,
    parameter_order,
    statement_key,
)
from gateway.kinds.enums import SiteRole

_SOMEBODY = uuid4()
"""Stands in statements where the viewer's uuid goes."""
_OPEN = {statements.KEY, statements.KEYS, statements.SIZE, statements.AFTER_VALUE, statements.LAST}
_AS_GIVEN = {statements.KEY, statements.KEYS, statements.SIZE}

Process = Callable[[Any], Any]


def placeholder_viewer(role: SiteRole) -> Viewer:
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


@dataclass(frozen=True, slots=True)
class _StatementTemplate:
    """A text, and which of its parameters come from where in the list of a statement's values."""

    text: Text
    places: Mapping[str, tuple[int, int | None, Process | None]]

    def cast(self, binds: Sequence[Any]) -> Text:
        """The text with other values."""
        fixed = dict(self.text.fixed)  # what the compiler adds of its own is always the same
        for name, (place, member, process) in self.places.items():
            value = binds[place].value if member is None else binds[place].value[member]
            fixed[name] = value if process is None else process(value)
        return replace(self.text, fixed=fixed)


class StatementCache:
    """The texts of one database, kept within bounds: under the names of those who want them, and by their shapes."""

    def __init__(self, dialect: sa.Dialect) -> None:
        self._dialect = dialect
        self._named: Cache[Text] = Cache(4_000, 32_000_000)
        self._moulds: Cache[_StatementTemplate] = Cache(4_000, 32_000_000)

    def get(self, name: Hashable, build: Callable[[], sa.Select[Any]]) -> Text:
        """The text of the statement that `build` makes, unless that name has one already."""
        text = self._named.get(name)
        if text is None:
            text = self._text(build())
            self._named.put(name, text, 1_000 + 2 * len(text.sql))
        return text

    def _text(self, statement: sa.Select[Any]) -> Text:
        key = statement_key(statement)
        if key is None:
            raise Deoptimized("a statement without a shape")
        binds: Sequence[Any] = key.binds
        shape = key.shape, tuple([len(bind.value) if bind.expanding else None for bind in binds])
        mould = self._moulds.get(shape)
        if mould is None:
            mould = _mould(statement, binds, self._dialect)
            return self._moulds.put(shape, mould, 1_000 + 2 * len(mould.text.sql)).text
        return mould.cast(binds)

    @property
    def taken(self) -> int:
        """The bytes that the texts take."""
        return self._named.taken + self._moulds.taken


def _mould(
    statement: sa.Select[Any], binds: Sequence[Any], dialect: sa.Dialect
) -> _StatementTemplate:
    compiled: Any = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    values: Mapping[str, Any] = compiled.params
    viewer = tuple(name for name, value in values.items() if value is _SOMEBODY)
    named = {
        name: bind_processor(compiled, name, dialect) for name in values if name not in _AS_GIVEN
    }
    known = [name for name in values if name not in _OPEN and name not in viewer]
    fixed = {}
    for name in known:
        process = named.get(name)
        fixed[name] = values[name] if process is None else process(values[name])
    opened = {name: named.get(name) for name in values if name in _OPEN}
    order = parameter_order(compiled)
    text = Text(
        str(compiled), fixed, opened, viewer, _hex if dialect.name == "sqlite" else str, order
    )
    places = _places(compiled, binds)
    return _StatementTemplate(
        text, {name: (*places[name], named.get(name)) for name in known if name in places}
    )


def _places(compiled: Any, binds: Sequence[Any]) -> dict[str, tuple[int, int | None]]:
    """Where the values of parameters stand: at which place, and for a member of a list at which place in it."""
    names = bind_names(compiled)
    found: dict[str, tuple[int, int | None]] = {}
    for place, bind in enumerate(binds):
        name = names[bind]
        if bind.expanding:
            found.update(
                {f"{name}_{number + 1}": (place, number) for number in range(len(bind.value))}
            )
        else:
            found[name] = place, None
    return found


def _hex(uuid: UUID) -> str:
    return uuid.hex
