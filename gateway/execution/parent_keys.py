"""Attributes that declarations read of the parent's row, on which their field hangs."""

from functools import cached_property
from typing import ClassVar

from gateway.execution.viewer_columns import Column

Key = Column | str
"""An attribute of the parent's row: a column, or a name where the parent is not a table's row."""


def attribute_of(key: Key) -> str:
    """Return the name under which a row has a key."""
    return key if isinstance(key, str) else str(key.key)


class Independent:
    """Base of the declarations that read nothing of a parent's row."""

    reads: ClassVar[tuple[str, ...]] = ()
    """The names of the attributes that the parent's row must have."""


class Needing:
    """Base of the declarations that need several attributes of the parent's row."""

    needs: tuple[Key, ...]

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The names of the attributes that the parent's row must have."""
        return tuple(attribute_of(key) for key in self.needs)


class Keyed:
    """Base of the declarations that lead from one attribute of the parent's row to other rows."""

    key: Key | None

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The names of the attributes that the parent's row must have."""
        return () if self.key is None else (attribute_of(self.key),)

    @cached_property
    def key_name(self) -> str:
        """The name of the parent's attribute; empty where the field hangs on a root."""
        return self.reads[0] if self.reads else ""
