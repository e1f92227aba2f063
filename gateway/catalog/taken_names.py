"""Names that are taken: what something is called that comes into a folder, by `ifNameTaken`.

Names are decided under the lock of the folder, so that of many writers at once each sees what the
others have written. Folders and items share their names, as paths do.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_folder
from gateway.catalog.folders import lock_folders
from gateway.catalog.paths import by_closeness
from gateway.catalog.rules.numbered_names import numbered_name
from gateway.catalog.rules.paths import in_nfc
from gateway.database.dialects import in_keys, key_pairs, lock_tree
from gateway.database.engine import Transaction
from gateway.errors import DomainError, Path, conflict
from gateway.kinds.enums import IfNameTaken, NameOutcome
from gateway.kinds.item_kinds import ITEM_KINDS
from gateway.models.base import fold
from gateway.models.folders import FolderRecord, folders
from gateway.models.items import ItemRecord, items
from gateway.models.shares import item_shares
from gateway.models.uploads import uploads

Home = UUID | None
"""The folder that a name is in; None for the roots that the viewer sees."""
Name = tuple[Home, str]
"""A name in a folder, in Unicode form NFC."""
_FIRST_NUMBERS = 16
"""Numbers that are tried at once for a name; four times as many if all of these are taken."""


@dataclass(frozen=True, slots=True)
class WantedName:
    """A name that something is to have in a folder.

    Attributes:
        path: where the request names it.
        own: the object itself, if it exists already: it does not take its name from itself.
    """

    home: Home
    name: str
    is_folder: bool
    path: Path = ()
    own: UUID | None = None

    @property
    def key(self) -> Name:
        """The name that others must not have."""
        return self.home, in_nfc(self.name)


@dataclass(frozen=True, slots=True)
class Taker:
    """Row of a folder, or of an item that is in the folder or shared into it, that has a name."""

    is_folder: bool
    row: FolderRecord | ItemRecord


class _PlacedItem(NamedTuple):
    place: UUID
    name: str


@dataclass(frozen=True, slots=True)
class NameChoice:
    """The end of a name: another one, something that is used instead, or an error."""

    name: str
    outcome: NameOutcome = NameOutcome.AS_GIVEN
    folder: FolderRecord | None = None
    item: ItemRecord | None = None
    error: DomainError | None = None


async def lock_home(transaction: Transaction, home: Home, rule: IfNameTaken) -> None:
    """Lock the folder tree, and a folder in which a name is going to be chosen by a rule.

    Roots have no folder: while one is chosen, nothing else comes into the tree.
    """
    is_chosen = rule is not IfNameTaken.ALLOW_DUPLICATE
    await lock_tree(transaction.connection, exclusive=is_chosen and home is None)
    if is_chosen and home is not None:
        await lock_folders(transaction, [home])


async def choose_names(
    transaction: Transaction,
    viewer: Viewer,
    wanted: Sequence[WantedName],
    rule: IfNameTaken,
    renamed: Collection[UUID] = (),
) -> list[NameChoice]:
    """Return what becomes of each name; the caller has locked the folders, by `lock_home`.

    Of two that want the same name, the first in order gets it.

    Args:
        renamed: items that take no names, because they get theirs now.
    """
    if rule is IfNameTaken.ALLOW_DUPLICATE:
        return [NameChoice(each.name) for each in wanted]
    taken = await _takers(transaction, viewer, {each.key for each in wanted}, renamed)
    given: set[Name] = set()
    choices: dict[int, NameChoice] = {}
    for index, each in enumerate(wanted):
        takers = [taker for taker in taken[each.key] if taker.row.uuid != each.own]
        if not takers and each.key not in given:
            given.add(each.key)
            choices[index] = NameChoice(each.name)
        elif rule is IfNameTaken.REUSE:
            choices[index] = _reused(each, takers)
        elif rule is IfNameTaken.REFUSE:
            choices[index] = _refused(each, "by something in the folder")
    unnamed = {index: each for index, each in enumerate(wanted) if index not in choices}
    choices |= await _numbered(transaction, viewer, unnamed, given, renamed)
    return [choices[index] for index in range(len(wanted))]


def _reused(wanted: WantedName, takers: Sequence[Taker]) -> NameChoice:
    """Return the choice of something that exists and is of the same kind."""
    if not takers:
        return _refused(wanted, "by another entry of the request")
    for taker in takers:
        if wanted.is_folder and taker.is_folder:
            row = cast(FolderRecord, taker.row)
            return NameChoice(row.name, NameOutcome.REUSED, folder=row)
        if not (wanted.is_folder or taker.is_folder):
            item = cast(ItemRecord, taker.row)
            if item.folder_uuid == wanted.home and has_uploaded_files(item):
                return NameChoice(item.name, NameOutcome.REUSED, item=item)
    if takers[0].is_folder:
        return _refused(wanted, "by a folder")
    reason = "" if wanted.is_folder else " that is not made of uploaded files"
    return _refused(wanted, f"by an item{reason}")


def has_uploaded_files(item: ItemRecord) -> bool:
    """Return whether an item has a file that was uploaded, or is waiting for one."""
    is_file = ITEM_KINDS[item.item_type].prober is not None
    has_some = item.object_key is not None or item.file_count is not None
    return is_file and (has_some or (item.is_placeholder and item.url is None))


def _refused(wanted: WantedName, by: str) -> NameChoice:
    message = f'The name "{wanted.name:.100}" is taken {by}.'
    return NameChoice(wanted.name, error=conflict(message, *wanted.path))


async def _numbered(
    transaction: Transaction,
    viewer: Viewer,
    wanted: Mapping[int, WantedName],
    given: set[Name],
    renamed: Collection[UUID],
) -> dict[int, NameChoice]:
    """Return the first free name with a number for each that is wanted."""
    chosen: dict[int, NameChoice] = {}
    first, count = 1, _FIRST_NUMBERS
    while missing := [index for index in wanted if index not in chosen]:
        candidates = {
            index: [
                replace(
                    wanted[index],
                    name=numbered_name(
                        wanted[index].name, number, is_folder=wanted[index].is_folder
                    ),
                )
                for number in range(first, first + count)
            ]
            for index in missing
        }
        keys = {each.key for several in candidates.values() for each in several}
        taken = await _takers(transaction, viewer, keys, renamed)
        for index, several in candidates.items():
            for each in several:
                takers = [taker for taker in taken[each.key] if taker.row.uuid != each.own]
                if not takers and each.key not in given:
                    given.add(each.key)
                    chosen[index] = NameChoice(each.name, NameOutcome.RENAMED)
                    break
        first, count = first + count, count * 4
    return chosen


async def _takers(
    transaction: Transaction, viewer: Viewer, names: Collection[Name], renamed: Collection[UUID]
) -> defaultdict[Name, list[Taker]]:
    """Return what has these names: folders before items, each in the order of their creation.

    Roots come in the order in which paths prefer them.
    """
    inner = {(home, fold(name)) for home, name in names if home is not None}
    roots = {fold(name) for home, name in names if home is None}
    taken: defaultdict[Name, list[Taker]] = defaultdict(list)
    if inner:
        wanted = key_pairs(transaction.connection, inner)
        matches = sa.and_(
            folders.c.parent_uuid == wanted.c.first, folders.c.name_key == wanted.c.second
        )
        named = sa.select(folders).join(wanted, matches).order_by(folders.c.uuid)
        for folder in await transaction.rows(named, FolderRecord):
            taken[folder.parent_uuid, in_nfc(folder.name)].append(Taker(True, folder))
        for item in await transaction.rows(_items_named(transaction, inner), _PlacedItem):
            row = cast(ItemRecord, item)
            if row.uuid not in renamed:
                taken[item.place, in_nfc(item.name)].append(Taker(False, row))
    if roots:
        visible = sa.select(folders).where(
            folders.c.parent_uuid.is_(None), in_keys(folders.c.name_key, roots), sees_folder(viewer)
        )
        for root in await transaction.rows(visible.order_by(*by_closeness(viewer)), FolderRecord):
            taken[None, in_nfc(root.name)].append(Taker(True, root))
    return taken


def _items_named(
    transaction: Transaction, keys: Collection[tuple[UUID, str]]
) -> sa.CompoundSelect[Any]:
    """Return the statement for items with these names, with the folders in which they have them."""
    wanted = key_pairs(transaction.connection, keys)

    def matches(table: sa.Table) -> sa.ColumnElement[bool]:
        return sa.and_(table.c.folder_uuid == wanted.c.first, table.c.name_key == wanted.c.second)

    selected = sa.select(*items.c, wanted.c.first.label("place"))
    # Placeholders of files that become part of other items lose their names.
    is_part = sa.exists().where(
        uploads.c.item_uuid == items.c.uuid, uploads.c.target_uuid.is_not(None)
    )
    keeps_name = sa.or_(~items.c.is_placeholder, ~is_part)
    at_home = selected.join(wanted, matches(items)).where(keeps_name)
    shared = selected.join(item_shares, item_shares.c.item_uuid == items.c.uuid).join(
        wanted, matches(item_shares)
    )
    return sa.union_all(at_home, shared).order_by("uuid")
