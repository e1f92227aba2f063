"""The journal of folders: how its entries are resolved, and the subscription to it."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import strawberry
from strawberry.utils.str_converters import to_camel_case

from gateway.auth.visibility import sees_folder, sees_item
from gateway.catalog.ledger.journal import folder_topic
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.database.outages import outlast
from gateway.database.tree import within
from gateway.errors import bad_input, not_found
from gateway.events.streams import Event
from gateway.execution.declarations import Argument, Computed, EdgeQuery, ToMany, ToOne
from gateway.execution.loader_resolvers import find_row
from gateway.ids import global_id, min_uuid7, uuid7_time
from gateway.kinds.enums import StorageChangeAction, StorageObjectType
from gateway.models.base import now
from gateway.models.changes import ChangeRecord, change_places, changes
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.people import users
from resolvers.folders import folder_by_uuid
from resolvers.global_ids import id_from
from resolvers.job_subscriptions import POLL_SECONDS, STATE_INTERVAL_SECONDS
from resolvers.orders import newest_first

MAX_CHANGES = 100
"""Changes in one event."""
MAX_COMMIT_DELAY = timedelta(seconds=10)
"""The longest time between the creation of a change's UUID and its commit, to miss none."""

_home, _top = folders.alias("home"), folders.alias("top")
_other, _other_home = change_places.alias("other_place"), folders.alias("other_home")
_SINCE = Argument("since", datetime | None, None, "Only changes since this time.")
_entries = changes.join(change_places, change_places.c.change_uuid == changes.c.uuid)
_order = newest_first(change_places.c.change_uuid, changes.c.uuid)


def _since(query: EdgeQuery) -> Sequence[sa.ColumnElement[bool]]:
    since = query.arguments.get("since")
    return [change_places.c.change_uuid >= min_uuid7(since)] if since else []


def _since_without_duplicates(query: EdgeQuery) -> Sequence[sa.ColumnElement[bool]]:
    """Return conditions that list a change once that is in several journals below a folder."""
    duplicate = (
        sa.exists()
        .select_from(_other.join(_other_home, _other_home.c.uuid == _other.c.folder_uuid))
        .where(
            _other.c.change_uuid == changes.c.uuid,
            _other.c.folder_uuid < change_places.c.folder_uuid,
            within(_other_home.c.path, _top.c.path),
        )
        .correlate(changes, change_places, _top)
    )
    return [*_since(query), ~duplicate]


