"""Folders whose DICOM studies a list has, and conditions on rows that lie in them.

A list reads many rows, so that what is granted to the viewer is looked up once instead of for each
row: `tops` are the paths below which everything is visible or, of a public folder, what is not
private.
"""

from functools import lru_cache
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import (
    in_public_folder,
    is_staying,
    sees_below,
    sees_folder,
)
from gateway.database.tree import within
from gateway.execution.declarations import EdgeQuery
from gateway.models.folders import folders
from resolvers.given_folders import given_tops

Condition = sa.ColumnElement[bool]
_FEW_FOLDERS, _MANY_TOPS = 64, 100


def folders_in_scope(query: EdgeQuery) -> sa.Select[tuple[UUID]]:
    """Select the folders whose studies are listed: in and below one, or all that are visible."""
    # A folder can be below several grants.
    return _folders_below(query.viewer, _tops(query)).distinct()


def covers_all(query: EdgeQuery) -> bool:
    """Return whether a list has the studies of all folders."""
    return query.viewer.administers_site and query.arguments["folder_uuid"] is None


def is_in_scope(query: EdgeQuery, folder_uuid: sa.ColumnElement[UUID]) -> Condition:
    """Return the condition that a folder is among those whose studies are listed."""
    if covers_all(query):
        return is_staying(folder_uuid)
    return _is_below(query.viewer, _tops(query), folder_uuid)


@lru_cache(maxsize=100)
def is_visible(viewer: Viewer, folder_uuid: sa.ColumnElement[UUID]) -> Condition:
    """Return the condition that the viewer sees a folder."""
    if viewer.administers_site:
        return is_staying(folder_uuid)
    is_given = _is_below(viewer, given_tops(viewer), folder_uuid)
    return sa.or_(is_given, in_public_folder(viewer, folder_uuid))


def has_many_folders(query: EdgeQuery) -> Condition:
    """Return the condition that a list may have a large share of all studies.

    It has if many folders are in scope. Where few are, their own studies are sooner read. Where
    they are below many grants, each row would be compared with all of these.
    """
    tops = _tops(query)
    some = _folders_below(query.viewer, tops).limit(_FEW_FOLDERS + 1).subquery()
    count = sa.func.count()
    return sa.and_(
        sa.select(count).select_from(tops).scalar_subquery() <= _MANY_TOPS,
        sa.select(count).select_from(some).scalar_subquery() > _FEW_FOLDERS,
    )


def _tops(query: EdgeQuery) -> sa.CTE:
    folder_uuid: UUID | None = query.arguments["folder_uuid"]
    if folder_uuid is None:
        return given_tops(query.viewer)
    return _top_of(query.viewer, folder_uuid)


@lru_cache(maxsize=100)
def _top_of(viewer: Viewer, folder_uuid: UUID) -> sa.CTE:
    top = folders.alias("top")
    seen = sa.select(top.c.path, top.c.is_public).where(
        top.c.uuid == folder_uuid, sees_folder(viewer, top)
    )
    return seen.cte("scope_top").prefix_with("MATERIALIZED")


@lru_cache(maxsize=100)
def _folders_below(viewer: Viewer, tops: sa.CTE) -> sa.Select[tuple[UUID]]:
    home = folders.alias("home")
    below = tops.join(home, within(home.c.path, tops.c.path))
    found = sa.select(home.c.uuid.label("part")).select_from(below)
    return found.where(*sees_below(viewer, home, tops))


@lru_cache(maxsize=100)
def _is_below(viewer: Viewer, tops: sa.CTE, folder_uuid: sa.ColumnElement[UUID]) -> Condition:
    home = folders.alias()
    below = home.join(tops, within(home.c.path, tops.c.path))
    chosen = home.c.uuid == folder_uuid, *sees_below(viewer, home, tops)
    return sa.exists().select_from(below).where(*chosen)
