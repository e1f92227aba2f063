"""Fields of queries in Lucene's syntax: the condition of a term, or a range, of each of them."""

import string
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.directory import finds_user
from gateway.auth.visibility import NEVER, sees_folder
from gateway.database.searches import description_contains, folded_text, name_contains
from gateway.database.tree import within
from gateway.error_texts import unknown
from gateway.errors import DomainError
from gateway.execution.declarations import EdgeQuery
from gateway.kinds.item_kinds import StorageItemType
from gateway.lucene.tree import Exists, Leaf, QueryError, Term, Wildcard
from gateway.models.base import fold
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.people import users
from gateway.models.shares import item_shares
from resolvers.item_conditions import is_compared, mime_type_condition
from resolvers.named_folders import NamedFolder
from resolvers.query_values import (
    ValueSpan,
    like_pattern,
    moments,
    span_of,
    text_of,
    whole_number,
)

Condition = sa.ColumnElement[bool]
FOLDER = "folder"
_INDEXED = 3
"""Characters that an index of names needs."""
_BELOW = "/"
"""How the text of a folder ends before a star: the folder with everything below it is meant."""


def folder_text(term: Term) -> str:
    """Return the path or UUID of a term's folder, without the star that includes what is below."""
    pieces = term.value.pieces
    if len(pieces) == 2 and pieces[1] is Wildcard.ANY and pieces[0].endswith(_BELOW):
        return pieces[0].removesuffix(_BELOW)
    if term.value.text is None:
        message = "A folder can have no wildcards but /* at the end, which includes all below it."
        raise QueryError(term.column, message)
    return term.value.text


def _term(leaf: Leaf) -> Term:
    """Return a leaf of a field that has no ranges."""
    if isinstance(leaf, Term):
        return leaf
    message = "Ranges are for size, created, modified and metadata with numbers or times."
    raise QueryError(leaf.column, message)


def of_name(leaf: Leaf, query: EdgeQuery) -> Condition:
    if isinstance(leaf, Exists):
        return sa.true()
    term = _term(leaf)
    if term.value.text is not None:
        return name_contains(items.c.name_key, _contained(term), is_compared(query))
    conditions: list[Condition] = [items.c.name_key.like(like_pattern(term, fold), escape="/")]
    longest = fold(term.value.longest)
    if len(longest) >= _INDEXED:
        conditions.append(name_contains(items.c.name_key, longest, is_compared(query)))
    return sa.and_(*conditions)


def of_description(leaf: Leaf, _query: EdgeQuery) -> Condition:
    if isinstance(leaf, Exists):
        return items.c.description != ""
    term = _term(leaf)
    if term.value.text is not None:
        return description_contains(items, _contained(term))
    matches = folded_text(items.c.description).like(like_pattern(term, fold), escape="/")
    longest = fold(term.value.longest)
    return (
        sa.and_(description_contains(items, longest), matches)
        if len(longest) >= _INDEXED
        else matches
    )


def _contained(term: Term) -> str:
    """Return the search key of a text that must be contained, which cannot be empty."""
    key = fold(text_of(term))
    if not key:
        raise QueryError(term.column, "Expected a text, not an empty one.")
    return key


def of_kind(leaf: Leaf, _query: EdgeQuery) -> Condition:
    if isinstance(leaf, Exists):
        return sa.true()
    term = _term(leaf)
    name = text_of(term).upper()
    if name not in StorageItemType.__members__:
        raise QueryError(term.column, unknown("type", name, list(StorageItemType)))
    return sa.and_(items.c.item_type == StorageItemType(name))


def of_mime_type(leaf: Leaf, _query: EdgeQuery) -> Condition:
    if isinstance(leaf, Exists):
        return items.c.mime_type.is_not(None)
    term = _term(leaf)
    if term.value.text is None:
        return items.c.mime_type.like(like_pattern(term, str.lower), escape="/")
    try:
        return mime_type_condition(term.value.text, "query")
    except DomainError as error:
        raise QueryError(term.column, error.message) from error


def of_size(leaf: Leaf, _query: EdgeQuery) -> Condition:
    return _in_span(leaf, items.c.file_size, whole_number)


def of_created(leaf: Leaf, _query: EdgeQuery) -> Condition:
    return _in_span(leaf, items.c.created_at, moments)


def of_modified(leaf: Leaf, _query: EdgeQuery) -> Condition:
    return _in_span(leaf, items.c.last_edited_at, moments)


def _in_span(
    leaf: Leaf, column: sa.ColumnElement[Any], parse: Callable[[int, str], ValueSpan[Any]]
) -> Condition:
    if isinstance(leaf, Exists):
        return column.is_not(None)
    first, after = span_of(leaf, parse)
    bounds = [column >= first] if first is not None else []
    return sa.and_(sa.true(), *bounds, *([column < after] if after is not None else []))


def of_owner(leaf: Leaf, query: EdgeQuery) -> Condition:
    """Return the condition on the owner, whom all but anonymous viewers see with the item.

    Credentials that do not open the directory must not confirm addresses.
    """
    owner = sa.null() if query.viewer.is_anonymous else items.c.owner_uuid
    if isinstance(leaf, Exists):
        return owner.is_not(None)
    if not query.viewer.reads_directory:
        return NEVER
    term = _term(leaf)
    has_address: Condition
    if term.value.text is None:
        has_address = users.c.email_key.like(like_pattern(term, fold), escape="/")
    else:
        try:
            return sa.and_(owner == UUID(term.value.text))
        except ValueError:
            has_address = users.c.email_key == fold(term.value.text)
    confirmed = [finds_user(query.viewer)] if query.viewer.tree_uuid else []
    return owner.in_(sa.select(users.c.uuid).where(has_address, *confirmed))


def of_folder(leaf: Leaf, query: EdgeQuery) -> Condition:
    if isinstance(leaf, Exists):
        return sa.true()
    term = _term(leaf)
    named: Mapping[str, NamedFolder | None] = query.prepared.named_folders
    top = named[folder_text(term)]
    if top is None:
        return NEVER
    share, below = item_shares.alias(), folders.alias()
    # Of items that were shared, nobody learns that they are in a folder that is hidden from them.
    seen_below = sa.select(below.c.uuid).where(
        within(below.c.path, top.path), sees_folder(query.viewer, below)
    )

    def is_meant(folder_uuid: sa.ColumnElement[Any]) -> Condition:
        return sa.and_(
            folder_uuid.in_(seen_below) if term.value.text is None else folder_uuid == top.uuid
        )

    is_shared_into = sa.exists().where(
        share.c.item_uuid == items.c.uuid, is_meant(share.c.folder_uuid)
    )
    shared = sa.and_(items.c.is_shared, is_shared_into)
    return sa.or_(is_meant(items.c.folder_uuid), shared)


def of_digest(leaf: Leaf, _query: EdgeQuery) -> Condition:
    if isinstance(leaf, Exists):
        return items.c.sha256.is_not(None)
    term = _term(leaf)
    digest = text_of(term).lower()
    if len(digest) != 64 or not set(digest) <= set(string.hexdigits):
        raise QueryError(term.column, "Expected a SHA-256 digest: 64 hex digits.")
    return sa.and_(items.c.sha256 == digest)


FIELDS: Mapping[str, Callable[[Leaf, EdgeQuery], Condition]] = {
    "name": of_name,
    "description": of_description,
    "type": of_kind,
    "mime": of_mime_type,
    "size": of_size,
    "created": of_created,
    "modified": of_modified,
    "owner": of_owner,
    FOLDER: of_folder,
    "sha256": of_digest,
}
