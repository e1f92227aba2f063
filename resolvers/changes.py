"""How the record of changes answers: the journals of folders, and what happens in them as it happens."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
import strawberry
from strawberry.utils.str_converters import to_camel_case

from gateway.auth.visibility import sees_folder, sees_item
from gateway.catalog.ledger.journal import folder_topic
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.database.tree import within
from gateway.errors import bad_input, not_found
from gateway.events.streams import Event
from gateway.execution.declarations import Argument, Computed, EdgeQuery, ToMany, ToOne
from gateway.execution.loader_resolvers import find_row
from gateway.ids import min_uuid7, uuid7_time
from gateway.models.base import now
from gateway.models.changes import change_places, changes
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.people import users
from resolvers.folders import folder_by_uuid
from resolvers.job_subscriptions import BETWEEN_STATES, RECHECK_SECONDS
from resolvers.orders import newest_first

MAX_CHANGES = 100
MAX_COMMIT_DELAY = timedelta(seconds=10)
"""How long after it was written a change may be committed, at most."""

_home, _top = folders.alias("home"), folders.alias("top")
_other, _other_home = change_places.alias("other_place"), folders.alias("other_home")
_SINCE = Argument("since", datetime | None, None, "Only changes since that moment.")
_placed = changes.join(change_places, change_places.c.change_uuid == changes.c.uuid)
_order = newest_first(change_places.c.change_uuid, changes.c.uuid)


def _since(asked: EdgeQuery) -> Sequence[sa.ColumnElement[bool]]:
    since = asked.arguments.get("since")
    return [change_places.c.change_uuid >= min_uuid7(since)] if since else []


def _since_once(asked: EdgeQuery) -> Sequence[sa.ColumnElement[bool]]:
    """A change that stands in several journals of the tree is listed once."""
    elsewhere = (
        sa.exists()
        .select_from(_other.join(_other_home, _other_home.c.uuid == _other.c.folder_uuid))
        .where(
            _other.c.change_uuid == changes.c.uuid,
            _other.c.folder_uuid < change_places.c.folder_uuid,
            within(_other_home.c.path, _top.c.path),
        )
        .correlate(changes, change_places, _top)
    )
    return [*_since(asked), ~elsewhere]


def _told(values: dict[str, Any] | None) -> dict[str, Any] | None:
    """Values as the schema names them; of references only those to groups, which everybody may know."""
    if values is None:
        return None
    return {
        to_camel_case(key): value
        for key, value in values.items()
        if key == "group_uuid" or "_uuid" not in key
    }


folder_of = ToOne(folders, changes.c.folder_uuid, access=sees_folder)
from_folder_of = ToOne(folders, changes.c.from_folder_uuid, access=sees_folder)
changed_item = ToOne(items, changes.c.object_uuid, access=sees_item)
changed_folder = ToOne(folders, changes.c.object_uuid, access=sees_folder)
user_of = ToOne(users, changes.c.user_uuid)
before_of = Computed((changes.c.before,), lambda row: _told(row.before))
after_of = Computed((changes.c.after,), lambda row: _told(row.after))
journal_of = ToMany(
    "journal",
    changes,
    _order,
    key=folders.c.uuid,
    parent=change_places.c.folder_uuid,
    source=_placed,
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
    source=_placed.join(_home, _home.c.uuid == change_places.c.folder_uuid).join(
        _top, within(_home.c.path, _top.c.path)
    ),
    extras={"change_uuid": change_places.c.change_uuid},
    where=_since_once,
    arguments=(_SINCE,),
)


@dataclass(frozen=True, slots=True)
class FolderChanges:
    """What happened in a folder, in order; `latest` is the newest change that is known to have been told."""

    folder_uuid: UUID
    changes: list[Any]
    latest: UUID


async def watch_folder(
    context: Context,
    *,
    folder_uuid: Annotated[UUID, strawberry.argument(description="The folder.")],
    recursive: Annotated[
        bool, strawberry.argument(description="Whether to watch all folders below as well.")
    ] = False,
    after: Annotated[
        UUID | None,
        strawberry.argument(
            description="The `latest` that the client was told: what it missed comes first, and again the changes of "
            "ten seconds before, for some may have been committed late."
        ),
    ] = None,
) -> AsyncGenerator[Event]:
    """What happens in a folder, as it happens: at first that it is watched, then changes in their order, none lost.

    At most 100 changes an event, ten events a second. It ends with an error if the folder is deleted or the viewer may
    no longer see it.
    """
    log = _Log(context, folder_uuid, recursive)
    async with context.services.events.listen(folder_topic(folder_uuid)) as news:
        await log.begin(after)
        found = await log.more() if after else []
        while True:
            await _seen(context.afresh(), folder_uuid)
            yield Event(FolderChanges(folder_uuid, found, log.latest))
            found = await log.more() if len(found) == MAX_CHANGES else []
            while not found:
                await asyncio.sleep(BETWEEN_STATES)
                await news.wait(RECHECK_SECONDS)
                await _seen(context.afresh(), folder_uuid)
                found = await log.more()


async def _seen(context: Context, uuid: UUID) -> None:
    if await find_row(context, folder_by_uuid, uuid) is None:
        raise not_found("folder", "folderUuid")


class _Log:
    """Reads the changes of a folder from some moment on, each once.

    A change has its place in the order when it is written, but is there when it is committed: so those of the last
    seconds are looked through every time.
    """

    def __init__(self, context: Context, folder_uuid: UUID, recursive: bool) -> None:
        self.latest = min_uuid7(now())
        self._database = context.database
        self._told: set[UUID] = set()
        self._from = self.latest
        self._places = (
            sa.select(change_places.c.change_uuid).distinct().order_by(change_places.c.change_uuid)
        )
        if recursive:
            path = sa.select(folders.c.path).where(folders.c.uuid == folder_uuid).scalar_subquery()
            below = sa.select(_home.c.uuid).where(within(_home.c.path, path))
            self._places = self._places.where(change_places.c.folder_uuid.in_(below))
        else:
            self._places = self._places.where(change_places.c.folder_uuid == folder_uuid)

    async def begin(self, after: UUID | None) -> None:
        """Start behind what is there, or some seconds before a change that the client knows."""
        if after:
            self.latest = after
            self._from = _earlier(after)
            return
        self._from = _earlier(self.latest)
        self._told = set(await self._window(None))

    async def more(self) -> list[Any]:
        """Changes that were not told yet, at most 100, in order."""
        found = await self._window(len(self._told) + MAX_CHANGES)
        new = [uuid for uuid in found if uuid not in self._told][:MAX_CHANGES]
        if not new:
            return []
        self._told.update(new)
        self.latest = max(self.latest, new[-1])
        self._from = max(self._from, _earlier(new[-1]))
        self._told = {uuid for uuid in self._told if uuid >= self._from}
        chosen = in_keys(changes.c.uuid, new)
        return await self._database.rows(sa.select(changes).where(chosen).order_by(changes.c.uuid))

    async def _window(self, size: int | None) -> list[UUID]:
        statement = self._places.where(change_places.c.change_uuid >= self._from).limit(size)
        return [row.change_uuid for row in await self._database.rows(statement)]


def _earlier(uuid: UUID) -> UUID:
    try:
        return min_uuid7(uuid7_time(uuid) - MAX_COMMIT_DELAY)
    except (ValueError, OverflowError):
        raise bad_input("This is no change that the subscription told.", "after") from None
