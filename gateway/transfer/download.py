"""Downloading a folder or an item into a directory."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from gateway.transfer.events import FileOutcome, OnEvent, Reporter, TransferEvent, TransferReport
from gateway.transfer.local_tree import LocalTree
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
    folder_paths,
)
from gateway.transfer.site import Site, SiteError
from gateway.tree_names import safe_name


@dataclass(frozen=True, slots=True)
class DownloadOptions:
    """Options of a download of a folder or an item.

    Attributes:
        revision: revision of an item; None for the newest.
        overwrite: whether local files are replaced whose content is another.
        dry_run: whether nothing is written: each file is reported as planned.
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
    download = _Download(site, options, Reporter(tell), LocalTree(directory))
    if resource["__typename"] == "StorageFolder":
        if options.revision is not None:
            raise SiteError("Only items have revisions.")
        await download.folder(resource["uuid"], resource["name"], resource["path"])
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

    async def folder(self, uuid: str, name: str, path: str) -> None:
        """Download a folder; its empty folders become directories, too."""
        if not self._options.dry_run:
            if not self._make_directory((name,), name):
                return
            async for names in folder_paths(self._site, uuid, path):
                # Their files have paths of safe names.
                self._make_directory((name, *map(safe_name, names)), names[-1])
        await self.files(files_of_folder(self._site, uuid), (name,))

    def _make_directory(self, names: tuple[str, ...], stored_name: str) -> bool:
        """Create the directory of a folder; return whether that was possible."""
        shown = "/".join((*names[:-1], stored_name))
        try:
            local = self._tree.folder(names)
        except OSError as error:
            self.report.end(shown, FileOutcome.FAILED, error.strerror or str(error))
            return False
        if local.name != stored_name:
            self.report.end(shown, FileOutcome.RENAMED, f"it is called {local.name} here")
        return True

    async def files(self, entries: AsyncIterator[RemoteEntry], above: tuple[str, ...]) -> None:
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

    def _place(self, entry: RemoteEntry, above: tuple[str, ...]) -> SiteFile | None:
        """Return a file with its local path; None if it is not fetched."""
        shown = "/".join((*above, *entry.names))
        if self._options.dry_run:
            self.report.end(shown, FileOutcome.PLANNED)
            return None
        try:
            target = self._tree.file((*above, *entry.names[:-1]), entry.names[-1])
        except OSError as error:
            self.report.end(shown, FileOutcome.FAILED, error.strerror or str(error))
            return None
        is_own = target.name in (entry.names[-1], entry.stored_name)
        if not is_own or entry.stored_name not in (*entry.names[-2:], ""):
            shown = "/".join((*above, *entry.names[:-1], entry.stored_name or entry.names[-1]))
            self.report.end(shown, FileOutcome.RENAMED, f"it is called {target.name} here")
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
            await fetch_file(self._site, file, lambda size: self.report(TransferEvent(moved=size)))
        except OSError as error:
            self.report.end(file.name, FileOutcome.FAILED, error.strerror or str(error))
        except (SiteError, DamagedFileError) as error:
            self.report.end(file.name, FileOutcome.FAILED, str(error))
        else:
            self.report.end(file.name, FileOutcome.FETCHED)
