"""Dry runs of uploads: how many files would be sent, as the site does not have their bytes."""

import re
from collections.abc import AsyncIterator, Mapping
from typing import Any
from unicodedata import normalize

from gateway.transfer.events import FileOutcome, Reporter
from gateway.transfer.import_batch import LocalEntry
from gateway.transfer.remote_files import files_of_item, find_resource, names_in
from gateway.transfer.site import Site, SiteError

_ITEMS = """
query ($uuid: UUID!, $after: String) {
  storageFolder(uuid: $uuid) {
    descendantItems(first: 1000, after: $after) {
      nodes { uuid path fileSize sha256 }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
_ITEM = "query ($uuid: UUID!) { storageItem(uuid: $uuid) { uuid path fileSize sha256 } }"
_NO_ITEM = frozenset({"NOT_FOUND", "BAD_USER_INPUT"})
"""Errors of names that nothing has, and that nothing can have."""
Names = tuple[str, ...]


class DryRun:
    """Comparison of local files with the items below a folder, by size and SHA-256."""

    def __init__(self, site: Site, destination: str, report: Reporter, *, reuses: bool) -> None:
        """Compare with nothing unless the upload `reuses` items that exist."""
        self._site = site
        self._destination = destination.rstrip("/")
        self._report = report
        self._reuses = reuses
        self._read: set[Names] = set()
        self._items: dict[Names, str] = {}
        self._contents: set[tuple[Names, int | None, str | None]] = set()

    async def compare(self, entry: LocalEntry) -> None:
        """Report whether a file would be sent; empty directories are not reported."""
        if entry.file.size is None:
            return
        names = tuple(normalize("NFC", entry.file.name).split("/"))
        if self._reuses:
            await self._read_below(names[:1])
        if names[:-1] in self._items:
            await self._read_parts(names[:-1])
        is_there = (names, entry.file.size, entry.sha256) in self._contents
        outcome = FileOutcome.UNCHANGED if is_there else FileOutcome.TO_SEND
        self._report.end(entry.file.name, outcome)

    async def _read_below(self, top: Names) -> None:
        """Read the item of a name in the folder, or all items below the folder of that name."""
        if top in self._read:
            return
        self._read.add(top)
        escaped = re.sub(r"([/\\])", r"\\\1", top[0])
        try:
            resource = await find_resource(self._site, f"{self._destination}/{escaped}")
        except SiteError as error:
            if error.code not in _NO_ITEM:
                raise
            return
        above = len(names_in(resource.get("path") or ""))
        async for node in self._items_at(resource):
            below = names_in(node["path"] or "")[above:] if "path" in resource else ()
            names = (*top, *(normalize("NFC", name) for name in below))
            size = None if node["fileSize"] is None else int(node["fileSize"])
            self._items[names] = node["uuid"]
            self._contents.add((names, size, node["sha256"]))

    async def _items_at(self, resource: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        if resource["__typename"] != "StorageFolder":
            yield (await self._site.query(_ITEM, uuid=resource["uuid"]))["storageItem"]
            return
        after = None
        while True:
            answer = await self._site.query(_ITEMS, uuid=resource["uuid"], after=after)
            page = answer["storageFolder"]["descendantItems"]
            for node in page["nodes"]:
                yield node
            if not page["pageInfo"]["hasNextPage"]:
                return
            after = page["pageInfo"]["endCursor"]

    async def _read_parts(self, item: Names) -> None:
        """Read the files of an item that is made of those of a directory."""
        if item in self._read:
            return
        self._read.add(item)
        async for each in files_of_item(self._site, self._items[item], item[-1], None):
            name = normalize("NFC", each.stored_name)
            self._contents.add(((*item, name), each.size, each.sha256))
