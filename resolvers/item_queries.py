"""Advanced searches for items, by a query in Lucene's syntax."""

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.context import Context
from gateway.database.searches import unindexed
from gateway.errors import DomainError, bad_input
from gateway.execution.declarations import Argument, Condition, EdgeQuery, ToMany
from gateway.lucene.parser import parse
from gateway.lucene.tree import Leaf, Node, QueryError, Term, leaves, required_leaves
from gateway.models.items import items
from gateway.models.metadata import MetadataFieldRecord
from resolvers.filters import SCOPE, in_scope
from resolvers.given_folders import extent_in_scope, started
from resolvers.inputs.lists import StorageItemOrder
from resolvers.item_conditions import item_conditions
from resolvers.item_walks import walk_of_search
from resolvers.metadata_keys import PreparedMetadata, indexed_field, read_keys
from resolvers.named_folders import NamedFolder, find_folder
from resolvers.orders import ITEM_ORDERS
from resolvers.query_conditions import check_field, conditions_of, is_of_one_folder
from resolvers.query_fields import FOLDER, folder_text
from resolvers.query_metadata import key_of
from resolvers.shared_items import shared_in_scope

MAX_FOLDERS = 8
_OF_FEW = (FOLDER, "sha256")
"""Fields by which an index finds few items."""
_QUERY = Argument(
    "query",
    str,
    inspect.Parameter.empty,
    "The query in Lucene's syntax: at most 1,000 characters, 64 terms and 16 levels of parentheses.",
)


@dataclass(frozen=True, slots=True)
class PreparedQuery(PreparedMetadata):
    """A query, with the metadata keys and folders that it names; None is a folder nobody sees."""

    tree: Node
    named_folders: Mapping[str, NamedFolder | None]


async def prepare_query(
    context: Context, query: EdgeQuery, order_by: StorageItemOrder | None
) -> PreparedQuery:
    """Parse a query, and read what it names.

    Raises:
        DomainError: `BAD_USER_INPUT` with the column of what is wrong, `UNAVAILABLE` while the
            values of a metadata key are being indexed.
    """
    try:
        tree = parse(query.arguments["query"], paths={FOLDER})
        for leaf in leaves(tree):
            check_field(leaf)
        named_folders = await _read_folders(context, leaves(tree))
    except QueryError as error:
        raise bad_input(str(error), "query") from error
    keys = {key for leaf in leaves(tree) if (key := key_of(leaf)) is not None}
    declared, prepared = await read_keys(context, keys, order_by)
    if not any(is_of_one_folder(leaf) for leaf in required_leaves(tree)):
        for leaf in leaves(tree):
            if (key := key_of(leaf)) is not None:
                _check_indexed(declared.get(key), key, leaf)
    return PreparedQuery(prepared.keys, prepared.order_key, tree, named_folders)


def _check_indexed(declared: MetadataFieldRecord | None, key: str, leaf: Leaf) -> None:
    """Raise the error of a metadata key by which items cannot be found, with its column."""
    try:
        indexed_field(declared, key, ("query",))
    except DomainError as error:
        column = leaf.field.column if leaf.field else leaf.column
        message = str(QueryError(column, error.message))
        raise DomainError(error.code, message, error.path) from error


async def _read_folders(
    context: Context, all_leaves: Iterable[Leaf]
) -> dict[str, NamedFolder | None]:
    """Return the folders that a query names, by their texts."""
    named: dict[str, NamedFolder | None] = {}
    for leaf in all_leaves:
        if not isinstance(leaf, Term) or leaf.field is None or leaf.field.name != FOLDER:
            continue
        text = folder_text(leaf)
        if len(named) == MAX_FOLDERS and text not in named:
            message = f"A query can name at most {MAX_FOLDERS} folders."
            raise QueryError(leaf.column, message)
        if text not in named:
            try:
                named[text] = await find_folder(context, text)
            except DomainError as error:
                raise QueryError(leaf.column, error.message) from error
    return named


def query_conditions(query: EdgeQuery) -> list[Condition]:
    """Return the conditions on the items that a query finds, in whatever scope."""
    try:
        matches = conditions_of(query.prepared.tree, query)
    except QueryError as error:
        raise bad_input(str(error), "query") from error
    return [*item_conditions(query), matches]


def _search_conditions(query: EdgeQuery) -> list[Condition]:
    conditions = query_conditions(query)
    if query.is_narrow and _matches_many(query):
        conditions = [unindexed(*conditions)]
    return [*conditions, in_scope(query, items.c.folder_uuid)]


def _matches_many(query: EdgeQuery) -> bool:
    """Return whether many items may match: no index finds the few with a digest or metadata."""
    leaves_of_all = required_leaves(query.prepared.tree)
    return all(key_of(leaf) is None and not _is_of_few(leaf) for leaf in leaves_of_all)


def _is_of_few(leaf: Leaf) -> bool:
    return isinstance(leaf, Term) and leaf.field is not None and leaf.field.name in _OF_FEW


async def _start(context: Context, query: EdgeQuery) -> EdgeQuery:
    extent = await extent_in_scope(context, query, is_broad=_matches_many(query))
    return started(query, extent)


advanced_search = ToMany(
    "searchStorageItemsAdvanced",
    items,
    ITEM_ORDERS,
    where=_search_conditions,
    prepare=prepare_query,
    arguments=(_QUERY, SCOPE),
    further=shared_in_scope(query_conditions),
    start=_start,
    walk=walk_of_search(_search_conditions, query_conditions, _matches_many),
)
