"""The record of changes: one row a changed object, in the transaction of the change; who watches folders is told."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa

from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.tree import ancestors
from gateway.events.base import Events
from gateway.models.base import new_row
from gateway.models.changes import ChangePlaceRecord, ChangeRecord, change_places, changes
from gateway.models.folders import folders

_SHORT = 1000
_APART = ("Dataset", "DataRow")


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """What happened to one object; `before` and `after` hold what was different.

    `folder_uuid` is the folder that it lies in, `from_folder_uuid` the one that it left.
    """

    action: str
    object_type: str
    object_uuid: UUID
    folder_uuid: UUID | None = None
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    from_folder_uuid: UUID | None = None

    @property
    def places(self) -> set[UUID]:
        """The folders in whose journals it stands: those that it is about, and a folder's own.

        Who sees a folder need not see the dataset that mirrors it.
        """
        if self.object_type in _APART:
            return set()
        is_folder = self.object_type == "StorageFolder" and self.action != "DELETE"
        own = self.object_uuid if is_folder else None
        return {folder for folder in (self.folder_uuid, self.from_folder_uuid, own) if folder}


def folder_topic(folder_uuid: UUID) -> str:
    """The topic under which changes in a folder and below are told."""
    return f"folder.{folder_uuid.hex}"


async def append(
    transaction: Transaction, user_uuid: UUID | None, changed: Iterable[JournalEntry]
) -> None:
    """Write the rows of one mutation or task; `user_uuid` is None where no person did it."""
    rows: list[dict[str, Any]] = []
    places: list[dict[str, Any]] = []
    for one in changed:
        row = _row(user_uuid, one)
        rows.append(row)
        places += [
            new_row(ChangePlaceRecord, folder_uuid=folder, change_uuid=row["uuid"])
            for folder in one.places
        ]
    if rows:
        await transaction.execute(sa.insert(changes), rows)
    if places:
        await transaction.execute(sa.insert(change_places), places)
        transaction.touched.update(place["folder_uuid"] for place in places)


async def notify(events: Events, transaction: Transaction) -> None:
    """Tell who watches the folders that were touched, or one above them; done before every commit."""
    if not transaction.touched:
        return
    chosen = in_keys(folders.c.uuid, transaction.touched)
    paths = [row.path for row in await transaction.rows(sa.select(folders.c.path).where(chosen))]
    told = {uuid for path in paths for uuid in ancestors(path)}
    await events.publish(transaction, *map(folder_topic, sorted(told)))


def _row(user_uuid: UUID | None, one: JournalEntry) -> dict[str, Any]:
    return new_row(
        ChangeRecord,
        user_uuid=user_uuid,
        action=one.action,
        object_type=one.object_type,
        object_uuid=one.object_uuid,
        folder_uuid=one.folder_uuid,
        from_folder_uuid=one.from_folder_uuid,
        before=_brief(one.before),
        after=_brief(one.after),
    )


def _brief(values: Mapping[str, Any]) -> dict[str, Any] | None:
    return {name: _plain(value) for name, value in values.items()} or None


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = (
        orjson.dumps(value, default=str).decode() if isinstance(value, dict | list) else str(value)
    )
    return text[:_SHORT]
