"""SQL of searches that differs by database: substrings by trigrams, patterns and names."""

import re
import unicodedata
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from gateway.database.substrings import has_part
from gateway.models.base import fold

FOLD = "storegraph_fold"
"""The function that folds texts on SQLite."""
PART = "storegraph_part"
"""The function that divides texts on SQLite."""
NFC = "storegraph_nfc"
"""The function that composes texts on SQLite."""
_MATCHES = (
    "{0} IN (SELECT {1}.uuid FROM {1} JOIN {1}_index ON {1}_index.rowid = {1}.rowid "
    "WHERE {1}_index.{2} MATCH {3})"
)


class _SearchText(sa.types.TypeDecorator[str]):
    """Type of a search text: a quoted phrase of SQLite's FTS5, a pattern of LIKE.

    PostgreSQL gets the whole pattern. It would write one from the text, or replace an escape
    character that is not its own, again for each name that it compares.
    """

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return '"' + value.replace('"', '""') + '"'
        return f"%{_escaped(value)}%"


def _escaped(text: str) -> str:
    """Return a pattern of LIKE that matches a text alone."""
    return re.sub(r"[\\%_]", r"\\\g<0>", text)


class _Contains(FunctionElement[bool]):
    """A substring match of a column of folded texts, by the trigram index of either database.

    Its clauses are the column, the key of the row, and the text.
    """

    inherit_cache = True


class _NameContains(_Contains):
    """A match of names."""

    inherit_cache = True


class _DescriptionContains(_Contains):
    """A match of the descriptions of items."""

    inherit_cache = True


class _ValueContains(_Contains):
    """A match of the search keys of metadata."""

    inherit_cache = True


class _NamesWith(FunctionElement[int]):
    """The number of names in a table that contain a text: the table, the text, and a limit.

    PostgreSQL looks up names as if all were counted, but reads no more than the limit: it would
    take the limit for a reason to read the whole table.
    """

    inherit_cache = True
    type = sa.Integer()


@compiles(_NamesWith, "postgresql")
def _count_likes(element: _NamesWith, compiler: Any, **options: Any) -> str:
    table, text, most = element.clauses
    table, most = compiler.process(table, **options), compiler.process(most, **options)
    key: sa.ColumnElement[str] = sa.literal_column("name_key", sa.Text())
    contains = compiler.process(key.like(text), **options)
    return (
        f"(WITH named AS MATERIALIZED (SELECT 1 FROM {table} WHERE {contains}) "
        f"SELECT count(*) FROM (SELECT 1 FROM named LIMIT {most}) AS first_names)"
    )


@compiles(_NamesWith, "sqlite")
def _count_matches(element: _NamesWith, compiler: Any, **options: Any) -> str:
    table, text, most = (compiler.process(clause, **options) for clause in element.clauses)
    return (
        f"(SELECT count(*) FROM (SELECT 1 FROM {table}_names_index "
        f"WHERE name_key MATCH {text} LIMIT {most}))"
    )


@compiles(_Contains, "postgresql")
def _text_like(element: _Contains, compiler: Any, **options: Any) -> str:
    key, _row_key, text = element.clauses
    return str(compiler.process(key.like(text), **options))


@compiles(_NameContains, "sqlite")
def _name_matches(element: _NameContains, compiler: Any, **options: Any) -> str:
    key, uuid, text = element.clauses
    uuid, text = compiler.process(uuid, **options), compiler.process(text, **options)
    return _MATCHES.format(uuid, f"{key.table.name}_names", "name_key", text)


@compiles(_DescriptionContains, "sqlite")
def _description_matches(element: _DescriptionContains, compiler: Any, **options: Any) -> str:
    _key, uuid, text = (compiler.process(clause, **options) for clause in element.clauses)
    return _MATCHES.format(uuid, "items_descriptions", "description_key", text)


@compiles(_ValueContains, "sqlite")
def _value_matches(element: _ValueContains, compiler: Any, **options: Any) -> str:
    _key, row_id, text = element.clauses
    return (
        f"{compiler.process(row_id, **options)} IN (SELECT rowid FROM metadata_texts "
        f"WHERE text_fold MATCH {compiler.process(text, **options)})"
    )


