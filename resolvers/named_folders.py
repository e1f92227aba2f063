"""Folders that queries name, by their paths or UUIDs."""

from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.visibility import sees_folder
from gateway.catalog.paths import find_resource
from gateway.catalog.rules.paths import read_path
from gateway.context import Context
from gateway.models.folders import folders


class NamedFolder(NamedTuple):
    """A folder, with its path of ids."""

    uuid: UUID
    path: str


async def find_folder(context: Context, text: str) -> NamedFolder | None:
    """Return the folder with a UUID, or at a path of names; None if the viewer sees none there.

    Raises:
        DomainError: it is neither.
    """
    uuid: UUID | None
    try:
        uuid = UUID(text)
    except ValueError:
        names = read_path(text)
        resource = await find_resource(context.database, context.viewer, names)
        is_folder = resource and resource.type_name == "StorageFolder"
        uuid = resource.uuid if resource and is_folder else None
    if uuid is None:
        return None
    named = sa.select(folders.c.uuid, folders.c.path).where(folders.c.uuid == uuid)
    seen = named.where(sees_folder(context.viewer))
    rows = await context.database.rows(seen, NamedFolder)
    return rows[0] if rows else None
