"""Which role a viewer holds where: roles flow down the tree, and the strongest wins."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import is_granted_to
from gateway.database.dialects import in_keys
from gateway.database.tree import within
from gateway.errors import forbidden, not_found
from gateway.kinds.enums import StorageUserRole
from gateway.models.datasets import dataset_grants, datasets
from gateway.models.folders import folder_grants, folders
from gateway.models.integrations import cloud_integrations, integration_grants
from gateway.models.items import items


@dataclass(frozen=True, slots=True)
class EffectiveRole:
    """A role and the folder whose grant gives it; no folder where it comes from being a site admin."""

    role: StorageUserRole
    folder_uuid: UUID | None = None


async def roles_on_folders(
    connection: AsyncConnection, viewer: Viewer, uuids: Collection[UUID]
) -> dict[UUID, EffectiveRole]:
    """The role on each folder that the viewer may see; the others are not there."""
    grants, tops = folder_grants.alias(), folders.alias()
    statement = (
        sa.select(folders.c.uuid, grants.c.role, tops.c.uuid.label("top_uuid"))
        .join(tops, within(folders.c.path, tops.c.path))
        .join(grants, grants.c.folder_uuid == tops.c.uuid)
        .where(in_keys(folders.c.uuid, uuids), is_granted_to(viewer, grants))
        .order_by(sa.func.length(tops.c.path).desc())
    )
    held = _strongest(
        (row.uuid, EffectiveRole(row.role, row.top_uuid))
        for row in await connection.execute(statement)
    )
    return await _as_site_admin(connection, viewer, folders, uuids, held)


async def roles_on_items(
    connection: AsyncConnection, viewer: Viewer, uuids: Collection[UUID]
) -> dict[UUID, EffectiveRole]:
    """The role on each item that the viewer may see: that on its folder."""
    statement = sa.select(items.c.uuid, items.c.folder_uuid).where(in_keys(items.c.uuid, uuids))
    homes = {row.uuid: row.folder_uuid for row in await connection.execute(statement)}
    held = await roles_on_folders(connection, viewer, set(homes.values()))
    return {uuid: held[home] for uuid, home in homes.items() if home in held}


async def roles_on_datasets(
    connection: AsyncConnection, viewer: Viewer, uuids: Collection[UUID]
) -> dict[UUID, EffectiveRole]:
    """The role on each dataset that the viewer may see."""
    return await _roles_by_own_grants(
        connection, viewer, datasets, dataset_grants.c.dataset_uuid, uuids
    )


async def roles_on_integrations(
    connection: AsyncConnection, viewer: Viewer, uuids: Collection[UUID]
) -> dict[UUID, EffectiveRole]:
    """The role on each integration that the viewer may see."""
    on = integration_grants.c.integration_uuid
    return await _roles_by_own_grants(connection, viewer, cloud_integrations, on, uuids)


def require_role(
    held: EffectiveRole | None, role: StorageUserRole, what: str, *path: str | int
) -> None:
    """`NOT_FOUND` for what the viewer cannot see, `FORBIDDEN` for what he sees without the role."""
    if held is None:
        raise not_found(what, *path)
    if held.role.rank < role.rank:
        raise forbidden(f"This needs the role {role} on the {what}; yours is {held.role}.", *path)


async def _roles_by_own_grants(
    connection: AsyncConnection,
    viewer: Viewer,
    table: sa.Table,
    on: sa.Column[Any],
    uuids: Collection[UUID],
) -> dict[UUID, EffectiveRole]:
    """The role on each row of a table whose grants name it in the column `on`."""
    grants: sa.Table = on.table
    chosen = in_keys(on, uuids)
    statement = sa.select(on.label("on_uuid"), grants.c.role).where(
        chosen, is_granted_to(viewer, grants)
    )
    held = _strongest(
        (row.on_uuid, EffectiveRole(row.role)) for row in await connection.execute(statement)
    )
    return await _as_site_admin(connection, viewer, table, uuids, held)


def _strongest(found: Iterable[tuple[UUID, EffectiveRole]]) -> dict[UUID, EffectiveRole]:
    held: dict[UUID, EffectiveRole] = {}
    for uuid, role in found:
        if uuid not in held or held[uuid].role.rank < role.role.rank:
            held[uuid] = role
    return held


async def _as_site_admin(
    connection: AsyncConnection,
    viewer: Viewer,
    table: sa.Table,
    uuids: Collection[UUID],
    held: dict[UUID, EffectiveRole],
) -> dict[UUID, EffectiveRole]:
    if not viewer.is_site_admin:
        return held
    found = await connection.execute(sa.select(table.c.uuid).where(in_keys(table.c.uuid, uuids)))
    return {uuid: _at_least_admin(held.get(uuid)) for uuid in found.scalars()}


def _at_least_admin(held: EffectiveRole | None) -> EffectiveRole:
    return (
        held
        if held and held.role is StorageUserRole.ADMIN
        else EffectiveRole(StorageUserRole.ADMIN)
    )
