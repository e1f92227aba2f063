"""Downloading a folder or an item into a directory."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from gateway.transfer.events import FileOutcome, OnEvent, Reporter, TransferEvent, TransferReport
from gateway.transfer.local_tree import LocalTree, SiteDirectory, Way
from gateway.transfer.pool import for_each
from gateway.transfer.receiving import (
    DamagedFileError,
    LocalState,
    SiteFile,
    fetch_file,
    local_state,
)
from gateway.transfer.remote_files import (
    RemoteEntry,
    files_of_folder,
    files_of_item,
    find_resource,
    ways_below,
)
from gateway.transfer.site import Site, SiteError


@dataclass(frozen=True, slots=True)
class DownloadOptions:
    """Options of a download of a folder or an item.

    Attributes:
        revision: revision of an item; None for the newest.
        overwrite: whether local files are replaced whose content is another.
        dry_run: whether nothing is written: each file is reported as to be fetched or unchanged.
    """

    revision: int | None = None
    overwrite: bool = False
    dry_run: bool = False


async def download_tree(
    site: Site,
    path: str,
    directory: Path,
    options: DownloadOptions | None = None,
    tell: OnEvent = lambda _event: None,
) -> TransferReport:
    """Download the folder or item at a path into a directory, under its name.

    Files that are there already are left as they are. Running it again after any interruption goes
    on where that was. Nothing outside of the directory is written.

    Args:
        tell: called with the progress.

    Returns:
        What was done, with the files that failed and those that have other names.

    Raises:
        SiteError: there is no such folder, item or revision, or the site cannot be reached.
    """
    options = options or DownloadOptions()
    resource = await find_resource(site, path)
    tree = LocalTree(directory, creates=not options.dry_run)
    download = _Download(site, options, Reporter(tell), tree)
    if resource["__typename"] == "StorageFolder":
        if options.revision is not None:
            raise SiteError("Only items have revisions.")
        await download.folder(SiteDirectory(resource["uuid"], resource["name"]))
    else:
        entries = files_of_item(site, resource["uuid"], resource["name"], options.revision)
        await download.files(entries, ())
    return download.report.report


class _Download:
    def __init__(
        self, site: Site, options: DownloadOptions, report: Reporter, tree: LocalTree
    ) -> None:
        self.report = report
        self._site = site
        self._options = options
        self._tree = tree
        self._entered: set[Path] = set()

    async def folder(self, top: SiteDirectory) -> None:
        """Download a folder; its empty folders become directories, too."""
        ways = await ways_below(self._site, top.key)
        for way in [(top,), *((top, *way) for way in ways)]:
            try:
                self._enter(way)
            except OSError as error:
                self._fail("/".join(each.name for each in way), error)
                if len(way) == 1:
                    return
        await self.files(files_of_folder(self._site, top.key), (top,))

    def _enter(self, way: Way) -> None:
        """Create the local directory of a folder or item, and tell once if it has another name.

        Raises:
            OSError: that is not possible.
        """
        local = self._tree.folder(way)
        if local not in self._entered:
            self._entered.add(local)
            self._tell_name(local, way[-1].name)

    def _tell_name(self, local: Path, stored_name: str) -> str:
        """Tell if something has another name here; return the path by which it is shown."""
        above = local.parent.relative_to(self._tree.root)
        shown = "/".join((*above.parts, stored_name))
        if local.name != stored_name:
            self.report.end(shown, FileOutcome.RENAMED, f"it is called {local.name} here")
        return shown

    def _fail(self, shown: str, error: OSError) -> None:
        self.report.end(shown, FileOutcome.FAILED, error.strerror or str(error))

    async def files(self, entries: AsyncIterator[RemoteEntry], above: Way) -> None:
        """Download files into a directory, several at once."""
        known_files = known_bytes = 0

        async def placed() -> AsyncIterator[SiteFile]:
            nonlocal known_files, known_bytes
            async for entry in entries:
                known_files += 1
                known_bytes += entry.size or 0
                self.report(TransferEvent(total_files=known_files, total_bytes=known_bytes))
                if file := self._place(entry, above):
                    yield file

        await for_each(placed(), self._fetch, self._site.transfers)

    def _place(self, entry: RemoteEntry, above: Way) -> SiteFile | None:
        """Return a file with its local path; None if it has none."""
        way = (*above, *entry.way)
        try:
            if way:
                self._enter(way)
            target = self._tree.file(way, entry.stored_name)
        except OSError as error:
            names = (*(each.name for each in way), entry.stored_name)
            self._fail("/".join(names), error)
            return None
        shown = self._tell_name(target, entry.stored_name)
        return SiteFile(shown, target, entry.size, entry.sha256, entry.signer)

    async def _fetch(self, file: SiteFile) -> None:
        try:
            state = await asyncio.to_thread(local_state, file)
            if state is LocalState.SAME:
                self.report.end(file.name, FileOutcome.UNCHANGED)
                return
            if state is LocalState.DIRECTORY:
                message = "There is a directory of that name. Move it away, and run this again."
                self.report.end(file.name, FileOutcome.FAILED, message)
                return
            if state is LocalState.OTHER and not self._options.overwrite:
                message = "There is another file of that name. Use --overwrite to replace it."
                self.report.end(file.name, FileOutcome.FAILED, message)
                return
            if self._options.dry_run:
                self.report.end(file.name, FileOutcome.TO_FETCH)
                return
            await fetch_file(self._site, file, lambda size: self.report(TransferEvent(moved=size)))
        except OSError as error:
            self._fail(file.name, error)
        except (SiteError, DamagedFileError) as error:
            self.report.end(file.name, FileOutcome.FAILED, str(error))
        else:
            self.report.end(file.name, FileOutcome.FETCHED)
