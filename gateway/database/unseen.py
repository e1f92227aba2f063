"""Values that PostgreSQL does not see when it plans a statement.

It plans a prepared statement anew for each execution as long as it expects a plan for the values
to be cheaper than one for all values. For our statements planning takes several times as long as
running: one for a single key never became the plan for all, for which ten keys are expected.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class _Unseen(FunctionElement[Any]):
    """A value that the planner does not see."""

    inherit_cache = True

    def __init__(self, value: sa.ColumnElement[Any]) -> None:
        super().__init__(value)
        self.type = value.type


@compiles(_Unseen, "postgresql")
def _selected(element: _Unseen, compiler: Any, **options: Any) -> str:
    value = compiler.process(element.clauses, **options)
    # Without the type, `= ANY ((SELECT …))` would compare with the rows that are selected.
    return f"(SELECT {value})::{compiler.dialect.type_compiler_instance.process(element.type)}"


@compiles(_Unseen, "sqlite")
def _as_it_is(element: _Unseen, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


def unseen(value: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return a parameter whose value does not change how PostgreSQL expects a statement to run.

    It is for keys, of which one is as good as another. Where values of a filter are rare or
    frequent, a plan for them can save more than it costs.
    """
    return _Unseen(value)
