"""The syntax tree of a query. Every leaf knows its column, counted from 1, for errors."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class QueryError(Exception):
    """A query that cannot be understood, and the column of the character that is to blame."""

    def __init__(self, column: int, message: str) -> None:
        super().__init__(f"Column {column:,}: {message}")
        self.column = column


class Wildcard(StrEnum):
    """A character that stands for others: any number of them, or one."""

    ANY = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True)
class Pattern:
    """Literal texts with wildcards between them; a text without wildcards is one piece at most."""

    pieces: tuple[str | Wildcard, ...]

    @property
    def text(self) -> str | None:
        """The text; None if there are wildcards."""
        if any(isinstance(piece, Wildcard) for piece in self.pieces):
            return None
        return "".join(self.pieces)

    @property
    def longest(self) -> str:
        """The longest literal text."""
        literals = (piece for piece in self.pieces if not isinstance(piece, Wildcard))
        return max(literals, key=len, default="")

    def __str__(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Field:
    """The name of a field, as it is written before a colon."""

    column: int
    name: str


@dataclass(frozen=True, slots=True)
class Term:
    """A value that a field, or any text of an object if there is none, must have or contain."""

    column: int
    field: Field | None
    value: Pattern


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a range."""

    column: int
    text: str
    is_included: bool


@dataclass(frozen=True, slots=True)
class Range:
    """A range of which one end may be open; a comparison such as `>=` is one, too."""

    column: int
    field: Field
    low: Bound | None
    high: Bound | None


@dataclass(frozen=True, slots=True)
class Exists:
    """The condition that a field has a value."""

    column: int
    field: Field


@dataclass(frozen=True, slots=True)
class Combination:
    """A combination: all that is required must match, and nothing that is prohibited.

    At least one of the optional nodes must match if nothing is required. Otherwise they have no
    effect, as results are not ranked.
    """

    required: tuple["Node", ...] = ()
    optional: tuple["Node", ...] = ()
    prohibited: tuple["Node", ...] = ()


Leaf = Term | Range | Exists
Node = Leaf | Combination


def leaves(node: Node) -> Iterator[Leaf]:
    """Yield the leaves of a tree, also those without effect."""
    if not isinstance(node, Combination):
        yield node
        return
    for inner in (*node.required, *node.optional, *node.prohibited):
        yield from leaves(inner)


def required_leaves(node: Node) -> Iterator[Leaf]:
    """Yield leaves that must match whatever else does."""
    if not isinstance(node, Combination):
        yield node
        return
    is_only_choice = not node.required and len(node.optional) == 1
    for inner in node.optional if is_only_choice else node.required:
        yield from required_leaves(inner)
