"""Searches by name over objects of several types, in one list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.communities import sees_community
from gateway.auth.directory import finds_user
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_folder
from gateway.context import Context
from gateway.database.searches import name_contains
from gateway.database.substrings import has_part
from gateway.error_texts import sized
from gateway.errors import bad_input
from gateway.execution import keysets
from gateway.execution.bound_values import PART_OF_NAME
from gateway.execution.compiled.kept_statements import kept_statement
from gateway.execution.compiled.placeholders import generalized_text
from gateway.execution.declarations import Direction, KeyedRows, ToOne, batch
from gateway.execution.keyed_rows import RowKey
from gateway.execution.pagination import (
    Order,
    PageEdge,
    Total,
    cursor_at,
    fingerprint_of,
    page_request,
)
from gateway.execution.statements import bind_values, totals_of
from gateway.models.base import Key
from gateway.models.communities import communities
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.people import users
from resolvers.communities import community_by_uuid
from resolvers.folders import folder_by_uuid
from resolvers.given_folders import extent_of_search
from resolvers.inputs.search import SearchOrder, SearchOrderField, SearchResultType
from resolvers.item_conditions import MAX_SEARCH, folded
from resolvers.items import item_by_uuid
from resolvers.people import user_by_uuid
from resolvers.rare_texts import ITEMS_PER_NAME, is_rare_text
from resolvers.search_items import (
    EXACT,
    LAST,
    PART,
    PREFIX,
    RANKS,
    ItemHits,
    SearchStart,
    found_items,
    ranked,
)

Condition = sa.ColumnElement[bool]
_F = SearchOrderField
Kinds = Sequence[SearchResultType]


class _Hit(NamedTuple):
    kind: str
    uuid: UUID
    value: Any


@dataclass(frozen=True, slots=True)
class _Part:
    """The objects of one type: how they are read, and by which key they are found."""

    type_name: str
    edge: ToOne
    key: sa.Column[Any]

    def conditions(
        self, viewer: Viewer, text: str, kinds: Kinds, is_narrow: bool
    ) -> list[Condition]:
        """Return the conditions on what the viewer can see and the text finds.

        Items are looked for in the folders of the viewer if these are few. A community's own
        folder, which has its name, is not listed beside it.
        """
        match self.type_name:
            case "StorageFolder":
                of_communities = sa.select(communities.c.folder_uuid)
                is_listed = SearchResultType.COMMUNITY in kinds
                other = [folders.c.uuid.not_in(of_communities)] if is_listed else []
                return [name_contains(self.key, text), sees_folder(viewer), *other]
            case "StorageItem":
                return found_items(viewer, text, is_narrow)
            case "Community":
                seen = sees_community(viewer)
            case _:
                seen = finds_user(viewer)
        if len(text) < 3:  # as names are searched
            return [self.key >= text, self.key < text + LAST, seen]
        return [has_part(self.key, text), seen]

    def value(self, name: SearchOrderField, text: str) -> sa.ColumnElement[Any]:
        """Return the value of an order."""
        if name is _F.RELEVANCE:
            is_prefix = sa.and_(self.key >= text, self.key < text + LAST)
            rank = sa.case((self.key == text, EXACT), (is_prefix, PREFIX), else_=PART)
            return sa.type_coerce(rank.concat(self.key), Key)
        return self.key if name is _F.NAME else self.key.table.c[name.value.lower()]


_PARTS: Mapping[SearchResultType, _Part] = {
    SearchResultType.FOLDER: _Part("StorageFolder", folder_by_uuid, folders.c.name_key),
    SearchResultType.ITEM: _Part("StorageItem", item_by_uuid, items.c.name_key),
    SearchResultType.COMMUNITY: _Part("Community", community_by_uuid, communities.c.name_key),
    SearchResultType.USER: _Part("User", user_by_uuid, users.c.email_key),
}
_EDGES = {part.type_name: part.edge for part in _PARTS.values()}


@dataclass(frozen=True, eq=False)
class SearchPage:
    """A page of results, which have the types of objects of their own."""

    edges: list[PageEdge]
    has_next_page: bool
    has_previous_page: bool
    kinds: Kinds = field(repr=False)
    text: str = field(repr=False)
    is_narrow: bool = field(repr=False)

    @property
    def nodes(self) -> tuple[RowKey, ...]:
        """The keys of the results."""
        return tuple(edge.node for edge in self.edges)

    @property
    def start_cursor(self) -> str | None:
        """The cursor of the first result."""
        return self.edges[0].cursor if self.edges else None

    @property
    def end_cursor(self) -> str | None:
        """The cursor of the last result."""
        return self.edges[-1].cursor if self.edges else None

    @property
    def page(self) -> "SearchPage":
        """The page itself, by which its total is computed."""
        return self


Text = Annotated[
    str,
    strawberry.argument(
        description="Text that the name must contain, ignoring case; 1 to 1,000 characters. "
        "One or two characters match only the start of the name."
    ),
]
Types = Annotated[
    list[SearchResultType] | None,
    strawberry.argument(description="Only objects of these types; all types if null or empty."),
]
OrderBy = Annotated[
    SearchOrder | None,
    strawberry.argument(description="Order of the list; by relevance if omitted."),
]
First = Annotated[
    int | None,
    strawberry.argument(description="Return at most this many results: 0 to 1,000."),
]
After = Annotated[
    str | None,
    strawberry.argument(description="A cursor of this list: return the results after it."),
]


async def search_by_text(
    context: Context,
    *,
    text: Text,
    types: Types = None,
    order_by: OrderBy = None,
    first: First = None,
    after: After = None,
) -> SearchPage:
    """Folders, items, communities and users that the viewer can see, by a text in their names.

    Public folders, what is in them, and items that were shared are included, tombstones and
    placeholders are not. A community's own folder is not listed beside it. Users are found by their
    email address, as far as the directory of the site is open to the viewer, and with a credential
    that has the scope `READ_USER_INFO`. Names that are the text itself come first, then those that
    begin with it, then those that contain it.
    """
    key = folded(text, "text")
    if not key:
        raise bad_input(sized("text", 1, MAX_SEARCH, len(text)), "text")
    kinds = [kind for kind in _PARTS if not types or kind in types]
    order = search_order(order_by, _PARTS[kinds[0]], key)
    fingerprint = fingerprint_of("search", key, kinds, order.label)
    request = page_request(order, fingerprint, first, after, None, None)
    name = order_by.field if order_by else _F.RELEVANCE
    bound, rank = bind_values([], request), None if request.cursor is None else ""
    if request.cursor is not None and name is _F.RELEVANCE:
        rank, bound[keysets.AFTER_VALUE] = _ranked_name(request.cursor[0])
    start = await _start(context, kinds, key)
    general, given = generalized_text(key, PART_OF_NAME)
    variant = general, tuple(kinds), name, order.descending, rank, start
    rows = await hits_of_search.rows(
        context.database, context.viewer, (), *variant, given=given, **bound
    )
    edges = [
        PageEdge(RowKey(hit.kind, hit.uuid), cursor_at(request, hit.value, hit.uuid))
        for hit in rows[: request.size]
    ]
    has_next = len(rows) > request.size
    return SearchPage(edges, has_next, after is not None, kinds, key, start.is_narrow)


async def _start(context: Context, kinds: Kinds, text: str) -> SearchStart:
    """Return where a search begins to look for items."""
    if SearchResultType.ITEM not in kinds:
        return SearchStart()
    extent = await extent_of_search(context)
    most = None if extent is None else extent.items // ITEMS_PER_NAME
    if await is_rare_text(context, text, most):
        return SearchStart(is_rare=True)
    return SearchStart(extent is not None, extent is not None and not extent.is_small)


def _ranked_name(value: str) -> tuple[str, str]:
    """Return how well the name of a cursor's row matches, and the name."""
    rank, name = value[:1], value[1:]
    if rank not in RANKS:
        raise bad_input("Invalid cursor.", "after")
    return rank, name


