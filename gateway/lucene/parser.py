"""The parser of queries, by recursive descent.

NOT binds more tightly than AND, AND more tightly than OR, and OR more tightly than a space. What
spaces divide is optional, required (+) or prohibited (-, NOT), as in Lucene.
"""

from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple

from gateway.lucene.lexer import Token, TokenKind, tokens
from gateway.lucene.tree import (
    Bound,
    Combination,
    Exists,
    Field,
    Leaf,
    Node,
    QueryError,
    Range,
    Term,
    Wildcard,
)

MAX_QUERY, MAX_TERMS, MAX_NESTING = 1_000, 64, 16
MIN_LITERAL = 3
"""Literal characters in a row that a pattern must have: an index finds texts by three."""
EXISTS = "_exists_"
_VALUES = (TokenKind.WORD, TokenKind.PHRASE)
_ENDS = (TokenKind.CLOSE, TokenKind.END)


def parse(text: str, paths: Collection[str] = ()) -> Node:
    """Return the tree of a query.

    Args:
        paths: the fields whose values may begin with a slash, with which a regular expression
            begins elsewhere.

    Raises:
        QueryError: the query is malformed or too large, or has something that is not supported.
    """
    if len(text) > MAX_QUERY:
        message = f"A query must have at most {MAX_QUERY:,} characters, not {len(text):,}."
        raise QueryError(MAX_QUERY + 1, message)
    parser = _Parser(text, paths)
    tree = parser.group(None, 0)
    parser.expect(TokenKind.END)
    return tree


class _Occurrence(StrEnum):
    """Whether what spaces divide must match."""

    OPTIONAL = "OPTIONAL"
    REQUIRED = "REQUIRED"
    PROHIBITED = "PROHIBITED"


_MODIFIERS = {
    TokenKind.PLUS: _Occurrence.REQUIRED,
    TokenKind.MINUS: _Occurrence.PROHIBITED,
    TokenKind.NOT: _Occurrence.PROHIBITED,
}


class _Clause(NamedTuple):
    occurrence: _Occurrence
    node: Node


