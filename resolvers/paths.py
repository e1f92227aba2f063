"""Paths: the object that a path names, and the paths of folders and items."""

from typing import Annotated, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.catalog.paths import find_resource, paths_of_folders
from gateway.catalog.rules.paths import path_part, read_path, write_path
from gateway.context import Context
from gateway.database.dialects import in_bound_keys
from gateway.execution.compiled.kept_statements import KeptStatement
from gateway.execution.declarations import Finish, batch
from gateway.execution.keyed_rows import RowKey, TypedRow
from gateway.execution.keysets import KEYS
from gateway.models.folders import folders
from gateway.models.items import items
from resolvers.nodes import find_node_of
from resolvers.shared_items import shown_folder_uuid


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
) -> RowKey | TypedRow | None:
    r"""The folder, item or user that a path names, or null if the viewer sees none there.

    A path begins with a root folder of the viewer, as in `/Study/Scans/a.dcm`; with
    `/communities/<name>`, which is the community's folder; or with `/users/<e-mail>`, the user, and
    one of the root folders that they own. Of root folders with one name, those that the viewer owns
    come first, then those that they were given a role on, then public ones. `/users/…` needs the
    scope `READ_USER_INFO`, and with an API key for a folder finds only the user of the key.

    In names, also those of communities, upper and lower case differ; composed and decomposed
    letters are the same. Addresses ignore case. Of several objects with one name, folders come
    before items, and then the earliest.
    """
    names = read_path(path, "path")
    resource = await find_resource(context.database, context.viewer, names, "path")
    return await find_node_of(context, *resource) if resource else None


@batch(folders.c.path)
async def path_of_folder(context: Context, keys: list[str]) -> list[str | None]:
    """Load the paths of folders, each from the topmost folder that the viewer can see."""
    return await _written_paths(context, keys)


class PathRow(NamedTuple):
    """A folder and its path of ids."""

    uuid: UUID
    path: str


_tree_paths = KeptStatement(
    lambda _viewer: sa.select(folders.c.uuid, folders.c.path).where(
        in_bound_keys(folders.c.uuid, KEYS)
    ),
    PathRow,
)


def _path_in(folder_path: str | None, name: str) -> str | None:
    """Return the path of an item, given that of the folder in which the viewer sees it."""
    return None if folder_path is None else folder_path + path_part(name)


@batch(shown_folder_uuid, finish=Finish((items.c.name,), _path_in))
async def path_of_item(context: Context, keys: list[UUID]) -> list[str | None]:
    """Load the paths of the folders in which the viewer sees items."""
    tree_paths = await _tree_paths.rows(context.database, context.viewer, keys)
    paths = await _written_paths(context, [row.path for row in tree_paths])
    above = {row.uuid: path for row, path in zip(tree_paths, paths, strict=True)}
    return [above[key] for key in keys]


async def _written_paths(context: Context, tree_paths: list[str]) -> list[str | None]:
    """Return the paths of folders, which are given by their ids from the root."""
    paths = await paths_of_folders(context.database, context.viewer, tree_paths)
    return [None if (names := paths[path]) is None else write_path(names) for path in tree_paths]
