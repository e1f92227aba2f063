"""The subscription to the journal of a folder.

All subscribers of a viewer to the same folder share one stream, which reads each change once.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.visibility import sees_below
from gateway.catalog.ledger.journal import folder_topic
from gateway.catalog.ledger.sequences import SequenceName
from gateway.context import Context
from gateway.database.outages import outlast
from gateway.database.tree import within
from gateway.errors import bad_input, not_found
from gateway.events.log_streams import LogStream
from gateway.events.streams import Event
from gateway.execution.loader_resolvers import find_row
from gateway.execution.viewer_columns import selected_columns
from gateway.models.changes import change_places, changes
from gateway.models.folders import folders
from gateway.models.sequences import SequenceRecord, sequences
from gateway.scalars import BigInt
from resolvers.changes import sees_entry
from resolvers.folders import folder_by_uuid
from resolvers.job_subscriptions import POLL_SECONDS, STATE_INTERVAL_SECONDS

MAX_CHANGES = 100
"""Changes in one event."""

_home, _top = folders.alias("home"), folders.alias("top")


class ReadChange(NamedTuple):
    """A change as a viewer reads it, with its number; URLs are left out if `hides_urls`."""

    uuid: UUID
    created_at: datetime
    user_uuid: UUID | None
    action: str
    object_type: str
    object_uuid: UUID
    folder_uuid: UUID | None
    from_folder_uuid: UUID | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    hides_urls: bool
    sequence: int


@dataclass(frozen=True, slots=True)
class FolderChanges:
    """An event of `storageChanged`: changes of a folder, oldest first.

    They are all that have numbers above `after`, up to `latest`.
    """

    folder_uuid: UUID
    changes: list[ReadChange]
    after: int
    latest: int

    @property
    def is_empty(self) -> bool:
        """Whether there are no such changes."""
        return not self.changes


async def watch_folder(
    context: Context,
    *,
    folder_uuid: Annotated[UUID, strawberry.argument(description="UUID of the folder.")],
    recursive: Annotated[
        bool, strawberry.argument(description="Whether to include all folders below it.")
    ] = False,
    after: Annotated[
        BigInt | None,
        strawberry.argument(
            description="The `latest` of the last event that the client received. Changes that it "
            "missed come first."
        ),
    ] = None,
) -> AsyncGenerator[Event]:
    """Changes in a folder as they are committed.

    The first event confirms the subscription. Each event lists at most 100 changes, in the order in
    which they were committed. None is missed, and none is sent twice, even if the client resumes
    with `after`. At most ten events are sent per second, except while missed changes are sent. The
    subscription ends with an error if the folder is deleted or the viewer can no longer see it.
    """
    log = _FolderLog(context.afresh(), folder_uuid, recursive)
    key = "folder", folder_uuid, recursive, context.viewer
    async with (
        context.services.streams.follow_as(LogStream, key, log.batches) as stream,
        aclosing(
            stream.batches(
                after, lambda number: outlast(partial(log.read, number)), are_passed_on=True
            )
        ) as batches,
    ):
        async for batch in batches:
            yield batch
            del batch  # an idle subscriber keeps no row in memory


async def check_watched(context: Context, uuid: UUID) -> None:
    """Raise `NOT_FOUND` unless the viewer sees the folder that a subscription is about."""
    if await find_row(context.afresh(), folder_by_uuid, uuid) is None:
        raise not_found("folder", uuid, "folderUuid")


class _FolderLog:
    """Reads the changes of a folder, and on request those below it, by their numbers."""

    def __init__(self, context: Context, folder_uuid: UUID, recursive: bool) -> None:
        self._context = context
        self._folder_uuid = folder_uuid
        self._placed = sa.select(change_places.c.change_uuid, change_places.c.sequence).distinct()
        if recursive:
            home = _home.c.uuid == change_places.c.folder_uuid
            is_below = within(_home.c.path, _top.c.path)
            self._placed = (
                self._placed.join(_home, home)
                .join(_top, is_below)
                .where(_top.c.uuid == folder_uuid, *sees_below(context.viewer, _home, _top))
            )
        else:
            self._placed = self._placed.where(change_places.c.folder_uuid == folder_uuid)
        if private := sees_entry(context.viewer):
            change = changes.c.uuid == change_places.c.change_uuid
            self._placed = self._placed.join(changes, change).where(*private)

    async def batches(self) -> AsyncGenerator[FolderChanges]:
        """Yield the position of the log, then all changes after it as they are committed."""
        async with self._context.services.events.listen(folder_topic(self._folder_uuid)) as news:
            begin = await outlast(partial(self._look, None))
            yield begin
            read = sent = begin.latest
            while True:
                await asyncio.sleep(STATE_INTERVAL_SECONDS)
                await news.wait(POLL_SECONDS)
                is_behind = True
                while is_behind:
                    batch = await outlast(partial(self._look, read))
                    read = batch.latest
                    is_behind = len(batch.changes) == MAX_CHANGES
                    if batch.changes:
                        yield replace(batch, after=sent)  # nothing is between the two
                        sent = read

    async def _look(self, after: int | None) -> FolderChanges:
        await check_watched(self._context, self._folder_uuid)
        return await self.read(after)

    async def read(self, after: int | None) -> FolderChanges:
        """Return the first changes after a position, or none without one."""
        head = await self._head()
        if after is None:
            after = head
        if not 0 <= after <= head:
            raise bad_input("after must be the latest value of an earlier event.", "after")
        if after == head:
            return FolderChanges(self._folder_uuid, [], after, after)
        sequence = change_places.c.sequence
        first = self._placed.where(sequence > after, sequence <= head).order_by(sequence)
        placed = first.limit(MAX_CHANGES).subquery()
        statement = (
            sa.select(*selected_columns(changes, self._context.viewer), placed.c.sequence)
            .join(placed, placed.c.change_uuid == changes.c.uuid)
            .order_by(placed.c.sequence)
        )
        rows = await self._context.database.rows(statement, ReadChange)
        latest = head if len(rows) < MAX_CHANGES else rows[-1].sequence
        return FolderChanges(self._folder_uuid, rows, after, latest)

    async def _head(self) -> int:
        """Return the number of the last change that is committed."""
        last = sa.select(sequences).where(sequences.c.name == SequenceName.CHANGES)
        return (await self._context.database.rows(last, SequenceRecord))[0].value