class _Parser:
    def __init__(self, text: str, paths: Collection[str]) -> None:
        self._tokens = tokens(text)
        self._paths = paths
        self._read: Token | None = None
        self._terms = 0

    @property
    def _current(self) -> Token:
        """The next token, which is read no earlier than needed: errors come in their order."""
        if self._read is None:
            self._read = next(self._tokens)
        return self._read

    def expect(self, *kinds: TokenKind, wanted: str = "") -> Token:
        """Take the next token, which must be of one of these kinds; errors call them `wanted`."""
        token = self._current
        if token.kind not in kinds:
            shown = TokenKind.END if token.kind is TokenKind.END else token.source
            raise QueryError(token.column, f"Expected {wanted or kinds[0]}, not {shown}.")
        self._read = None
        return token

    def group(self, field: Field | None, depth: int) -> Node:
        """Read clauses up to the end or a closing parenthesis, at least one."""
        clauses = [self._alternatives(field, depth)]
        while self._current.kind not in _ENDS:
            clauses.append(self._alternatives(field, depth))
        if len(clauses) == 1 and clauses[0].occurrence is not _Occurrence.PROHIBITED:
            return clauses[0].node
        of_kind = {
            kind: tuple(clause.node for clause in clauses if clause.occurrence is kind)
            for kind in _Occurrence
        }
        return Combination(
            of_kind[_Occurrence.REQUIRED],
            of_kind[_Occurrence.OPTIONAL],
            of_kind[_Occurrence.PROHIBITED],
        )

    def _alternatives(self, field: Field | None, depth: int) -> _Clause:
        """Read what OR joins."""
        clauses = [self._conjunction(field, depth)]
        while self._current.kind is TokenKind.OR:
            self.expect(TokenKind.OR)
            clauses.append(self._conjunction(field, depth))
        if len(clauses) == 1:
            return clauses[0]
        nodes = [
            Combination(prohibited=(node,)) if occurrence is _Occurrence.PROHIBITED else node
            for occurrence, node in clauses
        ]
        return _Clause(_Occurrence.OPTIONAL, Combination(optional=tuple(nodes)))

    def _conjunction(self, field: Field | None, depth: int) -> _Clause:
        """Read what AND joins."""
        clauses = [self._clause(field, depth)]
        while self._current.kind is TokenKind.AND:
            self.expect(TokenKind.AND)
            clauses.append(self._clause(field, depth))
        if len(clauses) == 1:
            return clauses[0]
        prohibited = [node for kind, node in clauses if kind is _Occurrence.PROHIBITED]
        required = [node for kind, node in clauses if kind is not _Occurrence.PROHIBITED]
        group = Combination(required=tuple(required), prohibited=tuple(prohibited))
        return _Clause(_Occurrence.OPTIONAL, group)

    def _clause(self, field: Field | None, depth: int) -> _Clause:
        occurrence = _Occurrence.OPTIONAL
        if self._current.kind in _MODIFIERS:
            occurrence = _MODIFIERS[self.expect(*_MODIFIERS).kind]
        token = self.expect(*_VALUES, TokenKind.OPEN, wanted="a term")
        if token.kind is TokenKind.OPEN:
            return _Clause(occurrence, self._nested(token, field, depth))
        if token.kind is TokenKind.WORD and self._current.kind is TokenKind.COLON:
            self.expect(TokenKind.COLON)
            name = str(token.value)
            return _Clause(occurrence, self._of_field(Field(token.column, name), depth))
        return _Clause(occurrence, self._term(token, field))

    def _nested(self, opening: Token, field: Field | None, depth: int) -> Node:
        if depth == MAX_NESTING:
            message = f"Parentheses can be nested {MAX_NESTING} levels deep."
            raise QueryError(opening.column, message)
        node = self.group(field, depth + 1)
        self.expect(TokenKind.CLOSE)
        return node

    def _of_field(self, field: Field, depth: int) -> Node:
        """Read what follows the colon after a field."""
        if field.name == EXISTS:
            token = self.expect(*_VALUES, wanted="the name of a field")
            return self._counted(Exists(field.column, Field(token.column, str(token.value))))
        kinds = (TokenKind.OPEN, TokenKind.RANGE_OPEN, TokenKind.COMPARISON)
        token = self.expect(*_VALUES, *kinds, wanted="a value")
        match token.kind:
            case TokenKind.OPEN:
                return self._nested(token, field, depth)
            case TokenKind.RANGE_OPEN:
                return self._range(token, field)
            case TokenKind.COMPARISON:
                bound = self._bound(
                    self.expect(*_VALUES, wanted="a value"), token.source.endswith("=")
                )
                is_low = token.source.startswith(">")
                low, high = (bound, None) if is_low else (None, bound)
                return self._counted(Range(token.column, field, low, high))
        return self._term(token, field)

    def _range(self, opening: Token, field: Field) -> Leaf:
        first = self.expect(*_VALUES, wanted="a value")
        self.expect(TokenKind.TO)
        last = self.expect(*_VALUES, wanted="a value")
        closing = self.expect(TokenKind.RANGE_CLOSE)
        low = None if first.source == "*" else self._bound(first, opening.source == "[")
        high = None if last.source == "*" else self._bound(last, closing.source == "]")
        if low is None and high is None:
            return self._counted(Exists(opening.column, field))
        return self._counted(Range(opening.column, field, low, high))

    def _bound(self, token: Token, is_included: bool) -> Bound:
        text = token.value.text
        if text is None:
            message = "The ends of a range cannot have wildcards. Escape * and ? with a backslash."
            raise QueryError(token.column, message)
        return Bound(token.column, text, is_included)

    def _term(self, token: Token, field: Field | None) -> Leaf:
        value = token.value
        is_path = field is not None and field.name in self._paths
        if token.source.startswith("/") and not is_path:
            message = (
                "Regular expressions (/) are not supported. Escape the slash with a backslash."
            )
            raise QueryError(token.column, message)
        if value.text is None and len(value.longest) < MIN_LITERAL:
            message = (
                f"A pattern must have at least {MIN_LITERAL} characters in a row without * and ?."
            )
            if field is not None and set(value.pieces) == {Wildcard.ANY}:
                message += f" To find any value, write {EXISTS}:{field.name}."
            raise QueryError(token.column, message)
        return self._counted(Term(token.column, field, value))

    def _counted(self, leaf: Leaf) -> Leaf:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise QueryError(leaf.column, f"A query can have at most {MAX_TERMS} terms.")
        return leaf
