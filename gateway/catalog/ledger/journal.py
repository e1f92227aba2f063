"""The journal: one entry for each object that a mutation or task changed, in its transaction.

Folders list the entries about themselves and their contents. Subscribers of a folder, and of the
folders above it, are notified once the transaction commits; so is whoever watches credentials.
Subscribers follow the entries by their numbers, which are in the order of commits.
"""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa

from gateway.auth.credentials import CREDENTIALS_TOPIC
from gateway.catalog.ledger.former_places import number_places
from gateway.catalog.ledger.sequences import SequenceName, draw_numbers
from gateway.clock import now
from gateway.database.dialects import in_keys
from gateway.database.engine import PlacedChange, Transaction
from gateway.database.row_sets import insert_many
from gateway.database.tree import LEAVING, ancestors
from gateway.events.base import Events
from gateway.ids import uuid7s
from gateway.models.changes import change_places, changes
from gateway.models.folders import folders
from gateway.models.shares import item_shares

_MAX_TEXT = 1000
_DATASET_TYPES = ("Dataset", "DataRow")
_CREDENTIAL_TYPES = ("ApiKey", "User")
_NO_VALUES: Mapping[str, Any] = MappingProxyType({})


class JournalEntry(NamedTuple):
    """A change of one object.

    Attributes:
        folder_uuid: the folder that contains the object.
        before: old values of what changed; long ones are cut.
        after: new values of what changed; long ones are cut.
        from_folder_uuid: the folder that the object was moved out of, or is shared from.
        other_folders: folders that an item was shared into before it was deleted. As long as it
            exists, `finish` looks these up.
        is_private: whether the object may be private although the folder is public.
    """

    action: str
    object_type: str
    object_uuid: UUID
    folder_uuid: UUID | None = None
    before: Mapping[str, Any] = _NO_VALUES
    after: Mapping[str, Any] = _NO_VALUES
    from_folder_uuid: UUID | None = None
    other_folders: Collection[UUID] = ()
    is_private: bool = False

    @property
    def journal_folders(self) -> set[UUID]:
        """Folders whose journals list the entry: those it is about, and a folder's own.

        Entries about datasets appear in none, as a viewer of a folder cannot see its mirrors.
        """
        if self.object_type in _DATASET_TYPES:
            return set()
        is_folder = self.object_type == "StorageFolder" and self.action != "DELETE"
        own = self.object_uuid if is_folder else None
        folders = self.folder_uuid, self.from_folder_uuid, own, *self.other_folders
        return {folder for folder in folders if folder}


def folder_topic(folder_uuid: UUID) -> str:
    """Return the event topic of changes in a folder and below it."""
    return f"folder.{folder_uuid.hex}"


async def append(
    transaction: Transaction, user_uuid: UUID | None, entries: Iterable[JournalEntry]
) -> None:
    """Write entries; `user_uuid` is None for changes that no user asked for."""
    entries = list(entries)
    moment = now()
    rows: list[dict[str, Any]] = []
    for entry, uuid in zip(entries, uuid7s(len(entries)), strict=True):
        rows.append(
            {
                "uuid": uuid,
                "created_at": moment,
                "user_uuid": user_uuid,
                "action": entry.action,
                "object_type": entry.object_type,
                "object_uuid": entry.object_uuid,
                "folder_uuid": entry.folder_uuid,
                "from_folder_uuid": entry.from_folder_uuid,
                "before": _shortened(entry.before),
                "after": _shortened(entry.after),
                "is_private": entry.is_private,
            }
        )
        is_item = entry.object_type == "StorageItem" and entry.action != "DELETE"
        item_uuid = entry.object_uuid if is_item else None
        transaction.changes.append(PlacedChange(uuid, entry.journal_folders, item_uuid))
        if entry.object_type in _CREDENTIAL_TYPES and entry.action != "CREATE":
            transaction.touches_credentials = True
    await insert_many(transaction, changes, rows)


class _TouchedPath(NamedTuple):
    path: str
    item_uuid: UUID | None


async def finish(events: Events, transaction: Transaction) -> None:
    """Publish what a transaction has touched, and number its changes, before it commits.

    It has touched the folders of its changes with those above them, and credentials. From here to
    the commit, all other transactions with changes wait.
    """
    if transaction.touches_credentials:
        await events.publish(transaction, CREDENTIALS_TOPIC)
    listed = [change for change in transaction.changes if change.folders]
    homes = set[UUID]().union(*(change.folders for change in listed))
    if not homes:
        return
    touched: set[UUID] = set()
    others: dict[UUID, set[UUID]] = {}
    for row in await _paths_of(transaction, homes):
        above = ancestors(row.path)
        touched.update(above)
        if row.item_uuid is not None:
            others.setdefault(row.item_uuid, set()).add(above[0])
    await events.publish(transaction, *map(folder_topic, sorted(touched)))
    placed = [
        (change.uuid, {*change.folders, *others[change.item_uuid]})
        if change.item_uuid in others
        else (change.uuid, change.folders)
        for change in listed
    ]
    drawn = await draw_numbers(transaction, SequenceName.CHANGES, len(placed))
    if transaction.moves_folders:
        await number_places(transaction, drawn.start)
    rows = [
        {"folder_uuid": folder, "change_uuid": change, "sequence": number}
        for (change, places), number in zip(placed, drawn, strict=True)
        for folder in places
    ]
    await insert_many(transaction, change_places, rows)


async def _paths_of(transaction: Transaction, homes: Collection[UUID]) -> list[_TouchedPath]:
    """Return the paths of these folders, unless they are deleted.

    Those that a changed item is shared into come with the item.
    """
    no_item = sa.cast(sa.null(), sa.Uuid()).label("item_uuid")
    touched: sa.Select[Any] | sa.CompoundSelect[Any]
    touched = sa.select(folders.c.path, no_item).where(in_keys(folders.c.uuid, homes))
    if items := [change.item_uuid for change in transaction.changes if change.item_uuid]:
        shared = sa.select(folders.c.path, item_shares.c.item_uuid).join_from(
            item_shares, folders, folders.c.uuid == item_shares.c.folder_uuid
        )
        is_changed = in_keys(item_shares.c.item_uuid, items)
        touched = sa.union_all(touched, shared.where(is_changed))
    rows = await transaction.rows(touched, _TouchedPath)
    return [row for row in rows if not row.path.startswith(LEAVING)]


def _shortened(values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return values as JSON scalars, with texts cut to 1,000 characters; None if there are none."""
    if not values:
        return None

    return {name: _scalar(value) for name, value in values.items()}


def _scalar(value: Any) -> Any:
    if type(value) is str:
        return value[:_MAX_TEXT]
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict | list):
        value = orjson.dumps(value, default=str).decode()
    return str(value)[:_MAX_TEXT]
