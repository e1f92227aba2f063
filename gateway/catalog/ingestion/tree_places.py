"""Places of an imported tree: the folder that each directory becomes, and the name of each file.

What exists is looked up and locked from the top down, before anything is written.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from gateway.auth.viewer import Viewer
from gateway.catalog.folders import check_depth, folder_row, lock_folders
from gateway.catalog.rules.import_trees import Branch, Directory, EntryPath
from gateway.catalog.taken_names import NameChoice, WantedName, choose_names
from gateway.database.engine import Transaction
from gateway.database.tree import depth
from gateway.errors import DomainError, DomainErrors
from gateway.kinds.enums import IfNameTaken, NameOutcome
from gateway.models.folders import FolderRecord

FIELD = "entries"
"""The input field that has the entries."""


@dataclass(slots=True)
class TreePlaces:
    """Where a tree goes.

    Attributes:
        homes: the folder of each directory, new ones included; that above for one that becomes an
            item.
        new: the rows of the folders that do not exist yet, outer ones first.
        directories: what became of the names of directories.
        items: what becomes of the names of directories that become items.
        files: what becomes of the names of other files, by the positions of their entries.
    """

    homes: dict[Branch, FolderRecord]
    new: list[FolderRecord] = field(default_factory=list)
    directories: dict[Branch, NameOutcome] = field(default_factory=dict)
    items: dict[Branch, NameChoice] = field(default_factory=dict)
    files: dict[int, NameChoice] = field(default_factory=dict)


async def find_places(
    transaction: Transaction,
    viewer: Viewer,
    top: FolderRecord,
    paths: Sequence[EntryPath],
    directories: Mapping[Branch, Directory],
    items: Collection[Branch],
    rule: IfNameTaken,
) -> TreePlaces:
    """Return where the directories and files of a tree go; folders that exist are locked.

    Args:
        items: the directories that become items, with their files as parts.

    Raises:
        DomainErrors: names are taken, or folders would be too deep.
    """
    places = TreePlaces({(): top})
    by_depth: dict[int, list[Branch]] = defaultdict(list)
    for branch in directories:
        by_depth[len(branch)].append(branch)
    errors: list[DomainError] = []
    for level in range(len(by_depth)):
        names: list[tuple[Branch | int, WantedName]] = []
        for branch in by_depth[level + 1]:
            name, index = directories[branch].name, directories[branch].named_by
            is_folder = branch not in items
            names.append((branch, _wanted(places, branch[:-1], name, index, is_folder=is_folder)))
        for home in by_depth[level]:
            for index in directories[home].files if home not in items else ():
                name = paths[index].names[-1]
                names.append((index, _wanted(places, home, name, index, is_folder=False)))
        chosen = await _choose(transaction, viewer, places, [each for _, each in names], rule)
        errors += [choice.error for choice in chosen if choice.error]
        for (key, wanted), choice in zip(names, chosen, strict=True):
            if isinstance(key, int):
                places.files[key] = choice
            else:
                _enter(places, viewer.user_uuid, key, wanted, choice)
    if errors:
        raise DomainErrors(errors)
    return places


def _wanted(
    places: TreePlaces, home: Branch, name: str, index: int, *, is_folder: bool
) -> WantedName:
    return WantedName(places.homes[home].uuid, name, is_folder, (FIELD, index, "path"))


async def _choose(
    transaction: Transaction,
    viewer: Viewer,
    places: TreePlaces,
    wanted: Sequence[WantedName],
    rule: IfNameTaken,
) -> list[NameChoice]:
    """Return what becomes of names; in new folders, none is taken."""
    new = {row.uuid for row in places.new}
    existing = [each for each in wanted if each.home not in new]
    if rule is not IfNameTaken.ALLOW_DUPLICATE:
        await lock_folders(transaction, {each.home for each in existing if each.home})
    chosen = iter(await choose_names(transaction, viewer, existing, rule))
    return [NameChoice(each.name) if each.home in new else next(chosen) for each in wanted]


def _enter(
    places: TreePlaces, user_uuid: UUID, branch: Branch, wanted: WantedName, choice: NameChoice
) -> None:
    """Note what a directory becomes: an item, an existing folder, or the row of a new one."""
    places.directories[branch] = choice.outcome
    if not wanted.is_folder:
        places.items[branch], places.homes[branch] = choice, places.homes[branch[:-1]]
        return
    if choice.folder:
        places.homes[branch] = choice.folder
        return
    row = folder_row(places.homes[branch[:-1]], user_uuid, choice.name)
    check_depth(depth(row.path), *wanted.path)
    places.homes[branch] = row
    places.new.append(row)
