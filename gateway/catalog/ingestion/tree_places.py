"""Places of an imported tree: the folder that each directory becomes, and the name of each file.

What exists is looked up and locked from the top down, before anything is written.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from gateway.auth.viewer import Viewer
from gateway.catalog.folders import check_depth, folder_row, lock_folders
from gateway.catalog.rules.import_trees import Directory, EntryPath, Place
from gateway.catalog.taken_names import NameChoice, Wanted, choose_names
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
        homes: the folder of each directory, new ones included.
        new: the rows of the folders that do not exist yet, outer ones first.
        directories: what became of the names of directories.
        files: what becomes of the names of files, by the positions of their entries.
    """

    homes: dict[Place, FolderRecord]
    new: list[FolderRecord] = field(default_factory=list)
    directories: dict[Place, NameOutcome] = field(default_factory=dict)
    files: dict[int, NameChoice] = field(default_factory=dict)


async def find_places(
    transaction: Transaction,
    viewer: Viewer,
    top: FolderRecord,
    paths: Sequence[EntryPath],
    directories: Mapping[Place, Directory],
    rule: IfNameTaken,
) -> TreePlaces:
    """Return where the directories and files of a tree go; folders that exist are locked.

    Raises:
        DomainErrors: names are taken, or folders would be too deep.
    """
    places = TreePlaces({(): top})
    by_depth: dict[int, list[Place]] = defaultdict(list)
    for place in directories:
        by_depth[len(place)].append(place)
    errors: list[DomainError] = []
    for level in range(len(by_depth)):
        names: list[tuple[Place | int, Wanted]] = [
            (
                place,
                _wanted(places, place[:-1], directories[place].name, directories[place].named_by),
            )
            for place in by_depth[level + 1]
        ]
        for home in by_depth[level]:
            names += [
                (index, _wanted(places, home, paths[index].names[-1], index, is_folder=False))
                for index in directories[home].files
            ]
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
    places: TreePlaces, home: Place, name: str, index: int, *, is_folder: bool = True
) -> Wanted:
    return Wanted(places.homes[home].uuid, name, is_folder, (FIELD, index, "path"))


async def _choose(
    transaction: Transaction,
    viewer: Viewer,
    places: TreePlaces,
    wanted: Sequence[Wanted],
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
    places: TreePlaces, user_uuid: UUID, place: Place, wanted: Wanted, choice: NameChoice
) -> None:
    """Note the folder of a directory: the existing one, or the row of a new one."""
    places.directories[place] = choice.outcome
    if choice.folder:
        places.homes[place] = choice.folder
        return
    row = folder_row(places.homes[place[:-1]], user_uuid, choice.name)
    check_depth(depth(row.path), *wanted.path)
    places.homes[place] = row
    places.new.append(row)
