"""Folders whose DICOM studies a list has, and conditions on rows that lie in them.

A list reads many rows, so that its folders are found once instead of being checked for each row.
"""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import is_granted_to, is_staying, sees_folder
from gateway.database.tree import within
from gateway.execution.declarations import EdgeQuery
from gateway.models.folders import folder_grants, folders


def folders_in_scope(query: EdgeQuery) -> sa.Select[Any]:
    """Select the folders whose studies are listed: in and below one, or all that are visible."""
    folder_uuid: UUID | None = query.arguments["folder_uuid"]
    if folder_uuid is None:
        return visible_folders(query.viewer)
    home, top = folders.alias("home"), folders.alias("top")
    below = home.join(top, within(home.c.path, top.c.path))
    selected = sa.select(home.c.uuid.label("part")).select_from(below)
    # Whoever sees a folder sees all that is below it.
    return selected.where(top.c.uuid == folder_uuid, sees_folder(query.viewer, top))


def visible_folders(viewer: Viewer) -> sa.Select[Any]:
    """Select the folders that a viewer who is no site admin sees."""
    home, top, grants = folders.alias("home"), folders.alias("top"), folder_grants.alias()
    granted = grants.join(top, top.c.uuid == grants.c.folder_uuid).join(
        home, within(home.c.path, top.c.path)
    )
    # A folder can be below several grants.
    selected = sa.select(home.c.uuid.label("part")).select_from(granted)
    return selected.where(is_granted_to(viewer, grants)).distinct()


def covers_all(query: EdgeQuery) -> bool:
    """Return whether a list has the studies of all folders."""
    return query.viewer.is_site_admin and query.arguments["folder_uuid"] is None


def is_in_scope(query: EdgeQuery, folder_uuid: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    """Return the condition that a folder is among those whose studies are listed."""
    if covers_all(query):
        return is_staying(folder_uuid)
    return folder_uuid.in_(folders_in_scope(query))


def is_visible(query: EdgeQuery, folder_uuid: sa.ColumnElement[UUID]) -> sa.ColumnElement[bool]:
    """Return the condition that the viewer sees a folder."""
    if query.viewer.is_site_admin:
        return is_staying(folder_uuid)
    return folder_uuid.in_(visible_folders(query.viewer))
