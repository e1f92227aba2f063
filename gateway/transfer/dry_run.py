"""Dry runs of uploads: how many files would be sent, as the site does not have their bytes."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import Any
from unicodedata import normalize

from gateway.transfer.events import FileOutcome, Reporter
from gateway.transfer.import_batch import LocalEntry, items_among
from gateway.transfer.remote_files import files_of_item, find_below, names_in, ways_below
from gateway.transfer.site import Site
from gateway.transfer.taken_names import directories_above, obstacle

_ITEMS = """
query ($uuid: UUID!, $after: String) {
  storageFolder(uuid: $uuid) {
    descendantItems(first: 1000, after: $after) {
      nodes { __typename uuid path fileSize sha256 isDirectory }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
_ITEM = """
query ($uuid: UUID!) {
  storageItem(uuid: $uuid) { __typename uuid path fileSize sha256 isDirectory }
}
"""
Names = tuple[str, ...]


class DryRun:
    """Comparison of local files with the items below a folder, by size and SHA-256."""

    def __init__(
        self, site: Site, destination: str, options: Mapping[str, Any], report: Reporter
    ) -> None:
        """Begin a dry run of an upload, with the input of `importTree` besides the entries."""
        self._site = site
        self._destination = destination
        self._options = options
        self._report = report
        self._read: set[Names] = set()
        self._resources: dict[Names, Mapping[str, Any]] = {}
        self._contents: set[tuple[Names, int | None, str | None]] = set()

    async def compare(self, entries: Sequence[LocalEntry]) -> None:
        """Report of each file of a batch whether it would be sent, or refused."""
        items = items_among(entries, self._options)
        for entry in entries:
            if entry.file.size is not None:
                await self._compare(entry, items)

    async def _compare(self, entry: LocalEntry, items: Collection[str]) -> None:
        names = tuple(normalize("NFC", entry.file.name).split("/"))
        if self._options["ifNameTaken"] == "REUSE":
            await self._read_below(names[:1])
        for depth, directory in enumerate(directories_above(entry.file.name), 1):
            resource = self._resources.get(names[:depth])
            is_item = directory in items
            if resource and (reason := obstacle(directory, resource, is_item=is_item)):
                self._report.end(entry.file.name, FileOutcome.FAILED, reason)
                return
            if resource and is_item:
                await self._read_parts(names[:depth], resource["uuid"])
        is_there = (names, entry.file.size, entry.sha256) in self._contents
        outcome = FileOutcome.UNCHANGED if is_there else FileOutcome.TO_SEND
        self._report.end(entry.file.name, outcome)

    async def _read_below(self, top: Names) -> None:
        """Read the item of a name in the folder, or all that is below the folder of that name."""
        if top in self._read:
            return
        self._read.add(top)
        resource = await find_below(self._site, self._destination, top[0])
        if resource is None:
            return
        if resource["__typename"] != "StorageFolder":
            self._add(top, (await self._site.query(_ITEM, uuid=resource["uuid"]))["storageItem"])
            return
        above = len(names_in(resource["path"] or ""))
        async for node in self._items_below(resource["uuid"]):
            below = names_in(node["path"] or "")[above:]
            self._add((*top, *(normalize("NFC", name) for name in below)), node)
        # Folders come before items of the same name.
        self._resources[top] = resource
        for way in await ways_below(self._site, resource["uuid"]):
            names = (*top, *(normalize("NFC", each.name) for each in way))
            self._resources[names] = {"__typename": "StorageFolder"}

    def _add(self, names: Names, item: Mapping[str, Any]) -> None:
        size = None if item["fileSize"] is None else int(item["fileSize"])
        self._resources[names] = item
        self._contents.add((names, size, item["sha256"]))

    async def _items_below(self, uuid: str) -> AsyncIterator[dict[str, Any]]:
        after = None
        while True:
            answer = await self._site.query(_ITEMS, uuid=uuid, after=after)
            page = answer["storageFolder"]["descendantItems"]
            for node in page["nodes"]:
                yield node
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    async def _read_parts(self, item: Names, uuid: str) -> None:
        """Read the files of an item that is made of those of a directory."""
        if item in self._read:
            return
        self._read.add(item)
        async for each in files_of_item(self._site, uuid, item[-1], None):
            name = normalize("NFC", each.stored_name)
            self._contents.add(((*item, name), each.size, each.sha256))
