"""The bytes of an archive's files, read while their viewer may still see them."""

import asyncio
from collections import deque
from collections.abc import Collection
from contextlib import aclosing
from time import monotonic
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.identity import sees_identity_at
from gateway.auth.visibility import sees_item
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.dicomweb.stored_files import CHUNK, FileRow, StoredFile, chunks_of
from gateway.errors import DomainError
from gateway.models.items import ItemRecord, items
from gateway.zips.archives import Content, EntryFailed
from gateway.zips.records import ArchiveEntry

FRESH_SECONDS = 5.0
"""Time for which it counts that a viewer sees an item."""
_NEXT = 256
"""Items whose visibility is checked at once."""
AHEAD = 8
"""Small files that are read before their turn: most of the time of each is waiting."""


class FileReader:
    """Reads the files of an archive for its viewer; close it to end what it reads ahead."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._upcoming: deque[ArchiveEntry] = deque()
        self._ahead: dict[str, asyncio.Task[bytes]] = {}
        self._expected: list[UUID] = []
        self._visible: set[UUID] = set()
        self._checked_at = monotonic()

    def expect(self, entries: Collection[ArchiveEntry], *, were_seen: bool) -> None:
        """Name the entries that are read next; `were_seen` says that their rights were checked."""
        with_items = [each for each in entries if _has_item(each)]
        self._upcoming = deque(with_items)
        self._expected = [UUID(hex=each.source["item"]) for each in with_items]
        self._visible = set(self._expected) if were_seen else set()
        self._checked_at = monotonic()

    async def read(self, entry: ArchiveEntry, start: int) -> Content:
        """Yield the bytes of an entry from a position on.

        Raises:
            EntryFailed: its viewer may not read it any more, or it cannot be read.
        """
        source = entry.source
        if not _has_item(entry):
            yield (source["text"].encode() if source else b"")[start:]
            return
        item = UUID(hex=source["item"])
        self._read_ahead(entry)
        begun, file = self._ahead.pop(entry.name, None), self._file(entry)
        await self._check(item)
        try:
            if begun:
                data = await begun
                yield data[start:]
                start = max(start, len(data))
            async with aclosing(chunks_of(file, start, file.size)) as chunks:
                async for chunk in chunks:
                    yield chunk
                    await self._check(item)
        except DomainError as error:
            raise EntryFailed(error.message) from error

    def _file(self, entry: ArchiveEntry) -> StoredFile:
        source = entry.source
        integration = source["integration"]
        row = FileRow(
            UUID(hex=source["item"]),
            entry.name,
            entry.size,
            source["key"],
            source["url"],
            UUID(hex=integration) if integration else None,
        )
        return StoredFile(self._context, row)

    def _read_ahead(self, entry: ArchiveEntry) -> None:
        """Begin to read the next files if they are small."""
        while self._upcoming and entry.name not in self._ahead:
            if self._upcoming.popleft().name == entry.name:
                break
        while self._upcoming and len(self._ahead) <= AHEAD:
            size = self._upcoming[0].size or 0
            if size > CHUNK:
                break
            following = self._upcoming.popleft()
            if size:
                task = asyncio.create_task(self._file(following).read(0, size))
                task.add_done_callback(lambda done: done.cancelled() or done.exception())
                self._ahead[following.name] = task

    async def close(self) -> None:
        """End what is read ahead."""
        for task in self._ahead.values():
            task.cancel()
        await asyncio.gather(*self._ahead.values(), return_exceptions=True)

    async def _check(self, item: UUID) -> None:
        """Raise `EntryFailed` unless the viewer sees an item with its bytes, or just did."""
        if monotonic() - self._checked_at > FRESH_SECONDS or item not in self._visible:
            viewer = self._context.viewer
            seen = sa.select(items.c.uuid).where(
                in_keys(items.c.uuid, {item, *self._expected[:_NEXT]}),
                sees_item(viewer),
                sees_identity_at(viewer, items.c.folder_uuid),
            )
            rows = await self._context.database.rows(seen, ItemRecord)
            self._visible, self._checked_at = {row.uuid for row in rows}, monotonic()
        if item not in self._visible:
            raise EntryFailed("the item is no longer visible to you")


def _has_item(entry: ArchiveEntry) -> bool:
    return isinstance(entry.source, dict) and "item" in entry.source
