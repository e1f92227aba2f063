"""Permissions on folders: how they are resolved, for those who are ADMIN there."""

from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.communities import administers_folder
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import NEVER, sees_folder
from gateway.context import Context
from gateway.database.dialects import in_bound_keys
from gateway.database.tree import ancestors, within
from gateway.execution.compiled.kept_statements import KeptStatement
from gateway.execution.declarations import Direction, KeyedRows, Orders, ToMany, ToOne, batch
from gateway.execution.keysets import KEYS
from gateway.models.folders import folder_grants, folders
from gateway.models.items import items
from gateway.models.people import groups, users
from resolvers.folders import folder_by_uuid
from resolvers.inputs.lists import StorageOrderField

_holding, _here = folders.alias("holding"), folders.alias("here")


def _administers(viewer: Viewer) -> sa.ColumnElement[bool]:
    return NEVER if viewer.tree_uuid else administers_folder(viewer, folders.c.uuid)


permissions_on = ToOne(folders, folders.c.uuid, access=_administers)
permissions_on_item = ToOne(folders, items.c.folder_uuid, access=_administers)
group_of = ToOne(groups, folder_grants.c.group_uuid)
user_of = ToOne(users, folder_grants.c.user_uuid)
folder_of = ToOne(folders, folder_grants.c.folder_uuid, access=sees_folder)
grants_on = ToMany(
    "folderPermissions",
    folder_grants,
    # The path of a folder begins with those of the folders above it: the nearest comes first.
    Orders(
        {StorageOrderField.NAME: _holding.c.path},
        StorageOrderField.NAME,
        folder_grants.c.uuid,
        Direction.DESC,
    ),
    key=folders.c.uuid,
    parent=_here.c.uuid,
    source=folder_grants.join(_holding, _holding.c.uuid == folder_grants.c.folder_uuid).join(
        _here, within(_here.c.path, _holding.c.path)
    ),
    extras={"path": _holding.c.path},
)


class VisibilityRow(NamedTuple):
    """A folder that is public or private by itself."""

    uuid: UUID


_with_own_visibility = KeptStatement(
    lambda _viewer: sa.select(folders.c.uuid).where(
        in_bound_keys(folders.c.uuid, KEYS), folders.c.visibility.is_not(None)
    ),
    VisibilityRow,
)


@batch(folders.c.path, rows=KeyedRows(folder_by_uuid))
async def visibility_folder_of(context: Context, keys: list[str]) -> list[UUID | None]:
    """Load the folders whose own visibility is in effect: each itself, or the nearest above."""
    uuids = {uuid for path in keys for uuid in ancestors(path)}
    rows = await _with_own_visibility.rows(context.database, context.viewer, uuids)
    decided = {row.uuid for row in rows}
    return [next((u for u in ancestors(path) if u in decided), None) for path in keys]
