"""Folders that a viewer was given, and whether so few items are in these that lists start there."""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import in_tree_of, is_given_folder, is_granted_to
from gateway.context import Context
from gateway.database.tree import within
from gateway.execution.cache import Cache
from gateway.execution.compiled.kept_statements import kept_statement
from gateway.execution.declarations import EdgeQuery
from gateway.models.folders import folder_counters, folder_grants, folders
from resolvers.inputs.lists import StorageScope

MOST_FOLDERS, MOST_ITEMS = 128, 12_000
"""How much a viewer may see of whom lists start from the folders.

Reading all of it takes 10 ms. To find a page in the order of an index of all items takes as long
where about one item in a hundred is seen, and counts look at all that match a filter.
"""
KEPT_SECONDS = 60
"""How long what a viewer sees counts as it was; lists are right, if slower, when it has changed."""


# The conditions of a statement refer to the same object.
@lru_cache(maxsize=100)
def given_tops(viewer: Viewer) -> sa.CTE:
    """Return the paths of the topmost folders that a viewer was given; some may be below others."""
    top, grants = folders.alias("top"), folder_grants.alias()
    # Whether they are public does not matter: what is below is given, too.
    columns = top.c.path, sa.false().label(top.c.is_public.key)
    granted = top.join(grants, grants.c.folder_uuid == top.c.uuid)
    given = (
        sa.select(*columns)
        .select_from(granted)
        .where(is_granted_to(viewer, grants), *in_tree_of(viewer, top.c.path))
    )
    if viewer.tree_uuid is not None:
        limit = sa.select(*columns).where(
            top.c.uuid == viewer.tree_uuid, is_given_folder(viewer, top)
        )
        return given.union(limit).cte("given_tops").prefix_with("MATERIALIZED")
    return given.distinct().cte("given_tops").prefix_with("MATERIALIZED")


@lru_cache(maxsize=100)
def given_folders(viewer: Viewer) -> sa.Select[tuple[UUID]]:
    """Select the folders that a viewer was given, with all that are below these."""
    tops, home = given_tops(viewer), folders.alias("home")
    return sa.select(home.c.uuid).select_from(tops.join(home, within(home.c.path, tops.c.path)))


def looked_up(
    folder_uuid: sa.ColumnElement[Any], is_met: Callable[[Any], sa.ColumnElement[bool]]
) -> sa.ColumnElement[bool]:
    """Return the condition that the folder of that UUID meets another, which takes a folder.

    It is tested for one row after the other. PostgreSQL would test all folders at once, which does
    not pay where few rows are looked at.
    """
    folder = folders.alias()
    met = sa.select(is_met(folder)).where(folder.c.uuid == folder_uuid)
    return met.correlate_except(folder).scalar_subquery().is_(sa.true())


class GivenExtent(NamedTuple):
    """The numbers of given folders and of items in these, as far as they are few."""

    folders: int
    items: int


async def few_items(context: Context, query: EdgeQuery) -> GivenExtent | None:
    """Return how many items are in the scope of a search, by counters of folders, if they are few.

    It is read once a minute for each viewer.
    """
    viewer = context.viewer
    is_limited = query.arguments.get("scope") is StorageScope.USER and not viewer.administers_site
    if not is_limited or viewer.is_anonymous:
        return None
    key = viewer.user_uuid, viewer.sight, time.monotonic() // KEPT_SECONDS
    extent = extent_by_viewer.get(key)
    if extent is None:
        [extent] = await extent_of.rows(context.database, viewer)
        extent_by_viewer.put(key, extent, 500)
    is_few = extent.folders <= MOST_FOLDERS and extent.items <= MOST_ITEMS
    return extent if is_few else None


async def start_from_given(context: Context, query: EdgeQuery) -> EdgeQuery:
    """Return the query of a search, narrow if few items are in its scope."""
    return query._replace(is_narrow=await few_items(context, query) is not None)


@kept_statement(GivenExtent)
def extent_of(viewer: Viewer) -> sa.Select[Any]:
    """Return the numbers of given folders and of items in these, as far as they are few."""
    some = given_folders(viewer).limit(MOST_FOLDERS + 1).subquery("some")
    counted = folder_counters.c
    everything = counted.files + counted.tombstones + counted.placeholders + counted.shared_items
    source = some.join(folder_counters, counted.folder_uuid == some.c.uuid)
    total = sa.cast(sa.func.coalesce(sa.func.sum(everything), 0), sa.BigInteger)
    columns: list[sa.ColumnElement[Any]]
    columns = [sa.func.count().label("folders"), total.label("items")]
    return sa.select(*columns).select_from(source)


extent_by_viewer: Cache[GivenExtent] = Cache(10_000, 5_000_000)
