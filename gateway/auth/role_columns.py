"""The viewer's roles as values next to the columns of rows that they see."""

from typing import Any

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import is_granted_to
from gateway.database.tree import within
from gateway.kinds.enums import StorageUserRole
from gateway.models.folders import folder_grants, folders

ROLE_TYPE = folder_grants.c.role.type


def role_at(viewer: Viewer, path: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return the viewer's role on the folder at a path: their strongest on it and those above it.

    Everyone is VIEWER of public folders.
    """
    if viewer.is_site_admin or viewer.is_anonymous:
        return _constant(StorageUserRole.ADMIN if viewer.is_site_admin else StorageUserRole.VIEWER)
    grants, tops = folder_grants.alias(), folders.alias()
    role = _granted_above(viewer, path, grants, tops).with_only_columns(grants.c.role)
    return _or_viewer(role.order_by(_strongest_first(grants)).limit(1))


def role_folder_at(viewer: Viewer, path: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return the key of the folder whose grant gives the viewer their role; of several the nearest.

    It is null if they have it as a site admin, or because the folder is public.
    """
    grants, tops = folder_grants.alias(), folders.alias()
    granted = _granted_above(viewer, path, grants, tops).order_by(
        _strongest_first(grants), sa.func.length(tops.c.path).desc()
    )
    if viewer.is_site_admin:
        granted = granted.where(grants.c.role == _constant(StorageUserRole.ADMIN))
    return granted.with_only_columns(tops.c.uuid).limit(1).scalar_subquery()


def role_by_own_grants(
    viewer: Viewer, key: sa.Column[Any], uuid: sa.ColumnElement[Any]
) -> sa.ColumnElement[Any]:
    """Return the viewer's role on an object that has grants of its own.

    `key` is the column by which grants refer to it.
    """
    if viewer.is_site_admin:
        return _constant(StorageUserRole.ADMIN)
    grants = key.table.alias()
    role = sa.select(grants.c.role).where(
        grants.c[str(key.key)] == uuid, is_granted_to(viewer, grants)
    )
    return _or_viewer(role.order_by(_strongest_first(grants)).limit(1))


def _granted_above(
    viewer: Viewer, path: sa.ColumnElement[Any], grants: sa.FromClause, tops: sa.FromClause
) -> sa.Select[Any]:
    """Return the grants of a viewer on the folder at a path and those above it."""
    return (
        sa.select(sa.literal(1))
        .select_from(grants.join(tops, tops.c.uuid == grants.c.folder_uuid))
        .where(is_granted_to(viewer, grants), within(path, tops.c.path))
    )


def _strongest_first(grants: sa.FromClause) -> sa.ColumnElement[int]:
    ranks = {str(role): -role.rank for role in StorageUserRole}
    return sa.case(ranks, value=sa.type_coerce(grants.c.role, sa.Text()))


def _or_viewer(role: sa.Select[Any]) -> sa.ColumnElement[Any]:
    viewer = _constant(StorageUserRole.VIEWER)
    return sa.func.coalesce(role.scalar_subquery(), viewer, type_=ROLE_TYPE)


def _constant(role: StorageUserRole) -> sa.ColumnElement[Any]:
    return sa.literal_column(f"'{role}'", ROLE_TYPE)
