"""The journal: one entry for each object that a mutation or task changed, in its transaction.

Folders list the entries about themselves and their contents. Subscribers of a folder, and of the
folders above it, are notified once the transaction commits; so is whoever watches credentials.
Subscribers follow the entries by their numbers, which are in the order of commits.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa

from gateway.auth.credentials import CREDENTIALS_TOPIC
from gateway.catalog.ledger.former_places import number_places
from gateway.catalog.ledger.sequences import SequenceName, draw_numbers
from gateway.clock import now
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.tree import LEAVING, ancestors
from gateway.events.base import Events
from gateway.models.base import new_row
from gateway.models.changes import ChangePlaceRecord, ChangeRecord, change_places, changes
from gateway.models.folders import folders
from gateway.models.shares import item_shares

_MAX_TEXT = 1000
_DATASET_TYPES = ("Dataset", "DataRow")
_CREDENTIAL_TYPES = ("ApiKey", "User")


@dataclass(frozen=True, slots=True)
class JournalEntry:
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
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
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
    rows: list[dict[str, Any]] = []
    moment = now()
    for entry in entries:
        row = new_row(
            ChangeRecord,
            created_at=moment,
            user_uuid=user_uuid,
            action=entry.action,
            object_type=entry.object_type,
            object_uuid=entry.object_uuid,
            folder_uuid=entry.folder_uuid,
            from_folder_uuid=entry.from_folder_uuid,
            before=_shortened(entry.before),
            after=_shortened(entry.after),
            is_private=entry.is_private,
        )
        rows.append(row)
        transaction.change_places += [(folder, row["uuid"]) for folder in entry.journal_folders]
        if entry.object_type == "StorageItem" and entry.action != "DELETE":
            transaction.changed_items.append((entry.object_uuid, row["uuid"]))
    if rows:
        await transaction.execute(sa.insert(changes), rows)
    if any(row["object_type"] in _CREDENTIAL_TYPES and row["action"] != "CREATE" for row in rows):
        transaction.touches_credentials = True


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
    places = dict.fromkeys(transaction.change_places)
    if not places:
        return
    touched: set[UUID] = set()
    changes_of: dict[UUID, list[UUID]] = {}
    for item, change in transaction.changed_items:
        changes_of.setdefault(item, []).append(change)
    for row in await _paths_of(transaction):
        above = ancestors(row.path)
        touched.update(above)
        if row.item_uuid is not None:
            places |= {(above[0], change): None for change in changes_of[row.item_uuid]}
    await events.publish(transaction, *map(folder_topic, sorted(touched)))
    uuids = dict.fromkeys(change for _, change in places)
    drawn = await draw_numbers(transaction, SequenceName.CHANGES, len(uuids))
    numbers = dict(zip(uuids, drawn, strict=True))
    if transaction.moves_folders:
        await number_places(transaction, drawn.start)
    rows = [
        new_row(ChangePlaceRecord, folder_uuid=folder, change_uuid=change, sequence=numbers[change])
        for folder, change in places
    ]
    await transaction.execute(sa.insert(change_places), rows)


async def _paths_of(transaction: Transaction) -> list[_TouchedPath]:
    """Return the paths of the folders in which something changed, and are not deleted.

    Those that a changed item is shared into come with the item.
    """
    no_item = sa.cast(sa.null(), sa.Uuid()).label("item_uuid")
    chosen = in_keys(folders.c.uuid, {folder for folder, _ in transaction.change_places})
    touched: sa.Select[Any] | sa.CompoundSelect[Any]
    touched = sa.select(folders.c.path, no_item).where(chosen)
    if transaction.changed_items:
        is_changed = in_keys(
            item_shares.c.item_uuid, {item for item, _ in transaction.changed_items}
        )
        shared = sa.select(folders.c.path, item_shares.c.item_uuid).join_from(
            item_shares, folders, folders.c.uuid == item_shares.c.folder_uuid
        )
        touched = sa.union_all(touched, shared.where(is_changed))
    rows = await transaction.rows(touched, _TouchedPath)
    return [row for row in rows if not row.path.startswith(LEAVING)]


def _shortened(values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return values as JSON scalars, with texts cut to 1,000 characters; None if there are none."""
    if not values:
        return None

    def scalar(value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict | list):
            value = orjson.dumps(value, default=str).decode()
        return str(value)[:_MAX_TEXT]

    return {name: scalar(value) for name, value in values.items()}