def _public_values(values: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return changed values under their names in the schema.

    References are left out, because they may be to objects that the viewer must not see, except
    for those to groups.
    """
    if values is None:
        return None
    return {
        to_camel_case(key): value
        for key, value in values.items()
        if key == "group_uuid" or "_uuid" not in key
    }


id_of = id_from("StorageChange", changes.c.uuid)
action_of = Computed((changes.c.action,), lambda row: StorageChangeAction(row.action))
object_type_of = Computed((changes.c.object_type,), lambda row: StorageObjectType(row.object_type))
object_id_of = Computed(
    (changes.c.object_type, changes.c.object_uuid),
    lambda row: global_id(row.object_type, row.object_uuid),
)
watched_id_of = id_from("StorageFolder", "folder_uuid")
folder_of = ToOne(folders, changes.c.folder_uuid, access=sees_folder)
from_folder_of = ToOne(folders, changes.c.from_folder_uuid, access=sees_folder)
changed_item = ToOne(items, changes.c.object_uuid, access=sees_item)
changed_folder = ToOne(folders, changes.c.object_uuid, access=sees_folder)
user_of = ToOne(users, changes.c.user_uuid)
before_of = Computed((changes.c.before,), lambda row: _public_values(row.before))
after_of = Computed((changes.c.after,), lambda row: _public_values(row.after))
journal_of = ToMany(
    "journal",
    changes,
    _order,
    key=folders.c.uuid,
    parent=change_places.c.folder_uuid,
    source=_entries,
    extras={"change_uuid": change_places.c.change_uuid},
    where=_since,
    arguments=(_SINCE,),
)
journal_below = ToMany(
    "descendantJournal",
    changes,
    _order,
    key=folders.c.uuid,
    parent=_top.c.uuid,
    source=_entries.join(_home, _home.c.uuid == change_places.c.folder_uuid).join(
        _top, within(_home.c.path, _top.c.path)
    ),
    extras={"change_uuid": change_places.c.change_uuid},
    where=_since_without_duplicates,
    arguments=(_SINCE,),
)


@dataclass(frozen=True, slots=True)
class FolderChanges:
    """An event of `storageChanged`: changes of a folder, oldest first.

    `latest` is the newest change that has been sent.
    """

    folder_uuid: UUID
    changes: list[ChangeRecord]
    latest: UUID


async def watch_folder(
    context: Context,
    *,
    folder_uuid: Annotated[UUID, strawberry.argument(description="UUID of the folder.")],
    recursive: Annotated[
        bool, strawberry.argument(description="Whether to include all folders below it.")
    ] = False,
    after: Annotated[
        UUID | None,
        strawberry.argument(
            description="The `latest` of the last event that the client received. Changes that it "
            "missed come first. Changes of the ten seconds before are repeated, because some may "
            "have been committed late."
        ),
    ] = None,
) -> AsyncGenerator[Event]:
    """Changes in a folder as they are committed.

    The first event confirms the subscription. Each event lists at most 100 changes, oldest first. A
    change whose transaction took longer may arrive in a later event than one made after it, and can
    be missed if it took more than ten seconds. Changes can be repeated after a resume: ignore those
    with a `uuid` that were handled already. At most ten events are sent per second, except
    while missed changes are sent. The subscription ends with an error if the folder is deleted or
    the viewer can no longer see it.
    """
    log = _ChangeReader(context, folder_uuid, recursive)

    async def look() -> list[ChangeRecord]:
        await _check_visible(context, folder_uuid)
        return await log.read()

    async with context.services.events.listen(folder_topic(folder_uuid)) as news:
        await log.start(after)
        new = await log.read() if after else []
        while True:
            await _check_visible(context, folder_uuid)
            yield Event(FolderChanges(folder_uuid, new, log.latest))
            new = await log.read() if len(new) == MAX_CHANGES else []
            while not new:
                await asyncio.sleep(STATE_INTERVAL_SECONDS)
                await news.wait(POLL_SECONDS)
                new = await outlast(look)


async def _check_visible(context: Context, uuid: UUID) -> None:
    if await find_row(context.afresh(), folder_by_uuid, uuid) is None:
        raise not_found("folder", uuid, "folderUuid")


class _ChangeRow(NamedTuple):
    change_uuid: UUID


class _ChangeReader:
    """Reads the changes of a folder from a point in time on, each once.

    Changes are ordered by the time at which they were written, but become visible when they are
    committed. So every read also looks through the last seconds before the newest change.
    """

    def __init__(self, context: Context, folder_uuid: UUID, recursive: bool) -> None:
        self.latest = min_uuid7(now())
        self._database = context.database
        self._sent: set[UUID] = set()
        self._from = self.latest
        self._selected = (
            sa.select(change_places.c.change_uuid).distinct().order_by(change_places.c.change_uuid)
        )
        if recursive:
            path = sa.select(folders.c.path).where(folders.c.uuid == folder_uuid).scalar_subquery()
            below = sa.select(_home.c.uuid).where(within(_home.c.path, path))
            self._selected = self._selected.where(change_places.c.folder_uuid.in_(below))
        else:
            self._selected = self._selected.where(change_places.c.folder_uuid == folder_uuid)

    async def start(self, after: UUID | None) -> None:
        """Start after the current changes, or some seconds before one that the client knows."""
        if after:
            self.latest = after
            self._from = _with_delay(after)
        else:
            self._from = _with_delay(self.latest)
            self._sent = set(await self._window(None))

    async def read(self) -> list[ChangeRecord]:
        """Return at most 100 changes that were not returned before, in order."""
        window = await self._window(len(self._sent) + MAX_CHANGES)
        new = [uuid for uuid in window if uuid not in self._sent][:MAX_CHANGES]
        if not new:
            return []
        selected = sa.select(changes).where(in_keys(changes.c.uuid, new)).order_by(changes.c.uuid)
        rows = await self._database.rows(selected, ChangeRecord)
        self._sent.update(new)
        self.latest = max(self.latest, new[-1])
        self._from = max(self._from, _with_delay(new[-1]))
        self._sent = {uuid for uuid in self._sent if uuid >= self._from}
        return rows

    async def _window(self, size: int | None) -> list[UUID]:
        statement = self._selected.where(change_places.c.change_uuid >= self._from).limit(size)
        return [row.change_uuid for row in await self._database.rows(statement, _ChangeRow)]


def _with_delay(uuid: UUID) -> UUID:
    """Return the least UUID of a change that may be committed after the change with this one."""
    try:
        return min_uuid7(uuid7_time(uuid) - MAX_COMMIT_DELAY)
    except (ValueError, OverflowError):
        raise bad_input("after must be the latest value of an earlier event.", "after") from None