def name_contains(
    key: sa.ColumnElement[Any], text: str, of_few: bool = False
) -> sa.ColumnElement[bool]:
    """Return the condition that a folded name contains the folded text.

    Texts of fewer than three characters have no trigrams: they match from the start of the name.
    Where another condition leaves few rows, `of_few`, each of these is compared with the text
    rather than all names that contain it looked up.
    """
    if len(text) < 3:
        return sa.and_(key >= text, key < text + "\U0010ffff")
    if of_few:
        return has_part(key, text)
    table: sa.Table = key.table
    return _NameContains(key, table.c.uuid, sa.literal(text, _SearchText()))


def unindexed(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """Return conditions as one expression, so that rows are not looked up by an index of one."""
    return sa.and_(sa.true(), *conditions).is_(sa.true())


def names_with(table: sa.Table, most: int) -> sa.ColumnElement[int]:
    """Return the number of folded names that contain the text bound as `text`, up to `most`.

    The text is folded, and has at least three characters.
    """
    text = sa.bindparam("text", required=False, type_=_SearchText())
    return _NamesWith(sa.literal_column(table.name), text, sa.literal(most, sa.Integer()))


def description_contains(table: sa.FromClause, text: str) -> sa.ColumnElement[bool]:
    """Return the condition that the folded description of an item contains the folded text.

    Texts of fewer than three characters match from its start, as with names.
    """
    key = _Folded(table.c.description)
    if len(text) < 3:
        bounds = (sa.literal(each, sa.Text()) for each in (text, text + "\U0010ffff"))
        matches: sa.ColumnElement[bool] = _DescriptionBegins(key, table.c.uuid, *bounds)
    else:
        matches = _DescriptionContains(key, table.c.uuid, sa.literal(text, _SearchText()))
    return sa.and_(table.c.description != "", matches)


def value_contains(values: sa.FromClause, text: str) -> sa.ColumnElement[bool]:
    """Return the condition that the search key of a value contains the folded text.

    Args:
        values: `metadata_values` or an alias of it.
        text: at least three characters, as shorter texts have no trigrams.
    """
    return _ValueContains(values.c.text_fold, values.c.id, sa.literal(text, _SearchText()))


class Template(FunctionElement[Any]):
    """An expression that each database spells in its own way; `{0}` is the first argument."""

    inherit_cache = True
    sqlite: str
    postgresql: str


@compiles(Template, "sqlite")
def _sqlite_expression(element: Template, compiler: Any, **options: Any) -> str:
    return element.sqlite.format(*(compiler.process(each, **options) for each in element.clauses))


@compiles(Template, "postgresql")
def _postgresql_expression(element: Template, compiler: Any, **options: Any) -> str:
    arguments = (compiler.process(each, **options) for each in element.clauses)
    return element.postgresql.format(*arguments)


class _FirstHalf(Template):
    """The first half of a media type, written as in the index of it."""

    inherit_cache = True
    type = sa.Text()
    sqlite = "substr({0}, 1, instr({0}, '/') - 1)"
    postgresql = "split_part({0}, '/', 1)"


class _Month(Template):
    """The month of a moment in UTC."""

    inherit_cache = True
    type = sa.Text()
    sqlite = "substr({0}, 1, 7)"
    postgresql = "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM')"


class _Folded(Template):
    """A text without case: by a function of ours on SQLite, whose own knows only ASCII."""

    inherit_cache = True
    type = sa.Text()
    sqlite = f"{FOLD}({{0}})"
    postgresql = "lower({0})"


class _DescriptionBegins(Template):
    """Whether the first two characters of a folded description are between two texts.

    It has no type: SQLite would compare a boolean with 1, and use no index.
    """

    inherit_cache = True
    sqlite = (
        "{1} IN (SELECT uuid FROM items_descriptions WHERE substr(description_key, 1, 2) >= {2} "
        "AND substr(description_key, 1, 2) < {3})"
    )
    postgresql = '(left({0}, 2) COLLATE "C" >= {2} AND left({0}, 2) COLLATE "C" < {3})'


class _Part(Template):
    """A part of a text that a separator divides; empty if there are fewer parts."""

    inherit_cache = True
    type = sa.Text()
    sqlite = f"{PART}({{0}}, {{1}}, {{2}})"
    postgresql = "split_part({0}, {1}, {2})"


class _Composed(Template):
    """A text in Unicode form NFC."""

    inherit_cache = True
    type = sa.Text()
    sqlite = f"{NFC}({{0}})"
    postgresql = "normalize({0}, NFC)"


class _PatternText(sa.types.TypeDecorator[str]):
    """Type of a pattern with `*` and `?`: that of GLOB on SQLite, that of LIKE on PostgreSQL."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return value.replace("[", "[[]")
        return _escaped(value).replace("*", "%").replace("?", "_")


class _Matches(Template):
    """Whether a text matches a pattern as a whole."""

    inherit_cache = True
    type = sa.Boolean()
    sqlite = "{0} GLOB {1}"
    postgresql = "{0} LIKE {1}"


def part_of(text: sa.ColumnElement[Any], separator: str, number: int) -> sa.ColumnElement[str]:
    """Return a part of a text that a separator divides, counted from 1; empty if it has fewer."""
    return _Part(text, sa.literal(separator, sa.Text()), sa.literal(number, sa.Integer()))


def matches_pattern(text: sa.ColumnElement[Any], pattern: str) -> sa.ColumnElement[bool]:
    """Return the condition that a whole text matches a pattern, in which case counts.

    In the pattern, `*` stands for any text and `?` for any one character.
    """
    if not set(pattern) & {"*", "?"}:
        return text == pattern
    # A run of stars means what one does, and would take longer to match.
    return _Matches(text, sa.literal(re.sub(r"\*+", "*", pattern), _PatternText()))


def key_matches_pattern(key: sa.ColumnElement[Any], pattern: str) -> sa.ColumnElement[bool]:
    """Return the condition that a key, whose type is `Key`, matches a pattern as a whole.

    An index of the keys finds those that begin with what precedes the first `*` or `?`.
    """
    literal = re.split("[*?]", pattern, maxsplit=1)[0]
    matches = matches_pattern(key, pattern)
    if literal in ("", pattern):
        return matches
    return sa.and_(key >= literal, key < literal + "\U0010ffff", matches)


def has_name(
    table: sa.FromClause, name: sa.ColumnElement[Any], name_key: sa.ColumnElement[Any]
) -> sa.ColumnElement[bool]:
    """Return the condition that rows have a name, which is given in form NFC, with its search key.

    An index of the keys finds the few names that differ in case only.
    """
    return sa.and_(table.c.name_key == name_key, _Composed(table.c.name) == name)


def has_name_of(table: sa.FromClause, other: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition that rows have the name of another table's row."""
    return has_name(table, _Composed(other.c.name), other.c.name_key)


def has_text_as_name(table: sa.FromClause, name: str) -> sa.ColumnElement[bool]:
    """Return the condition that rows have a name, in whatever form its letters are composed."""
    composed = sa.literal(unicodedata.normalize("NFC", name), sa.Text())
    return has_name(table, composed, sa.literal(fold(name), sa.Text()))


def first_half(mime_type: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """Return the first half of a media type: `image` of `image/png`."""
    return _FirstHalf(mime_type)


def month_of(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """Return the month of a moment in UTC, such as 2026-01."""
    return _Month(column)


def folded_text(text: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """Return a text as it is compared where case is ignored; PostgreSQL only lowers it."""
    return _Folded(text)


def add_functions(connection: Any) -> None:
    """Give a connection of SQLite the functions that searches call."""
    connection.create_function(
        FOLD, 1, lambda text: None if text is None else fold(text), deterministic=True
    )
    connection.create_function(PART, 3, _part_or_none, deterministic=True)
    connection.create_function(NFC, 1, partial(unicodedata.normalize, "NFC"), deterministic=True)


def _part_or_none(text: str | None, separator: str, number: int) -> str | None:
    if text is None:
        return None
    parts = text.split(separator)
    return parts[number - 1] if number <= len(parts) else ""
