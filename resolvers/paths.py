"""Paths: the object that a path names, and the paths of folders and items."""

from typing import Annotated
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.catalog.paths import find_resource, paths_of_folders
from gateway.catalog.rules.paths import read_path, write_path
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.execution.declarations import batch
from gateway.models.folders import FolderRecord, folders
from gateway.models.items import items
from resolvers.nodes import NodeRow, find_node_of


async def find_by_path(
    context: Context,
    *,
    path: Annotated[
        str,
        strawberry.argument(
            description=r"Names of nested folders, the outermost first, each after a slash. In a "
            r"name, `\/` stands for a slash and `\\` for a backslash."
        ),
    ],
) -> NodeRow | None:
    r"""The folder, item or user that a path names, or null if the viewer sees none there.

    A path begins with a root folder of the viewer, as in `/Study/Scans/a.dcm`, or with
    `/users/<e-mail>` and one of the user's root folders; `/users/<e-mail>` alone is the user. Upper
    and lower case differ, and names that look alike in Unicode are the same. Of several objects
    with one name, folders come before items, and then the earliest.
    """
    names = read_path(path, "path")
    resource = await find_resource(context.database, context.viewer, names, "path")
    return await find_node_of(context, *resource) if resource else None


@batch(folders.c.path)
async def path_of_folder(context: Context, keys: list[str]) -> list[str]:
    """Load the paths of folders, each from the topmost folder that the viewer can see."""
    names = await paths_of_folders(context.database, context.viewer, keys)
    return [write_path(names[key]) for key in keys]


@batch(items.c.folder_uuid, items.c.name)
async def path_of_item(context: Context, keys: list[tuple[UUID, str]]) -> list[str]:
    """Load the paths of items, by those of their folders."""
    homes = {folder for folder, _ in keys}
    statement = sa.select(folders.c.uuid, folders.c.path).where(in_keys(folders.c.uuid, homes))
    rows = await context.database.rows(statement, FolderRecord)
    names = await paths_of_folders(context.database, context.viewer, [row.path for row in rows])
    above = {row.uuid: names[row.path] for row in rows}
    return [write_path([*above[folder], name]) for folder, name in keys]
