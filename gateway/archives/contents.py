"""The entries of an archive: the files of its subject with safe paths, read page by page."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.archives.failures import Failures
from gateway.archives.urls import Subject, SubjectKind
from gateway.auth.dicom_visibility import sees_series, sees_study
from gateway.auth.visibility import Condition, sees_collection, sees_folder
from gateway.catalog.tree_files import TreeFile, files_below, files_of_items, folders_below
from gateway.context import Context
from gateway.errors import not_found
from gateway.kinds.enums import StorageLocationName
from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.models.collections import collection_items, collections
from gateway.models.dicom import dicom_instances, dicom_series, dicom_studies
from gateway.models.folders import FolderRecord, folders
from gateway.models.items import group_members
from gateway.tree_names import UsedNames
from gateway.zips.records import ArchiveEntry

ERRORS = "ERRORS.txt"
"""The entry that lists the files that an archive lacks."""
PAGE = 500
"""Files that are in memory at once."""
MAX_NESTING = 4
"""Groups within groups that are directories within each other."""
Entries = AsyncGenerator[ArchiveEntry, None]


class ArchiveDirectory:
    """A directory of an archive, with the names that are in use there."""

    def __init__(self, prefix: str = "", *reserved: str) -> None:
        self.prefix = prefix
        self._names = UsedNames(*reserved)
        self._of_item: tuple[UUID, ArchiveDirectory] | None = None

    def add(self, name: str) -> str:
        """Return the path of a new file."""
        return self.prefix + self._names.add(name)

    def below(self, name: str) -> "ArchiveDirectory":
        """Return a new directory in this one."""
        return ArchiveDirectory(f"{self.add(name)}/")

    def path_of(self, file: TreeFile) -> str:
        """Return the path of a file of an item, which may have a directory for its files.

        The files of an item follow one another.
        """
        if not file.has_directory:
            return self.add(file.item_name)
        if self._of_item is None or self._of_item[0] != file.item_uuid:
            self._of_item = file.item_uuid, self.below(file.item_name)
        return self._of_item[1].add(file.name)


class Contents:
    """The contents of an archive, as its viewer sees them now."""

    def __init__(self, context: Context, failures: Failures) -> None:
        self._database = context.database
        self._viewer = context.viewer
        self._failures = failures
        self._root = ArchiveDirectory("", ERRORS)

    async def of(self, subject: Subject) -> Entries:
        """Return the entries of a subject.

        Raises:
            DomainError: `NOT_FOUND`, the viewer sees no such object.
        """
        match subject.kind:
            case SubjectKind.FOLDER:
                seen = sa.select(folders.c.path).where(folders.c.uuid == subject.uuid)
                rows = await self._database.rows(
                    seen.where(sees_folder(self._viewer)), FolderRecord
                )
                if rows:
                    return self._of_folder(rows[0].path)
            case SubjectKind.ITEM:
                files = await files_of_items(self._database, self._viewer, [subject.uuid])
                if files:
                    return self._of_item(files[subject.uuid])
            case SubjectKind.COLLECTION:
                seen_collection = sees_collection(self._viewer)
                if await self._exists(collections.c.uuid == subject.uuid, seen_collection):
                    return self._of_collection(subject.uuid)
            case SubjectKind.STUDY:
                seen_study = sees_study(self._viewer)
                if await self._exists(dicom_studies.c.uuid == subject.uuid, seen_study):
                    return self._of_study(subject.uuid)
        raise not_found(subject.kind, subject.uuid)

    async def _exists(self, *conditions: Condition) -> bool:
        return bool(await self._database.rows(sa.select(sa.literal(1)).where(*conditions), sa.Row))

    async def _of_folder(self, top: str) -> Entries:
        """Yield the files of a folder and of all below it, with a directory for each folder."""
        way = [(top, self._root)]
        waiting = self._folders_below(top)
        folder = await anext(waiting, None)
        async for file in self._files_below(top):
            while folder is not None and folder.path <= file.folder_path:
                yield _enter(way, folder)
                folder = await anext(waiting, None)
            while len(way) > 1 and not file.folder_path.startswith(way[-1][0]):
                way.pop()
            for entry in self._entry(file, way[-1][1].path_of(file)):
                yield entry
        while folder is not None:
            yield _enter(way, folder)
            folder = await anext(waiting, None)

    async def _folders_below(self, top: str) -> AsyncIterator[Any]:
        after = top
        while rows := await folders_below(self._database, self._viewer, top, after, PAGE):
            for row in rows:
                yield row
            after = rows[-1].path

    async def _files_below(self, top: str) -> AsyncIterator[TreeFile]:
        after = None
        while rows := await files_below(self._database, self._viewer, top, after, PAGE):
            for row in rows:
                yield row
            after = rows[-1].cursor

    async def _of_item(self, rows: list[TreeFile]) -> Entries:
        """Yield the files of an item, and those of its members if it is a group."""
        for row in rows:
            if row.url is not None:
                name = row.name if row.has_directory else row.item_name
                for entry in self._entry(row, self._root.add(name)):
                    yield entry
        if _is_group(rows[0]):
            async for entry in self._of_members(rows[0].item_uuid, self._root, MAX_NESTING):
                yield entry

    async def _of_members(self, uuid: UUID, directory: ArchiveDirectory, nesting: int) -> Entries:
        position = group_members.c.position
        members = sa.select(group_members.c.item_uuid, position).where(
            group_members.c.group_uuid == uuid
        )
        last = -1
        while rows := await self._page(members.where(position > last).order_by(position)):
            uuids = [row.item_uuid for row in rows]
            async for entry in self._of_items(uuids, directory, nesting - 1):
                yield entry
            last = rows[-1].position

    async def _of_collection(self, uuid: UUID) -> Entries:
        columns = collection_items.c
        order = columns.created_at, columns.item_uuid
        listed = sa.select(*order).where(columns.collection_uuid == uuid).order_by(*order)
        page = listed
        while rows := await self._page(page):
            uuids = [row.item_uuid for row in rows]
            async for entry in self._of_items(uuids, self._root, MAX_NESTING):
                yield entry
            cursor = (
                sa.literal(rows[-1].created_at, columns.created_at.type),
                sa.literal(rows[-1].item_uuid, columns.item_uuid.type),
            )
            page = listed.where(sa.tuple_(*order) > sa.tuple_(*cursor))

    async def _of_study(self, uuid: UUID) -> Entries:
        """Yield the current instances of a study, with a directory for each series."""
        series = dicom_series.c
        seen = sa.select(series.uuid, series.series_uid, series.number, series.description)
        seen = seen.where(series.study_uuid == uuid, sees_series(self._viewer))
        ordered = seen.order_by(series.number, series.series_uid, series.uuid)
        for row in await self._database.rows(ordered, sa.Row):
            parts = [str(part) for part in (row.number, row.description) if part is not None]
            directory = self._root.below(" ".join(parts) or row.series_uid)
            instances = (
                sa.select(dicom_instances.c.item_uuid)
                .where(dicom_instances.c.series_uuid == row.uuid, dicom_instances.c.is_current)
                .order_by(
                    dicom_instances.c.number,
                    dicom_instances.c.sop_instance_uid,
                    dicom_instances.c.item_uuid,
                )
            )
            uuids = [each.item_uuid for each in await self._database.rows(instances, sa.Row)]
            for start in range(0, len(uuids), PAGE):
                async for entry in self._of_items(uuids[start : start + PAGE], directory, 0):
                    yield entry

    async def _page(self, statement: sa.Select[Any]) -> list[Any]:
        return await self._database.rows(statement.limit(PAGE), sa.Row)

    async def _of_items(
        self, uuids: list[UUID], directory: ArchiveDirectory, nesting: int
    ) -> Entries:
        """Yield the files of items in order; each group is a directory of its members."""
        files = await files_of_items(self._database, self._viewer, uuids)
        for uuid in uuids:
            rows = files.get(uuid, [])
            for row in rows:
                if row.url is not None:
                    for entry in self._entry(row, directory.path_of(row)):
                        yield entry
            if rows and nesting > 0 and _is_group(rows[0]):
                below = directory.below(rows[0].item_name)
                async for entry in self._of_members(uuid, below, nesting):
                    yield entry

    def _entry(self, file: TreeFile, path: str) -> Iterator[ArchiveEntry]:
        """Yield the entry of a file, or none and note why."""
        is_link = (
            file.item_type is StorageItemType.FILE
            and file.storage_location is StorageLocationName.DIRECT_ACCESS
        )
        if file.is_restricted:
            self._failures.add(path, "the folder is masked, and you have no `seesPhi` there")
        elif file.is_lost:
            self._failures.add(path, "the file is lost")
        elif is_link:
            self._failures.add(path, f"the file is a link to {file.url}")
        elif file.file_size is None:
            self._failures.add(path, "the size of the file is not known")
        else:
            source = {
                "item": file.item_uuid.hex,
                "key": file.object_key,
                "url": file.url,
                "integration": file.integration_uuid and file.integration_uuid.hex,
            }
            modified = int((file.source_modified_at or file.created_at).timestamp())
            yield ArchiveEntry(path, file.file_size, file.crc32, modified, source)


def _enter(way: list[tuple[str, ArchiveDirectory]], folder: Any) -> ArchiveEntry:
    """Go on to a folder behind those on the way, and return its entry."""
    while len(way) > 1 and not folder.path.startswith(way[-1][0]):
        way.pop()
    directory = way[-1][1].below(folder.name)
    way.append((folder.path, directory))
    return ArchiveEntry(directory.prefix, 0, 0, int(folder.created_at.timestamp()))


def _is_group(file: TreeFile) -> bool:
    is_scene_of_items = file.item_type is StorageItemType.SCENE and file.url is None
    return is_scene_of_items or ITEM_KINDS[file.item_type].prober is None