def search_order(order_by: SearchOrder | None, part: _Part, text: str) -> Order:
    """Return the order that a client chose; its column is that of the first part."""
    name = order_by.field if order_by else _F.RELEVANCE
    usual = Direction.DESC if name in (_F.CREATED_AT, _F.LAST_EDITED_AT) else Direction.ASC
    direction = (order_by.direction if order_by else None) or usual
    column = part.value(name, text)
    label = f"{name}.{direction}"
    return Order(column, part.key.table.c.uuid, direction is Direction.DESC, label, False)


@kept_statement(_Hit)
def hits_of_search(
    viewer: Viewer,
    text: str,
    kinds: Kinds,
    name: SearchOrderField,
    descends: bool,
    rank: str | None,
    start: SearchStart,
) -> sa.Select[Any]:
    """Return the statement for a page of results.

    With a cursor, `rank` is how well its name matches, or empty in another order than by relevance.
    """
    parts = []
    for kind in kinds:
        if kind is SearchResultType.ITEM and (start.walks_first or not start.is_narrow):
            hits_of_items = ItemHits(viewer, text, start, rank)
            column = None if name is _F.RELEVANCE else _PARTS[kind].value(name, text)
            rows = hits_of_items.first(column, descends)
        else:
            conditions = _PARTS[kind].conditions(viewer, text, kinds, start.is_narrow)
            rows = hits_of_type(kind, conditions, text, name, descends, rank)
        parts.append(sa.select(rows.subquery()))
    hits = sa.union_all(*parts).subquery("hits")
    order = Order(hits.c.value, hits.c.uuid, descends, "", False)
    ordered = keysets.order_by(order, False, hits.c.value, hits.c.uuid)
    return sa.select(hits).order_by(*ordered).limit(keysets.row_limit())


