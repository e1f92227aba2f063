"""Imports of trees: folders and placeholders for many files with relative paths.

All that exists is looked up and locked before anything is written: folders, then items, then stored
objects, then counters.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.folder_trees import insert_folders
from gateway.catalog.ingestion.existing_files import ExistingFile, compare_existing
from gateway.catalog.ingestion.placeholders import (
    ExpectedFile,
    abandon_placeholders,
    add_placeholders,
    placeholder_rows,
    readable_keys,
)
from gateway.catalog.ingestion.tree_places import FIELD, TreePlaces, find_places
from gateway.catalog.ledger.counters import lock_counters
from gateway.catalog.rules.import_trees import Directory, EntryPath, Place
from gateway.database.engine import Transaction
from gateway.errors import DomainErrors, conflict
from gateway.ids import uuid7
from gateway.kinds.enums import IfNameTaken, ImportState, NameOutcome
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.folders import FolderRecord
from gateway.models.uploads import uploads
from gateway.queues.base import Queue

_DICOM_TYPE = "application/dicom"


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree to import.

    Attributes:
        files: the files, by the positions of their entries; the others are directories.
        directories: all directories, from `read_tree`.
        series: the directories whose files form a DICOM series each.
    """

    paths: Sequence[EntryPath]
    files: Mapping[int, ExpectedFile]
    directories: Mapping[Place, Directory]
    if_name_taken: IfNameTaken
    series: Collection[Place] = ()


@dataclass(frozen=True, slots=True)
class ImportedEntry:
    """What became of an entry.

    Attributes:
        folder_uuid: the folder that has the item, or that the directory became.
        item_uuid: the placeholder, or the item that exists.
    """

    state: ImportState
    name_outcome: NameOutcome
    folder_uuid: UUID
    item_uuid: UUID | None = None


def with_dicom_series(tree: Tree) -> Tree:
    """Return a tree in which each directory of DICOM files alone is a series.

    What a file is, its announced kind says or, without one, its media type or its extension.
    """
    files = dict(tree.files)
    series = {
        place: directory.files
        for place, directory in tree.directories.items()
        if place and directory.is_leaf and all(_is_dicom(files[i]) for i in directory.files)
    }
    for index in chain.from_iterable(series.values()):
        files[index] = replace(files[index], item_type=StorageItemType.DICOM_FILE)
    return replace(tree, files=files, series=series.keys())


def _is_dicom(file: ExpectedFile) -> bool:
    if file.item_type is not None:
        return file.item_type is StorageItemType.DICOM_FILE
    return file.mime_type == _DICOM_TYPE or file.name.lower().endswith(".dcm")


async def expect_tree(
    transaction: Transaction, queue: Queue, viewer: Viewer, top: FolderRecord, tree: Tree
) -> tuple[UUID, list[ImportedEntry]]:
    """Create folders and placeholders for a tree.

    The caller has locked the folder tree.

    Returns:
        The UUID of the import, by which a job takes its files, and what became of each entry.

    Raises:
        DomainErrors: names are taken, or folders would be too deep.
    """
    paths, rule = tree.paths, tree.if_name_taken
    places = await find_places(transaction, viewer, top, paths, tree.directories, rule)
    named = {
        index: (tree.files[index], choice.item)
        for index, choice in places.files.items()
        if choice.item
    }
    existing, errors = await compare_existing(transaction, named, FIELD)
    errors += [
        conflict("The name is taken by an item with other bytes.", FIELD, index, "path")
        for index, each in existing.items()
        if each.state is ImportState.REVISION
    ]
    if errors:
        raise DomainErrors(errors)
    import_uuid = uuid7()
    marks = _marks(tree, import_uuid, existing)
    items = await _expect_files(transaction, queue, viewer, tree, places, existing, marks)
    imported = []
    for index, path in enumerate(paths):
        if index not in tree.files:
            outcome = places.directories[path.place]
            home = places.homes[path.place].uuid
            imported.append(ImportedEntry(ImportState.FOLDER, outcome, home))
            continue
        outcome, home = places.files[index].outcome, places.homes[path.place[:-1]].uuid
        state = existing[index].state if index in existing else ImportState.NEW
        imported.append(ImportedEntry(state, outcome, home, items[index]))
    return import_uuid, imported


def _marks(
    tree: Tree, import_uuid: UUID, existing: Mapping[int, ExistingFile]
) -> dict[int, dict[str, Any]]:
    """Return the columns by which a job knows the uploads of entries, by position.

    A series of which some files are there already gets no second group.
    """
    marks: dict[int, dict[str, Any]] = {}
    for place, directory in tree.directories.items():
        states = {existing[index].state for index in directory.files if index in existing}
        is_new = place in tree.series and states <= {ImportState.NEW}
        marks |= {
            index: {
                "import_uuid": import_uuid,
                "import_position": index,
                "import_group": directory.name if is_new else None,
            }
            for index in directory.files
        }
    return marks


async def _expect_files(
    transaction: Transaction,
    queue: Queue,
    viewer: Viewer,
    tree: Tree,
    places: TreePlaces,
    existing: Mapping[int, ExistingFile],
    marks: Mapping[int, dict[str, Any]],
) -> dict[int, UUID]:
    """Insert the new folders and the placeholders of files; return the items of all files."""
    items = {index: each.item.uuid for index, each in existing.items()}
    replaced = [each.item for each in existing.values() if each.is_replaced]
    new = {
        index: replace(file, name=places.files[index].name)
        for index, file in tree.files.items()
        if index not in existing or existing[index].is_replaced
    }
    digests = {file.sha256 for file in new.values() if file.sha256}
    stored = await readable_keys(transaction, viewer, digests)
    known = {home.uuid for home in places.homes.values()} - {row.uuid for row in places.new}
    await lock_counters(transaction, known)
    await insert_folders(transaction, viewer.user_uuid, places.new)
    await abandon_placeholders(transaction, queue, viewer.user_uuid, replaced)
    placeholders = []
    for index, file in new.items():
        home = places.homes[tree.paths[index].place[:-1]].uuid
        key = stored.get((file.sha256, file.file_size))
        rows = placeholder_rows(viewer.user_uuid, home, file, key)
        rows.upload.update(marks[index], user_uuid=viewer.user_uuid)
        placeholders.append(rows)
        items[index] = rows.item["uuid"]
    await add_placeholders(transaction, viewer.user_uuid, placeholders)
    announced = [
        {"placeholder": each.item.uuid, **marks[index]}
        for index, each in existing.items()
        if each.upload and not each.is_replaced
    ]
    if announced:
        of_item = uploads.c.item_uuid == sa.bindparam("placeholder", type_=uploads.c.item_uuid.type)
        await transaction.execute(sa.update(uploads).where(of_item), announced)
    return items
