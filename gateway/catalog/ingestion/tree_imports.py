"""Imports of trees: folders and placeholders for many files with relative paths.

All that exists is looked up and locked before anything is written: folders, then items, then stored
objects, then counters.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.file_items import WITHOUT_FILES, create_file_item
from gateway.catalog.folder_trees import insert_folders
from gateway.catalog.ingestion.existing_files import (
    ExistingFile,
    NamedFile,
    compare_files,
    compare_parts,
)
from gateway.catalog.ingestion.placeholders import (
    ExpectedFile,
    abandon_placeholders,
    add_placeholders,
    placeholder_rows,
    readable_keys,
)
from gateway.catalog.ingestion.tree_places import FIELD, TreePlaces, find_places
from gateway.catalog.items import lock_items
from gateway.catalog.ledger.counters import lock_counters
from gateway.catalog.rules.import_trees import Branch, Directory, EntryPath
from gateway.database.engine import Transaction
from gateway.errors import DomainError, DomainErrors, conflict
from gateway.ids import uuid7
from gateway.kinds.enums import IfNameTaken, ImportState, NameOutcome
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.folders import FolderRecord
from gateway.models.uploads import uploads
from gateway.queues.base import Queue

_DICOM_TYPE = "application/dicom"


@dataclass(frozen=True, slots=True)
class ImportedTree:
    """A tree to import.

    Attributes:
        files: the files, by the positions of their entries; the others are directories.
        directories: all directories, from `read_tree`.
        series: the directories whose files form a DICOM series each.
        items: the directories that become an item each, which has their files.
    """

    paths: Sequence[EntryPath]
    files: Mapping[int, ExpectedFile]
    directories: Mapping[Branch, Directory]
    if_name_taken: IfNameTaken
    series: Collection[Branch] = ()
    items: Collection[Branch] = ()

    def directory_of(self, index: int) -> Branch:
        """Return the directory of a file."""
        return self.paths[index].branch[:-1]


@dataclass(frozen=True, slots=True)
class ExpectedEntry:
    """An entry of a tree, with the folder and the item that it got.

    Attributes:
        folder_uuid: the folder that has the item, or that the directory became.
        item_uuid: the item: new ones are placeholders.
        placeholder_uuid: the placeholder whose bytes are expected.
    """

    state: ImportState
    name_outcome: NameOutcome
    folder_uuid: UUID
    item_uuid: UUID | None = None
    placeholder_uuid: UUID | None = None


def with_dicom_series(tree: ImportedTree) -> ImportedTree:
    """Return a tree in which each directory of DICOM files alone is a series.

    What a file is, its announced kind says or, without one, its media type or its extension.
    """
    files = dict(tree.files)
    series = {
        branch: directory.files
        for branch, directory in tree.directories.items()
        if branch and directory.is_leaf and all(_is_dicom(files[i]) for i in directory.files)
    }
    for index in chain.from_iterable(series.values()):
        files[index] = replace(files[index], item_type=StorageItemType.DICOM_FILE)
    return replace(tree, files=files, series=series.keys())


def with_leaf_items(tree: ImportedTree) -> ImportedTree:
    """Return a tree in which each directory of files alone is an item, unless it is a series."""
    leaves = {
        branch for branch, directory in tree.directories.items() if branch and directory.is_leaf
    }
    return replace(tree, items=leaves - set(tree.series))


def _is_dicom(file: ExpectedFile) -> bool:
    if file.item_type is not None:
        return file.item_type is StorageItemType.DICOM_FILE
    return file.mime_type == _DICOM_TYPE or file.name.lower().endswith(".dcm")


async def expect_tree(
    transaction: Transaction, queue: Queue, viewer: Viewer, top: FolderRecord, tree: ImportedTree
) -> tuple[UUID, list[ExpectedEntry]]:
    """Create folders and placeholders for a tree.

    The caller has locked the folder tree.

    Returns:
        The UUID of the import, by which a job takes its files, and what became of each entry.

    Raises:
        DomainErrors: names are taken, or folders would be too deep.
    """
    places = await find_places(
        transaction, viewer, top, tree.paths, tree.directories, tree.items, tree.if_name_taken
    )
    existing = await _compare(transaction, tree, places)
    writer = _Writer(transaction, viewer, tree, places, existing, uuid7())
    digests = {tree.files[index].sha256 for index in writer.new}
    stored = await readable_keys(transaction, viewer, {each for each in digests if each})
    known = {home.uuid for home in places.homes.values()} - {row.uuid for row in places.new}
    await lock_counters(transaction, known)
    await insert_folders(transaction, viewer.user_uuid, places.new)
    replaced = [each.item for each in existing.values() if each.is_replaced]
    await abandon_placeholders(transaction, queue, viewer.user_uuid, replaced)
    await writer.create_items()
    await writer.expect_files(stored)
    return writer.import_uuid, [writer.entry(index) for index in range(len(tree.paths))]


async def _compare(
    transaction: Transaction, tree: ImportedTree, places: TreePlaces
) -> dict[int, ExistingFile]:
    """Lock the items that have the names of files or directories, and compare their files."""
    files = {
        index: NamedFile(tree.files[index], choice.item)
        for index, choice in places.files.items()
        if choice.item
    }
    parts: dict[int, NamedFile] = {}
    errors: list[DomainError] = []
    for branch, choice in places.items.items():
        directory = tree.directories[branch]
        if choice.item and choice.item.item_type is not StorageItemType.FILE:
            message = "The name of the directory is taken by an item that has one file of its kind."
            errors.append(conflict(message, FIELD, directory.named_by, "path"))
        elif choice.item:
            named = {i: NamedFile(tree.files[i], choice.item) for i in directory.files}
            parts.update(named)
    everything = [named.item.uuid for named in (*files.values(), *parts.values())]
    await lock_items(transaction, everything)
    existing, more = await compare_files(transaction, files, FIELD)
    if errors := [*errors, *more]:
        raise DomainErrors(errors)
    return existing | await compare_parts(transaction, parts)


@dataclass(slots=True)
class _Writer:
    """Writes what a tree needs that is not there, and knows what each entry has become."""

    transaction: Transaction
    viewer: Viewer
    tree: ImportedTree
    places: TreePlaces
    existing: Mapping[int, ExistingFile]
    import_uuid: UUID
    placeholders: dict[int, UUID] = field(default_factory=dict)
    targets: dict[Branch, UUID] = field(default_factory=dict)

    @property
    def new(self) -> list[int]:
        """The positions of the files that get a placeholder."""
        existing = self.existing
        return [
            index
            for index in self.tree.files
            if index not in existing
            or existing[index].is_replaced
            or (existing[index].is_target and not existing[index].upload)
        ]

    async def create_items(self) -> None:
        """Create the items that directories become, without files."""
        for branch, choice in self.places.items.items():
            self.targets[branch] = (
                choice.item.uuid
                if choice.item
                else await create_file_item(
                    self.transaction,
                    self.viewer.user_uuid,
                    self.places.homes[branch].uuid,
                    choice.name,
                    **WITHOUT_FILES,
                )
            )

    async def expect_files(self, stored: Mapping[tuple[str | None, int | None], str]) -> None:
        """Insert placeholders, and mark those that were announced before as of this import."""
        marks, viewer = self._marks(), self.viewer
        rows = []
        for index in self.new:
            file = self.tree.files[index]
            if index in self.places.files:
                file = replace(file, name=self.places.files[index].name)
            home = self.places.homes[self.tree.directory_of(index)].uuid
            key = stored.get((file.sha256, file.file_size))
            placeholder = placeholder_rows(viewer.user_uuid, home, file, key)
            placeholder.upload.update(marks[index], user_uuid=viewer.user_uuid)
            self.placeholders[index] = placeholder.item["uuid"]
            rows.append(placeholder)
        await add_placeholders(self.transaction, viewer.user_uuid, rows)
        announced = []
        for index, each in self.existing.items():
            if each.upload:
                self.placeholders[index] = each.upload.item_uuid
                announced.append({"placeholder": each.upload.item_uuid, **marks[index]})
        if announced:
            key_type = uploads.c.item_uuid.type
            is_one = uploads.c.item_uuid == sa.bindparam("placeholder", type_=key_type)
            await self.transaction.execute(sa.update(uploads).where(is_one), announced)

    def entry(self, index: int) -> ExpectedEntry:
        """Return what became of an entry."""
        places, branch = self.places, self.tree.paths[index].branch
        if index not in self.tree.files:
            home, item = places.homes[branch].uuid, self.targets.get(branch)
            return ExpectedEntry(ImportState.FOLDER, places.directories[branch], home, item)
        directory, placeholder = self.tree.directory_of(index), self.placeholders.get(index)
        home, existing = places.homes[directory].uuid, self.existing.get(index)
        state = existing.state if existing else ImportState.NEW
        if directory in self.targets:
            outcome, item = places.directories[directory], self.targets[directory]
        else:
            outcome = places.files[index].outcome
            item = existing.item.uuid if existing and not existing.is_replaced else placeholder
        return ExpectedEntry(state, outcome, home, item, placeholder)

    def _marks(self) -> dict[int, dict[str, Any]]:
        """Return the columns by which a job knows the uploads of files, by position.

        A series of which some files are there already gets no second group.
        """
        marks: dict[int, dict[str, Any]] = {}
        for branch, directory in self.tree.directories.items():
            existing = {i: self.existing[i] for i in directory.files if i in self.existing}
            are_new = all(each.state is ImportState.NEW for each in existing.values())
            is_whole = branch in self.tree.items or (are_new and branch in self.tree.series)
            for index in directory.files:
                target = self.targets.get(branch)
                if target is None and index in existing and existing[index].is_target:
                    target = existing[index].item.uuid
                marks[index] = {
                    "import_uuid": self.import_uuid,
                    "import_position": index,
                    "import_group": directory.name if is_whole else None,
                    "target_uuid": target,
                }
        return marks
