"""The viewer's roles as values next to the columns of rows that they see."""

from typing import Any

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import granted_entries, is_granted_to
from gateway.database.tree import nearest_of, within_any
from gateway.kinds.enums import StorageUserRole
from gateway.models.folders import folder_grants

ROLE_TYPE = folder_grants.c.role.type
_STRONGEST_FIRST = sorted(StorageUserRole, key=lambda role: -role.rank)


def role_at(viewer: Viewer, path: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return the viewer's role on the folder at a path: their strongest on it and those above it.

    Everyone is VIEWER of public folders.
    """
    if viewer.is_site_admin or viewer.is_anonymous:
        return _constant(StorageUserRole.ADMIN if viewer.is_site_admin else StorageUserRole.VIEWER)
    granted = [
        (within_any(path, granted_entries(viewer, role)), _constant(role))
        for role in _STRONGEST_FIRST[:-1]
    ]
    return sa.case(*granted, else_=_constant(StorageUserRole.VIEWER))


def role_folder_at(viewer: Viewer, path: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    """Return the key of the folder whose grant gives the viewer their role; of several the nearest.

    It is null if they have it as a site admin, or because the folder is public.
    """
    roles = _STRONGEST_FIRST[:1] if viewer.is_site_admin else _STRONGEST_FIRST
    nearest = [nearest_of(path, granted_entries(viewer, role)) for role in roles]
    return sa.func.coalesce(*nearest, sa.null(), type_=sa.Uuid())


def role_by_own_grants(
    viewer: Viewer, key: sa.Column[Any], uuid: sa.ColumnElement[Any]
) -> sa.ColumnElement[Any]:
    """Return the viewer's role on an object that has grants of its own.

    `key` is the column by which grants refer to it.
    """
    if viewer.is_site_admin:
        return _constant(StorageUserRole.ADMIN)
    grants = key.table.alias()
    ranks = {str(role): -role.rank for role in StorageUserRole}
    strongest_first = sa.case(ranks, value=sa.type_coerce(grants.c.role, sa.Text()))
    role = sa.select(grants.c.role).where(
        grants.c[str(key.key)] == uuid, is_granted_to(viewer, grants)
    )
    strongest = role.order_by(strongest_first).limit(1).scalar_subquery()
    return sa.func.coalesce(strongest, _constant(StorageUserRole.VIEWER), type_=ROLE_TYPE)


def _constant(role: StorageUserRole) -> sa.ColumnElement[Any]:
    return sa.literal_column(f"'{role}'", ROLE_TYPE)
