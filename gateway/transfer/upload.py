"""Uploading files and directories to a folder."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.transfer.batches import Batches, LargeLeaves
from gateway.transfer.dry_run import DryRun
from gateway.transfer.events import FileOutcome, OnEvent, Reporter, TransferEvent, TransferReport
from gateway.transfer.import_batch import LocalEntry, TreeImport
from gateway.transfer.item_metadata import Metadata, check_paths
from gateway.transfer.local_files import LocalFile, Unsent, local_files
from gateway.transfer.pool import task_group
from gateway.transfer.remote_files import find_resource
from gateway.transfer.site import RefusedError, Site, SiteError

_JOBS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class UploadOptions:
    """Options of an upload of files and directories.

    Attributes:
        exclude: shell patterns of names or paths that are left out.
        leaf_folders_as_items: whether a directory without subdirectories becomes one item.
        dicom_series: whether a directory of DICOM files also becomes a DICOM series.
        metadata: client metadata of items by their paths below the destination; that of items
            that exist is replaced if it differs.
        allow_duplicates: whether new folders and items are made where names exist.
        dry_run: whether nothing is sent: each file is reported as to be sent or unchanged.
        batch_size: number of files, at least 2, that are announced together and that one job reads;
            those of a leaf folder may be twice as many.
    """

    exclude: Sequence[str] = ()
    leaf_folders_as_items: bool = False
    dicom_series: bool = False
    metadata: Metadata = field(default_factory=dict)
    allow_duplicates: bool = False
    dry_run: bool = False
    batch_size: int = 1_000

    @property
    def large_leaves(self) -> LargeLeaves | None:
        """The treatment of large leaf folders; None if their files are as any others."""
        if not (self.leaf_folders_as_items or self.dicom_series):
            return None
        # The next batch adds to the item of the last one.
        can_split = not (self.dicom_series or self.allow_duplicates)
        return LargeLeaves.SPLIT if can_split else LargeLeaves.REFUSE


def read_metadata(path: Path) -> dict[str, dict[str, Any]]:
    """Return the metadata in a JSON file: an object of metadata for each path.

    Raises:
        ValueError: it is something else.
    """
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    is_good = isinstance(content, dict) and all(isinstance(each, dict) for each in content.values())
    if not is_good:
        raise ValueError(f"{path} must be an object that has an object for each path.")
    return dict(content)


async def upload_tree(
    site: Site,
    paths: Sequence[Path],
    destination: str,
    options: UploadOptions | None = None,
    tell: OnEvent = lambda _event: None,
) -> TransferReport:
    """Upload files and directories to the folder at a path of the site, each under its name.

    Names that exist are reused: files with the same bytes are not sent again, others become new
    revisions. Running it again after any interruption goes on where that was.

    Args:
        tell: called with the progress.

    Returns:
        What was done, with the files that failed.

    Raises:
        SiteError: there is no such folder, the user may not upload to it, or the site cannot be
            reached.
        ValueError: two of the paths have the same name, or metadata is for a path that there is
            not.
    """
    options = options or UploadOptions()
    report = Reporter(tell)
    folder = await find_resource(site, destination)
    if folder["__typename"] != "StorageFolder":
        raise SiteError(f"{destination} is not a folder.", "BAD_USER_INPUT")
    walk = local_files(paths, options.exclude)
    batches = Batches(walk, options.batch_size, options.large_leaves)
    if options.metadata:
        await asyncio.to_thread(_check_metadata, paths, options)
    import_options = _import_options(folder["uuid"], options)
    dry_run = DryRun(site, destination, import_options, report)
    with _naming_deleted(destination):
        async with task_group() as ends:
            slots = asyncio.Semaphore(_JOBS_AT_ONCE)
            async for batch in _prepared(batches, options, report):
                if options.dry_run:
                    await dry_run.compare(batch)
                    continue
                await slots.acquire()
                step = TreeImport(site, destination, import_options, options.metadata, report)
                await step.send(batch)
                watching = ends.create_task(step.watch())
                watching.add_done_callback(lambda _task: slots.release())
    return report.report


@contextmanager
def _naming_deleted(destination: str) -> Iterator[None]:
    """Name the folder at a path if the site refuses what is sent there, as it was deleted."""
    try:
        yield
    except RefusedError as error:
        if not error.is_about("folderUuid"):
            raise
        message = f"The folder {destination} was deleted meanwhile."
        raise SiteError(message, error.code) from None


def _check_metadata(paths: Sequence[Path], options: UploadOptions) -> None:
    walk = local_files(paths, options.exclude)
    check_paths(
        options.metadata,
        {each.name for each in walk if isinstance(each, LocalFile)},
        leaf_folders_as_items=options.leaf_folders_as_items,
        dicom_series=options.dicom_series,
    )


def _import_options(folder_uuid: str, options: UploadOptions) -> dict[str, Any]:
    """Return the input of `importTree` besides the entries."""
    return {
        "folderUuid": folder_uuid,
        "leafFoldersAsItems": options.leaf_folders_as_items,
        "dicomSeries": options.dicom_series,
        "ifNameTaken": "ALLOW_DUPLICATE" if options.allow_duplicates else "REUSE",
    }


async def _prepared(
    batches: Batches, options: UploadOptions, report: Reporter
) -> AsyncIterator[list[LocalEntry]]:
    """Yield the files in batches, with digests: those of one are read while another is sent."""
    files = known_bytes = 0
    preparing = asyncio.create_task(_prepare(batches, options, report))
    while batch := await preparing:
        files += sum(entry.file.size is not None for entry in batch)
        known_bytes += sum(entry.file.size or 0 for entry in batch)
        report(TransferEvent(total_files=files, total_bytes=known_bytes))
        preparing = asyncio.create_task(_prepare(batches, options, report))
        yield batch


async def _prepare(batches: Batches, options: UploadOptions, report: Reporter) -> list[LocalEntry]:
    """Return the next batch; empty after the last one."""
    entries: list[LocalEntry] = []
    while not entries:
        taken = await asyncio.to_thread(batches.take)
        if not taken:
            break
        for each in taken:
            if isinstance(each, Unsent):
                outcome = FileOutcome.FAILED if each.is_failure else FileOutcome.SKIPPED
                report.end(each.name, outcome, each.reason)
        files = [each for each in taken if isinstance(each, LocalFile)]
        digests = await asyncio.gather(
            *(asyncio.to_thread(each.digest) for each in files), return_exceptions=True
        )
        for file, digest in zip(files, digests, strict=True):
            if isinstance(digest, OSError):
                report.end(file.name, FileOutcome.FAILED, digest.strerror or str(digest))
            elif isinstance(digest, BaseException):
                raise digest
            else:
                entries.append(LocalEntry(file, digest, options.metadata.get(file.name)))
    return entries
