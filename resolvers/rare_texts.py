"""Texts that few names of items contain: searches start from these names."""

import time
from typing import NamedTuple

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.context import Context
from gateway.database.searches import names_with
from gateway.execution.cache import Cache
from gateway.execution.compiled.kept_statements import kept_statement
from gateway.execution.declarations import EdgeQuery
from gateway.models.base import fold
from gateway.models.items import items
from resolvers.given_folders import KEPT_SECONDS, extent_in_scope, started
from resolvers.item_conditions import is_broad

MOST_NAMES = 1_000
"""How many names may contain a text that counts as rare. To look them all up takes 5 ms."""
ITEMS_PER_NAME = 8
"""How many items of known folders are compared with a text while one name is looked up."""
_LONGEST = 100


async def start_of_search(context: Context, query: EdgeQuery) -> EdgeQuery:
    """Return the query of a search across folders, rare if its text is, or else perhaps narrow."""
    extent = await extent_in_scope(context, query, is_broad=is_broad(query))
    most = None if extent is None else extent.items // ITEMS_PER_NAME
    if await is_rare_text(context, _text_of(query), most):
        return query._replace(is_rare=True)
    return started(query, extent)


async def start_in_folder(context: Context, query: EdgeQuery) -> EdgeQuery:
    """Return the query of a list in a folder, rare if its text is, or else narrow."""
    is_rare = bool(await is_rare_text(context, _text_of(query)))
    return query._replace(is_rare=is_rare, is_narrow=not is_rare)


async def start_below_folder(context: Context, query: EdgeQuery) -> EdgeQuery:
    """Return the query of a list below a folder, narrow if it has a text that is not rare."""
    is_rare = await is_rare_text(context, _text_of(query))
    return query._replace(is_rare=bool(is_rare), is_narrow=is_rare is False)


class _NameCount(NamedTuple):
    names: int


async def is_rare_text(context: Context, text: str, most: int | None = None) -> bool | None:
    """Return whether no more than so many names contain a folded text, by default `MOST_NAMES`.

    None if no index finds parts of its length. It is read once a minute for each text.
    """
    if not 3 <= len(text) <= _LONGEST:
        return None
    key = context.database, text, time.monotonic() // KEPT_SECONDS
    names = names_by_text.get(key)
    if names is None:
        [(names,)] = await names_with_text.rows(context.database, context.viewer, text=text)
        names_by_text.put(key, names, 500)
    return names <= (MOST_NAMES if most is None else min(most, MOST_NAMES))


def _text_of(query: EdgeQuery) -> str:
    """Return the folded text that a filter searches for."""
    return fold(query.filter.search or "") if query.filter else ""


@kept_statement(_NameCount)
def names_with_text(_viewer: Viewer) -> sa.Select[tuple[int]]:
    """Return the statement for the number of names of items that contain a text."""
    return sa.select(names_with(items, MOST_NAMES + 1).label("names"))


names_by_text: Cache[int] = Cache(10_000, 5_000_000)
