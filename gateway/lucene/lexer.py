"""The lexer of queries: their words, phrases and operators."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gateway.lucene.tree import Pattern, QueryError, Wildcard


class TokenKind(StrEnum):
    """Kinds of tokens; the values are what errors call them."""

    WORD = "a word"
    PHRASE = "a phrase"
    OPEN = "("
    CLOSE = ")"
    RANGE_OPEN = "[ or {"
    RANGE_CLOSE = "] or }"
    COLON = ":"
    COMPARISON = "a comparison"
    PLUS = "+"
    MINUS = "-"
    NOT = "NOT"
    AND = "AND"
    OR = "OR"
    TO = "TO"
    END = "the end of the query"


NOTHING = Pattern(())
"""The value of an operator."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token: what it says, and how it is written."""

    kind: TokenKind
    column: int
    source: str
    value: Pattern = NOTHING


_SINGLE = {
    "(": TokenKind.OPEN,
    ")": TokenKind.CLOSE,
    "[": TokenKind.RANGE_OPEN,
    "{": TokenKind.RANGE_OPEN,
    "]": TokenKind.RANGE_CLOSE,
    "}": TokenKind.RANGE_CLOSE,
    ":": TokenKind.COLON,
}
_OPERATORS = {
    "&&": TokenKind.AND,
    "||": TokenKind.OR,
    "+": TokenKind.PLUS,
    "-": TokenKind.MINUS,
    "!": TokenKind.NOT,
}
_KEYWORDS = {"AND": TokenKind.AND, "OR": TokenKind.OR, "NOT": TokenKind.NOT}
_COMPARISONS = (">=", "<=", ">", "<")
_BEFORE_VALUES = {TokenKind.COLON, TokenKind.COMPARISON}
_UNSUPPORTED = {
    "~": "Fuzzy and proximity searches (~) are not supported.",
    "^": "Boosts (^) are not supported.",
}


def tokens(text: str) -> Iterator[Token]:
    """Yield the tokens of a query, of which the last is its end.

    Raises:
        QueryError: there is something that is no token, or that is not supported.
    """
    start, previous, in_range = 0, TokenKind.OPEN, False
    while True:
        while start < len(text) and text[start].isspace():
            start += 1
        if start == len(text):
            yield Token(TokenKind.END, start + 1, "")
            return
        token = _token(text, start, previous, in_range)
        yield token
        if token.kind in (TokenKind.RANGE_OPEN, TokenKind.RANGE_CLOSE):
            in_range = token.kind is TokenKind.RANGE_OPEN
        start, previous = start + len(token.source), token.kind


def _token(text: str, start: int, previous: TokenKind, in_range: bool) -> Token:
    column, is_value = start + 1, in_range or previous in _BEFORE_VALUES
    first = text[start]
    if first in _UNSUPPORTED:
        raise QueryError(column, _UNSUPPORTED[first])
    if first == '"':
        return _phrase(text, start)
    if previous is TokenKind.COLON:
        for comparison in _COMPARISONS:
            if text.startswith(comparison, start):
                return Token(TokenKind.COMPARISON, column, comparison)
    if first in _SINGLE and not (first == ":" and is_value):
        return Token(_SINGLE[first], column, first)
    if not is_value:
        for operator, kind in _OPERATORS.items():
            if text.startswith(operator, start):
                return Token(kind, column, operator)
    word = _word(text, start, is_value)
    if in_range and word.source == "TO":
        return Token(TokenKind.TO, column, word.source)
    if not is_value and word.source in _KEYWORDS:
        return Token(_KEYWORDS[word.source], column, word.source)
    return word


def _phrase(text: str, start: int) -> Token:
    """Return a text between quotation marks, in which only a backslash is special."""
    position, characters = start + 1, []
    while position < len(text) and text[position] != '"':
        if text[position] == "\\":
            position += 1
        characters.append(text[position : position + 1])
        position += 1
    if position >= len(text):
        raise QueryError(start + 1, "The phrase has no closing quotation mark.")
    pieces = ("".join(characters),)
    return Token(TokenKind.PHRASE, start + 1, text[start : position + 1], Pattern(pieces))


def _word(text: str, start: int, is_value: bool) -> Token:
    """Return a word, up to a space or a character that has a meaning of its own.

    The value of a field may have colons, as times do.
    """
    ends = set('()[]{}"~^') | (set() if is_value else {":"})
    position, pieces = start, list[str | Wildcard]()
    literal = ""
    while position < len(text) and not text[position].isspace() and text[position] not in ends:
        character = text[position]
        if character in ("*", "?"):
            pieces += [literal, Wildcard(character)] if literal else [Wildcard(character)]
            literal = ""
        elif character == "\\":
            position += 1
            if position == len(text):
                raise QueryError(position, "A backslash at the end escapes nothing.")
            literal += text[position]
        else:
            literal += character
        position += 1
    if literal:
        pieces.append(literal)
    return Token(TokenKind.WORD, start + 1, text[start:position], Pattern(tuple(pieces)))