def hits_of_type(
    kind: SearchResultType,
    conditions: Sequence[Condition],
    text: str,
    name: SearchOrderField,
    descends: bool,
    rank: str | None,
) -> sa.Select[Any]:
    """Return the statement for the results of one type that a page may have."""
    part = _PARTS[kind]
    table, value = part.key.table, part.value(name, text)
    order = Order(value, table.c.uuid, descends, "", False)
    type_name = sa.literal_column(f"'{part.type_name}'", sa.Text()).label("kind")
    selected = sa.select(type_name, table.c.uuid.label("uuid"), value.label("value"))
    matching = selected.where(*conditions)
    if rank:
        cursor = ranked(rank, sa.bindparam(keysets.AFTER_VALUE, required=False, type_=Key))
        uuid = sa.bindparam(keysets.AFTER_UUID, required=False, type_=table.c.uuid.type)
        row, last = sa.tuple_(value, table.c.uuid), sa.tuple_(cursor, uuid)
        matching = matching.where(row < last if descends else row > last)
    elif rank is not None:
        matching = matching.where(keysets.after_cursor(order, False))
    ordered = keysets.order_by(order, False, value, table.c.uuid)
    return matching.order_by(*ordered).limit(keysets.row_limit())


@batch("node", rows=KeyedRows(_EDGES))
async def result_on_edge(_context: Context, keys: list[RowKey]) -> list[RowKey]:
    """Return the keys of results, which edges have."""
    return keys


@batch("nodes", rows=KeyedRows(_EDGES, leaves_out=True))
async def results_on_page(_context: Context, keys: list[tuple[RowKey, ...]]) -> list[list[RowKey]]:
    """Return the keys of results, which pages have."""
    return [list(key) for key in keys]


class SearchCount(NamedTuple):
    """The number of results of a type."""

    number: int
    is_exact: int


@kept_statement(SearchCount)
def counts_of_search(
    viewer: Viewer, text: str, kinds: Kinds, is_narrow: bool, most: int
) -> sa.Select[Any] | sa.CompoundSelect[Any]:
    """Return the statement for the numbers of results of each type."""
    counts = []
    for part in map(_PARTS.__getitem__, kinds):
        conditions = part.conditions(viewer, text, kinds, is_narrow)
        matching: sa.Select[Any] = (
            sa.select(sa.literal_column("1")).select_from(part.key.table).where(*conditions)
        )
        rows = matching.limit(most + 1).subquery()
        is_exact: sa.ColumnElement[int] = sa.literal_column("0").label("is_exact")
        number = sa.func.count().label("number")
        counts.append(sa.select(number, is_exact).select_from(rows))
    return sa.union_all(*counts)


@batch("page")
async def count_results(context: Context, keys: list[SearchPage]) -> list[int]:
    """Count the results of searches, up to the limit of counts for each type."""
    return [(await total_of(context, page)).number for page in keys]


@batch("page")
async def results_are_capped(context: Context, keys: list[SearchPage]) -> list[bool]:
    """Return whether there are more results than those that were counted."""
    return [(await total_of(context, page)).is_capped for page in keys]


async def total_of(context: Context, page: SearchPage) -> Total:
    """Return the number of results, which are counted once in an operation."""
    most = context.services.settings.limits.count

    async def load(pages: list[SearchPage]) -> list[Total]:
        counts = []
        for each in pages:
            text, given = generalized_text(each.text, PART_OF_NAME)
            variant = text, tuple(each.kinds), each.is_narrow, most
            counts.append(
                await counts_of_search.rows(
                    context.database, context.viewer, (), *variant, given=given
                )
            )
        return [totals_of(rows, most)[None] for rows in counts]

    total: Total = await context.loaders.load(total_of, page, load)
    return total
