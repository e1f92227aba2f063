"""Folders that a viewer was given, and whether so few items are in these that lists start there."""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import in_tree_of, is_given_folder, is_granted_to, is_public_folder
from gateway.context import Context
from gateway.database.tree import within
from gateway.execution.cache import Cache
from gateway.execution.compiled.kept_statements import kept_statement
from gateway.execution.declarations import EdgeQuery
from gateway.models.folders import folder_counters, folder_grants, folders
from resolvers.inputs.lists import StorageScope

MOST_FOLDERS, MOST_ITEMS = 1_024, 100_000
"""How much a viewer may see of whom lists start from the folders.

Reading all of it takes 50 ms, testing the access to all items of a large site seconds.
"""
FEW_FOLDERS, FEW_ITEMS = 128, 12_000
"""How much of it is read at once, in 10 ms, whatever is searched for.

If it is more, a walk may fill a page sooner, and an index finds the few items that have a digest.
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


@lru_cache(maxsize=100)
def seen_folders(viewer: Viewer) -> sa.Select[tuple[UUID]]:
    """Select the folders that a viewer was given, and the public ones."""
    public = sa.select(folders.c.uuid).where(is_public_folder(viewer))
    seen = given_folders(viewer).union(public).subquery()
    return sa.select(seen.c.uuid)


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
    """The numbers of given folders and of items in these, as far as lists start from them."""

    folders: int
    items: int

    @property
    def is_small(self) -> bool:
        """Whether all of it is read at once."""
        return self.folders <= FEW_FOLDERS and self.items <= FEW_ITEMS


async def extent_in_scope(
    context: Context, query: EdgeQuery, *, is_broad: bool
) -> GivenExtent | None:
    """Return how much is in the scope of a search if it starts from the folders.

    That depends on whether many items may match the search. Counters of folders tell how much it
    is; they are read once a minute for each viewer.
    """
    if query.arguments.get("scope") is not StorageScope.USER:
        return None
    extent = await _read_extent(context, with_public=False)
    return extent if extent and (is_broad or extent.is_small) else None


async def extent_of_search(context: Context) -> GivenExtent | None:
    """Return how much a search for objects of all types looks through if it is not too much."""
    return await _read_extent(context, with_public=True)


async def _read_extent(context: Context, *, with_public: bool) -> GivenExtent | None:
    viewer = context.viewer
    if viewer.administers_site or viewer.is_anonymous:
        return None
    key = viewer.user_uuid, viewer.sight, with_public, time.monotonic() // KEPT_SECONDS
    extent = extent_by_viewer.get(key)
    if extent is None:
        [extent] = await extent_of.rows(context.database, viewer, (), with_public)
        extent_by_viewer.put(key, extent, 500)
    return extent if extent.folders <= MOST_FOLDERS and extent.items <= MOST_ITEMS else None


def started(query: EdgeQuery, extent: GivenExtent | None) -> EdgeQuery:
    """Return the query of a search in which so much is in scope; None if it starts elsewhere."""
    if extent is None:
        return query
    return query._replace(is_narrow=True, walks_first=not extent.is_small)


def may_test_late(viewer: Viewer) -> bool:
    """Return whether a viewer who is not narrow sees much by grants, each of which must be tested.

    Access to what matches is tested in the order of a page then, until it is full.
    """
    return not (viewer.is_site_admin or viewer.is_anonymous)


async def start_from_few_folders(context: Context, query: EdgeQuery) -> EdgeQuery:
    """Return the query of a search for folders, narrow if few are in its scope."""
    extent = await extent_in_scope(context, query, is_broad=True)
    return query._replace(is_narrow=extent is not None and extent.folders <= FEW_FOLDERS)


@kept_statement(GivenExtent)
def extent_of(viewer: Viewer, with_public: bool) -> sa.Select[Any]:
    """Return the numbers of folders and of items in these, as far as lists start there."""
    counted_folders = seen_folders(viewer) if with_public else given_folders(viewer)
    some = counted_folders.limit(MOST_FOLDERS + 1).subquery("some")
    counted = folder_counters.c
    everything = counted.files + counted.tombstones + counted.placeholders + counted.shared_items
    source = some.join(folder_counters, counted.folder_uuid == some.c.uuid)
    total = sa.cast(sa.func.coalesce(sa.func.sum(everything), 0), sa.BigInteger)
    columns: list[sa.ColumnElement[Any]]
    columns = [sa.func.count().label("folders"), total.label("items")]
    return sa.select(*columns).select_from(source)


def have_few_items(folder_uuid: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that few items are below a folder, by the counters of folders there."""
    top, below, counted = folders.alias(), folders.alias(), folder_counters.c
    number = counted.files + counted.tombstones + counted.placeholders
    source = top.join(below, within(below.c.path, top.c.path))
    source = source.join(folder_counters, counted.folder_uuid == below.c.uuid)
    some = sa.select(number.label("number")).select_from(source).where(top.c.uuid == folder_uuid)
    some_folders = some.limit(MOST_FOLDERS + 1).subquery()
    total = sa.func.coalesce(sa.func.sum(some_folders.c.number), 0)
    are_few = sa.and_(sa.func.count() <= MOST_FOLDERS, total <= MOST_ITEMS)
    extent = sa.select(are_few.label("are_few")).select_from(some_folders).cte("extent")
    return sa.select(extent.prefix_with("MATERIALIZED").c.are_few).scalar_subquery().is_(sa.true())


extent_by_viewer: Cache[GivenExtent] = Cache(10_000, 5_000_000)
