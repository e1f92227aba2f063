"""The files of a folder and of all folders below it, in a lasting order that indexes have.

Files come folder by folder, in the order of the folders' paths of ids; within a folder by name.
Folders that the viewer does not see are left out, with what is in them.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.identity import hides_identity_of
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import Condition, sees_folder, sees_item
from gateway.database.dialects import in_keys
from gateway.database.engine import Database
from gateway.database.page_rows import rows_part_by_part
from gateway.database.tree import END_OF_PATHS, within
from gateway.kinds.enums import StorageLocationName
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.folders import folders
from gateway.models.items import items, stored_objects
from gateway.models.revisions import bitstreams
from gateway.models.shares import item_shares

_folder = folders.alias("folder")
_home, _shared = items.alias("home"), items.alias("shared")


class FileCursor(NamedTuple):
    """The position of a file in the list: after it, the next one is read."""

    folder_path: str
    name_key: str
    item_uuid: UUID
    position: int


class TreeFile(NamedTuple):
    """A file of an item, in a folder of the tree.

    Attributes:
        folder_path: the path of ids of the folder.
        position: its position among the files of its item.
        has_directory: whether it belongs into a directory with the name of its item.
        is_restricted: whether the viewer gets no bytes of it, as its item is masked to them.
    """

    folder_path: str
    name_key: str
    item_uuid: UUID
    item_name: str
    item_type: StorageItemType
    position: int
    has_directory: bool
    name: str
    file_size: int | None
    sha256: str | None
    mime_type: str | None
    object_key: str | None
    url: str | None
    integration_uuid: UUID | None
    source_modified_at: datetime | None
    storage_location: StorageLocationName
    created_at: datetime
    crc32: int | None
    is_lost: bool
    is_restricted: bool

    @property
    def names(self) -> list[str]:
        """The names on the way from the folder to the file."""
        return [self.item_name, self.name] if self.has_directory else [self.item_name]

    @property
    def cursor(self) -> FileCursor:
        """The position of the file in the list."""
        return FileCursor(self.folder_path, self.name_key, self.item_uuid, self.position)


class TreeFolder(NamedTuple):
    """A folder of the tree."""

    path: str
    name: str
    created_at: datetime


async def folders_below(
    database: Database, viewer: Viewer, top: str, after: str, size: int
) -> list[TreeFolder]:
    """Return the next folders below a folder that the viewer sees, by their paths of ids."""
    columns = [_folder.c[name] for name in TreeFolder._fields]
    chosen = [within(_folder.c.path, top), _folder.c.path > after, sees_folder(viewer, _folder)]
    statement = sa.select(*columns).where(*chosen).order_by(_folder.c.path).limit(size)
    return [TreeFolder(*row) for row in await database.rows(statement, TreeFolder)]


async def files_of_items(
    database: Database, viewer: Viewer, uuids: Collection[UUID]
) -> dict[UUID, list[TreeFile]]:
    """Return the files of items that the viewer sees, in their order, by item.

    Items without bytes of their own, such as groups, have a row without a URL.
    """
    statement = (
        sa.select(*file_columns(viewer, sa.literal(""), items.c.name_key))
        .select_from(with_bytes(items))
        .where(in_keys(items.c.uuid, uuids), sees_item(viewer), ~items.c.is_placeholder)
        .order_by(items.c.uuid, POSITION)
    )
    files: dict[UUID, list[TreeFile]] = {}
    for row in await database.rows(statement, TreeFile):
        files.setdefault(row.item_uuid, []).append(TreeFile(*row))
    return files


async def files_below(
    database: Database, viewer: Viewer, top: str, after: FileCursor | None, size: int
) -> list[TreeFile]:
    """Return the next files of a folder and of all below it, at most `size`.

    Args:
        top: the path of ids of the folder.
    """
    files: list[TreeFile] = []
    if after is not None:
        files = await _files_at(database, viewer, _rest_of_folder(viewer, after, size), after, size)
    if len(files) < size:
        left = size - len(files)
        places = _places_in_folders(database.dialect, viewer, top, after, left)
        files += await _files_at(database, viewer, places, None, left)
    return files


def _has_files(item: sa.FromClause) -> list[Condition]:
    """Return the conditions of items that have bytes of their own."""
    has_one = sa.and_(item.c.file_count.is_(None), item.c.url.is_not(None))
    return [~item.c.is_placeholder, sa.or_(has_one, item.c.file_count > 0)]


def _has_shared_files() -> Condition:
    return sa.exists().where(_shared.c.uuid == item_shares.c.item_uuid, *_has_files(_shared))


def _rest_of_folder(viewer: Viewer, after: FileCursor, size: int) -> sa.Select[Any]:
    """Return the places of the items of a folder from a file on, whose item may have more files."""
    seen = sa.select(_folder.c.uuid).where(_folder.c.path == after.folder_path)
    folder_uuid = seen.where(sees_folder(viewer, _folder)).scalar_subquery()
    halves = []
    for table, item_uuid, conditions in (
        (_home, _home.c.uuid, _has_files(_home)),
        (item_shares, item_shares.c.item_uuid, [_has_shared_files()]),
    ):
        row = sa.tuple_(table.c.name_key, item_uuid)
        cursor = sa.tuple_(
            sa.literal(after.name_key, table.c.name_key.type),
            sa.literal(after.item_uuid, item_uuid.type),
        )
        path = sa.literal(after.folder_path, _folder.c.path.type).label("path")
        half = sa.select(path, table.c.name_key, item_uuid.label("item_uuid")).where(
            table.c.folder_uuid == folder_uuid, row >= cursor, *conditions
        )
        first = half.order_by(table.c.name_key, item_uuid).limit(size + 1)
        halves.append(sa.select(first.subquery()))
    return _merged(halves, size + 1)


def _places_in_folders(
    dialect: str, viewer: Viewer, top: str, after: FileCursor | None, size: int
) -> sa.Select[Any]:
    """Return the places of the first items in the folders behind that of a file."""
    path = _folder.c.path
    chosen = [within(path, top), sees_folder(viewer, _folder)]
    if after is not None:
        chosen.append(path > after.folder_path)

    def rows(
        table: Any, item_uuid: Any, conditions: Sequence[Condition], bounds: Sequence[Condition]
    ) -> sa.Select[Any]:
        order = [table.c.name_key, item_uuid]
        of_folder = table.c.folder_uuid == _folder.c.uuid
        columns = [table.c.name_key, item_uuid.label("item_uuid")]
        return rows_part_by_part(
            dialect,
            _folder,
            of_folder,
            [*chosen, *bounds],
            path,
            table,
            columns,
            conditions,
            order,
            size,
        )

    homes = rows(_home, _home.c.uuid, _has_files(_home), []).cte("homes")
    # Items that are shared into folders behind these are not needed.
    count, last = sa.func.count(), sa.func.max(homes.c.path)
    end = sa.select(sa.case((count >= size, last), else_=END_OF_PATHS)).select_from(homes)
    bounds = [_folder.c.has_shares, path <= end.scalar_subquery()]
    shares = rows(item_shares, item_shares.c.item_uuid, [_has_shared_files()], bounds)
    return _merged([sa.select(homes), sa.select(shares.subquery())], size)


def _merged(halves: Sequence[sa.Select[Any]], size: int) -> sa.Select[Any]:
    both = sa.union_all(*halves).subquery("both_halves")
    return sa.select(both).order_by(both.c.path, both.c.name_key, both.c.item_uuid).limit(size)


async def _files_at(
    database: Database,
    viewer: Viewer,
    places: sa.Select[Any],
    after: FileCursor | None,
    size: int,
) -> list[TreeFile]:
    """Return the files of the items at some places in their order, from behind `after` on."""
    chosen = places.subquery("chosen")
    statement = (
        sa.select(*file_columns(viewer, chosen.c.path, chosen.c.name_key))
        .select_from(with_bytes(chosen.join(items, items.c.uuid == chosen.c.item_uuid)))
        .order_by(chosen.c.path, chosen.c.name_key, items.c.uuid, POSITION)
        .limit(size)
    )
    if after is not None:
        is_behind = sa.or_(items.c.uuid != after.item_uuid, after.position < POSITION)
        statement = statement.where(is_behind)
    return [TreeFile(*row) for row in await database.rows(statement, TreeFile)]


_is_bitstream = bitstreams.c.uuid.is_not(None)
_object_key = sa.case((_is_bitstream, bitstreams.c.object_key), else_=items.c.object_key)
POSITION = sa.func.coalesce(bitstreams.c.position, 0)
"""The position of a file among those of its item."""


def with_bytes(source: sa.FromClause) -> sa.FromClause:
    """Return items joined with where their bytes are: one row for each file of their heads."""
    is_in_head = bitstreams.c.last_revision.is_(None)
    files = source.outerjoin(bitstreams, (bitstreams.c.item_uuid == items.c.uuid) & is_in_head)
    return files.outerjoin(stored_objects, stored_objects.c.key == _object_key)


def file_columns(viewer: Viewer, path: Any, name_key: Any) -> list[sa.ColumnElement[Any]]:
    """Return the columns of a `TreeFile` of what `with_bytes` joins."""
    return [
        path.label("folder_path"),
        name_key.label("name_key"),
        items.c.uuid.label("item_uuid"),
        items.c.name.label("item_name"),
        items.c.item_type,
        POSITION.label("position"),
        sa.or_(items.c.is_directory, sa.func.coalesce(items.c.file_count, 1) > 1).label(
            "has_directory"
        ),
        *(_of_file(name) for name in ("name", "file_size", "sha256", "mime_type", "object_key")),
        *(_of_file(name) for name in ("url", "integration_uuid", "source_modified_at")),
        _of_file("storage_location"),
        _of_file("created_at"),
        stored_objects.c.crc32,
        sa.case((_is_bitstream, bitstreams.c.is_lost), else_=items.c.is_tombstone).label("is_lost"),
        hides_identity_of(viewer).label("is_restricted"),
    ]


def _of_file(name: str) -> sa.ColumnElement[Any]:
    """Return a column of a file: of its own row, or of the item that has no other."""
    return sa.case((_is_bitstream, bitstreams.c[name]), else_=items.c[name]).label(name)
