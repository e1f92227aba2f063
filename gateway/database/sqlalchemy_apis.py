"""Names of SQLAlchemy that are used although they are not public.

An upgrade may change any of them without notice: `tests/house/test_private_apis.py` says which.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, cast

import sqlalchemy as sa

__all__ = ["StatementKey", "bind_names", "bind_processor", "parameter_order", "statement_key"]


class StatementKey(NamedTuple):
    """The shape of a statement, without the values of its parameters, and these in order."""

    shape: Hashable
    binds: Sequence[Any]


def statement_key(statement: sa.ClauseElement) -> StatementKey | None:
    """Return the key under which SQLAlchemy caches a statement; None if it cannot be cached."""
    key = statement._generate_cache_key()
    return None if key is None else StatementKey(key.key, key.bindparams)


def bind_names(compiled: sa.Compiled) -> dict[sa.BindParameter[Any], str]:
    """Return the names of the parameters in a compiled statement."""
    return cast(Any, compiled).bind_names  # type: ignore[no-any-return]  # of SQLCompiler


def parameter_order(compiled: sa.Compiled) -> tuple[str, ...] | None:
    """Return the order of the parameters; None where the driver takes them by name."""
    compiler = cast(Any, compiled)
    return tuple(compiler.positiontup) if compiler.positional else None


def bind_processor(
    compiled: sa.Compiled, name: str, dialect: sa.Dialect
) -> Callable[[Any], Any] | None:
    """Return what turns a parameter's value into the driver's; None if it stays as it is.

    The members of an expanded list are named after the list: `name_1`, `name_2` and so on.
    """
    binds = cast(Any, compiled).binds
    bind = binds[name] if name in binds else binds[name.rpartition("_")[0]]
    return bind.type.dialect_impl(dialect).bind_processor(dialect)  # type: ignore[no-any-return]
