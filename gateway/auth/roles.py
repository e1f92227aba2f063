"""Roles of a viewer on objects: they are inherited down the tree, and the strongest one counts."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import (
    in_tree_of,
    is_granted_to,
    is_shared_with,
    is_staying,
    is_staying_dataset,
)
from gateway.database.dialects import in_keys
from gateway.database.tree import within
from gateway.errors import forbidden, not_found
from gateway.kinds.enums import StorageUserRole
from gateway.models.communities import communities
from gateway.models.datasets import dataset_grants, datasets
from gateway.models.folders import folder_grants, folders
from gateway.models.integrations import cloud_integrations, integration_grants
from gateway.models.items import items


@dataclass(frozen=True, slots=True)
class EffectiveRole:
    """A role, and the folder whose grant gives it.

    There is none if the viewer has it as a site admin, or because the object is public or shared.
    """

    role: StorageUserRole
    folder_uuid: UUID | None = None


_AS_READER = EffectiveRole(StorageUserRole.VIEWER)
_GRANTS, _TOPS = folder_grants.alias(), folders.alias()
"""Made once: aliases copy all columns of their table, which takes longer than the statement."""


async def roles_on_folders(
    connection: AsyncConnection, viewer: Viewer, uuids: Collection[UUID]
) -> dict[UUID, EffectiveRole]:
    """Return the role on each folder that the viewer may see; others are missing.

    Everyone is VIEWER of public folders.
    """
    in_tree = in_tree_of(viewer, folders.c.path)
    statement = (
        sa.select(folders.c.uuid, _GRANTS.c.role, _TOPS.c.uuid.label("top_uuid"))
        .join(_TOPS, within(folders.c.path, _TOPS.c.path))
        .join(_GRANTS, _GRANTS.c.folder_uuid == _TOPS.c.uuid)
        .where(in_keys(folders.c.uuid, uuids), is_granted_to(viewer, _GRANTS), *in_tree)
        .order_by(sa.func.length(_TOPS.c.path).desc())
    )
    rows = await connection.execute(statement)
    roles = _strongest((row.uuid, EffectiveRole(row.role, row.top_uuid)) for row in rows)
    others = set(uuids) - roles.keys()
    if others and not viewer.is_site_admin:
        public = sa.select(folders.c.uuid).where(
            in_keys(folders.c.uuid, others), folders.c.is_public, *in_tree
        )
        as_public = dict.fromkeys((await connection.execute(public)).scalars(), _AS_READER)
        return {**roles, **as_public}
    exists = is_staying(folders.c.uuid)
    return await _with_site_role(connection, viewer, folders, uuids, roles, exists, *in_tree)


async def roles_on_items(
    connection: AsyncConnection, viewer: Viewer, uuids: Collection[UUID]
) -> dict[UUID, EffectiveRole]:
    """Return the role on each item that the viewer may see, which is that on its own folder.

    Those who see an item by another folder only are VIEWER.
    """
    statement = sa.select(items.c.uuid, items.c.folder_uuid, items.c.is_shared).where(
        in_keys(items.c.uuid, uuids)
    )
    rows = (await connection.execute(statement)).all()
    on_folders = await roles_on_folders(connection, viewer, {row.folder_uuid for row in rows})
    roles = {row.uuid: on_folders[row.folder_uuid] for row in rows if row.folder_uuid in on_folders}
    shared = [row.uuid for row in rows if row.is_shared and row.uuid not in roles]
    if shared:
        visible = sa.select(items.c.uuid).where(
            in_keys(items.c.uuid, shared), is_shared_with(viewer)
        )
        roles |= dict.fromkeys((await connection.execute(visible)).scalars(), _AS_READER)
    return roles


async def roles_on_communities(
    connection: AsyncConnection, viewer: Viewer, uuids: Collection[UUID]
) -> dict[UUID, EffectiveRole]:
    """Return the role on each community that the viewer may see: that on its root folder."""
    statement = sa.select(communities.c.uuid, communities.c.folder_uuid).where(
        in_keys(communities.c.uuid, uuids)
    )
    roots = {row.uuid: row.folder_uuid for row in await connection.execute(statement)}
    # A missing community costs the same statements as a hidden one.
    looked_up = [roots.get(uuid, uuid) for uuid in uuids]
    on_folders = await roles_on_folders(connection, viewer, looked_up)
    return {uuid: on_folders[root] for uuid, root in roots.items() if root in on_folders}


async def roles_on_datasets(
    connection: AsyncConnection, viewer: Viewer, uuids: Collection[UUID]
) -> dict[UUID, EffectiveRole]:
    """Return the role on each dataset that the viewer may see; others are missing."""
    key = dataset_grants.c.dataset_uuid
    exists = is_staying_dataset(datasets.c.uuid)
    return await _roles_by_own_grants(connection, viewer, datasets, key, uuids, exists)


async def roles_on_integrations(
    connection: AsyncConnection, viewer: Viewer, uuids: Collection[UUID]
) -> dict[UUID, EffectiveRole]:
    """Return the role on each cloud integration that the viewer may see; others are missing."""
    key = integration_grants.c.integration_uuid
    return await _roles_by_own_grants(connection, viewer, cloud_integrations, key, uuids)


def require_role(
    effective: EffectiveRole | None,
    role: StorageUserRole,
    noun: str,
    uuid: UUID,
    *path: str | int,
) -> None:
    """Raise a domain error unless the viewer has at least a role.

    Args:
        effective: the role that the viewer has; None if the object is hidden from them.
        noun: what the error calls the object, such as "folder".
        uuid: the UUID of the object.
        path: the input field that the error names.

    Raises:
        DomainError: `NOT_FOUND` for a hidden object, `FORBIDDEN` for a weaker role.
    """
    if effective is None:
        raise not_found(noun, uuid, *path)
    if effective.role.rank < role.rank:
        message = f"This requires the role {role} on the {noun}; your role is {effective.role}."
        raise forbidden(message, *path)


async def _roles_by_own_grants(
    connection: AsyncConnection,
    viewer: Viewer,
    table: sa.Table,
    key: sa.Column[Any],
    uuids: Collection[UUID],
    *conditions: sa.ColumnElement[bool],
) -> dict[UUID, EffectiveRole]:
    """Return the roles on rows of a table; `key` is the column by which grants refer to it.

    The rows are in no tree, so that a credential that is limited to one gives no role on them.
    """
    if viewer.tree_uuid:
        return {}
    grants: sa.Table = key.table
    statement = sa.select(key.label("object_uuid"), grants.c.role).where(
        in_keys(key, uuids), is_granted_to(viewer, grants)
    )
    rows = await connection.execute(statement)
    roles = _strongest((row.object_uuid, EffectiveRole(row.role)) for row in rows)
    return await _with_site_role(connection, viewer, table, uuids, roles, *conditions)


def _strongest(roles: Iterable[tuple[UUID, EffectiveRole]]) -> dict[UUID, EffectiveRole]:
    """Return the strongest role on each object; of equal ones the first."""
    strongest: dict[UUID, EffectiveRole] = {}
    for uuid, effective in roles:
        if uuid not in strongest or strongest[uuid].role.rank < effective.role.rank:
            strongest[uuid] = effective
    return strongest


async def _with_site_role(
    connection: AsyncConnection,
    viewer: Viewer,
    table: sa.Table,
    uuids: Collection[UUID],
    roles: dict[UUID, EffectiveRole],
    *conditions: sa.ColumnElement[bool],
) -> dict[UUID, EffectiveRole]:
    """Return the roles, of a site admin ADMIN on every row that exists and meets the conditions."""
    if not viewer.is_site_admin:
        return roles
    chosen = sa.select(table.c.uuid).where(in_keys(table.c.uuid, uuids), *conditions)
    existing = await connection.execute(chosen)
    as_site_admin = EffectiveRole(StorageUserRole.ADMIN)
    return {
        uuid: roles[uuid]
        if uuid in roles and roles[uuid].role is StorageUserRole.ADMIN
        else as_site_admin
        for uuid in existing.scalars()
    }
