"""One import of a tree: announce the files of a batch, send their bytes, and watch the job."""

import asyncio
import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from gateway.transfer.events import FileOutcome, Reporter, TransferEvent
from gateway.transfer.item_metadata import Metadata, write_metadata
from gateway.transfer.local_files import LocalFile
from gateway.transfer.pool import each_of, for_each
from gateway.transfer.sending import TARGET_FIELDS, FileChangedError, send_file
from gateway.transfer.site import RefusedError, Site, SiteError
from gateway.transfer.taken_names import directories_above, leaf_items, refused_directories

_ENTRY = f"state itemUuid target {{ {TARGET_FIELDS} }}"
_JOB = """
query ($uuid: UUID!) { uploadJob(uuid: $uuid) { status error unitsErrorCount unitsCancelledCount } }
"""
_FAILED_UNITS = """
query ($uuid: UUID!, $after: String) {
  uploadJob(uuid: $uuid) {
    units(statuses: [ERROR, CANCELLED], first: 1000, after: $after) {
      nodes { placeholderUuids error }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""
_LONGEST_POLL = 1.0
_CHANGED = "It changed while it was sent. Run the command again."


@dataclass(frozen=True, slots=True)
class LocalEntry:
    """A file that is to be sent, or a directory, which has no digest."""

    file: LocalFile
    sha256: str | None
    metadata: Mapping[str, Any] | None = None

    def announcement(self) -> dict[str, Any]:
        """Return the entry of `importTree`."""
        path = re.sub(r"\\", r"\\\\", self.file.name)
        if self.file.size is None:
            return {"path": path}
        return {
            "path": path,
            "fileSize": self.file.size,
            "mimeType": mimetypes.guess_type(self.file.name)[0],
            "sha256": self.sha256,
            "clientMetadata": self.metadata,
            "sourceModifiedAt": datetime.fromtimestamp(self.file.modified_at, UTC).isoformat(),
        }


@dataclass(frozen=True, slots=True)
class _Announced:
    entry: LocalEntry
    target: Mapping[str, Any]

    @property
    def placeholder(self) -> str:
        """The UUID of the placeholder; the file may become part of another item."""
        return str(self.target["itemUuid"])


def items_among(entries: Sequence[LocalEntry], options: Mapping[str, Any]) -> set[str]:
    """Return the directories of a batch that become items, by the input of `importTree`."""
    if not options["leafFoldersAsItems"]:
        return set()
    names = {entry.file.name for entry in entries}
    return leaf_items(names, dicom_series=options["dicomSeries"])


class TreeImport:
    """The import of a batch into a folder."""

    def __init__(
        self,
        site: Site,
        destination: str,
        options: Mapping[str, Any],
        metadata: Metadata,
        report: Reporter,
    ) -> None:
        """Begin an import, with the input of `importTree` besides the entries."""
        self._site = site
        self._destination = destination
        self._options = options
        self._metadata = metadata
        self._with_other_metadata: dict[str, str] = {}
        self._report = report
        self._in_job: list[_Announced] = []
        self._kept: set[str] = set()
        self._job_uuid: str | None = None

    async def send(self, entries: Sequence[LocalEntry]) -> None:
        """Announce the files, send those of which the bytes are wanted, and start the job.

        Raises:
            SiteError: the batch is refused.
        """
        entries, announced = await self._announce(entries)
        wanted: list[_Announced] = []
        for entry, answer in zip(entries, announced["entries"], strict=True):
            if answer["target"]:
                wanted.append(_Announced(entry, answer["target"]))
                self._compare_metadata(entry.file.name, answer)
            elif answer["state"] == "IN_PROGRESS":
                self._report.end(entry.file.name, FileOutcome.IN_PROGRESS)
            elif entry.file.size is not None:
                self._report.end(entry.file.name, FileOutcome.UNCHANGED)
                self._compare_metadata(entry.file.name, answer)
        await for_each(each_of(wanted), self._send, self._site.transfers)
        await self._start(wanted, announced["importUuid"])

    def _compare_metadata(self, name: str, answer: Mapping[str, Any]) -> None:
        """Note the item of a file, which may be that of its directory, if its metadata differs."""
        for path in (name, name.rpartition("/")[0]):
            given = self._metadata.get(path)
            item = answer["item"] if given is not None else None
            if item and item["clientMetadata"] != given:
                self._with_other_metadata[answer["itemUuid"]] = path

    async def _announce(
        self, entries: Sequence[LocalEntry]
    ) -> tuple[Sequence[LocalEntry], dict[str, Any]]:
        """Announce files; return those that are accepted, with the answer."""
        key = str(uuid4())
        metadata = "item { clientMetadata }" if self._metadata else ""
        selection = f"importUuid entries {{ {_ENTRY} {metadata} }}"
        while True:
            given = [entry.announcement() for entry in entries]
            try:
                answer = await self._site.mutate(
                    "importTree", selection, **self._options, entries=given, idempotencyKey=key
                )
            except RefusedError as error:
                if not (refused := error.messages_of("entries")):
                    raise
                refused |= await refused_directories(
                    self._site,
                    self._destination,
                    [entry.file.name for entry in entries],
                    refused,
                    items_among(entries, self._options),
                )
                files = [each.file.name for each in entries if each.file.size is not None]
                filled = {f"{above}/" for name in files for above in directories_above(name)}
                for index, message in refused.items():
                    if (name := entries[index].file.name) not in filled:
                        self._report.end(name, FileOutcome.FAILED, message)
                entries = [each for index, each in enumerate(entries) if index not in refused]
                key = str(uuid4())
                if not entries:
                    return [], {"entries": [], "importUuid": None}
            else:
                return entries, answer

    async def _send(self, file: _Announced) -> None:
        if file.target["alreadyStored"]:
            self._in_job.append(file)
            return
        local = file.entry.file
        try:
            await send_file(
                self._site,
                file.target,
                local.path,
                local.size or 0,
                lambda size: self._report(TransferEvent(moved=size)),
            )
        except (SiteError, FileChangedError, OSError) as error:
            message = getattr(error, "strerror", None) or str(error)
            if await asyncio.to_thread(local.has_changed):
                message = _CHANGED
            elif self._may_go_on(file):
                message = f"{message} Run the command again to send the rest."
                self._kept.add(file.placeholder)
            self._report.end(local.name, FileOutcome.FAILED, message)
        else:
            self._in_job.append(file)

    def _may_go_on(self, file: _Announced) -> bool:
        """Return whether the next import of a file that failed can use the parts that arrived."""
        return bool(file.target["partCount"]) and self._options["ifNameTaken"] == "REUSE"

    async def _start(self, wanted: Sequence[_Announced], import_uuid: str | None) -> None:
        """Start the job that turns placeholders into items.

        Those of unsent files are removed, unless the next import can go on with them.
        """
        sent = {file.placeholder for file in self._in_job}
        unsent = {file.placeholder for file in wanted} - sent - self._kept
        if unsent:
            await self._site.mutate("abortUploads", "removedItemsCount", itemUuids=sorted(unsent))
        if not self._in_job:
            return
        try:
            started = await self._site.mutate(
                "startUploadJob",
                "uploadJob { uuid }",
                folderUuid=self._options["folderUuid"],
                importUuid=import_uuid,
                exceptItemUuids=sorted(self._kept),
                ignoreErrors=True,
                idempotencyKey=str(uuid4()),
            )
        except RefusedError as error:
            if not error.is_about("importUuid"):
                raise
            # Another upload has announced the files meanwhile: its job reads them.
            for file in self._in_job:
                self._report.end(file.entry.file.name, FileOutcome.IN_PROGRESS)
        else:
            self._job_uuid = started["uploadJob"]["uuid"]

    async def watch(self) -> None:
        """Wait until the job has ended, and report what became of its files."""
        if self._job_uuid is not None:
            await self._watch_job()
        failures = self._report.report.failures
        # After the job: revisions that its files replace keep the metadata that they had.
        changes = {
            uuid: path for uuid, path in self._with_other_metadata.items() if path not in failures
        }
        await write_metadata(self._site, self._metadata, changes, self._report)

    async def _watch_job(self) -> None:
        pause = 0.05
        while (job := await self._job())["status"] == "PENDING":
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_POLL)
        failed: dict[str, str] = {}
        if job["unitsErrorCount"] or job["unitsCancelledCount"]:
            failed = await self._failures(job["error"] or "The job was cancelled.")
        for file in self._in_job:
            local = file.entry.file
            if file.placeholder in failed:
                name = local.name.rpartition("/")[2]
                reason = failed[file.placeholder].removeprefix(f"{name}: ")
                if await asyncio.to_thread(local.has_changed):
                    reason = _CHANGED
                self._report.end(local.name, FileOutcome.FAILED, reason)
            else:
                stored = file.target["alreadyStored"]
                outcome = FileOutcome.ALREADY_STORED if stored else FileOutcome.SENT
                self._report.end(local.name, outcome)

    async def _job(self) -> dict[str, Any]:
        job: dict[str, Any] | None = (await self._site.query(_JOB, uuid=self._job_uuid))[
            "uploadJob"
        ]
        if job is None:
            raise SiteError("The upload job has disappeared.")
        return job

    async def _failures(self, reason: str) -> dict[str, str]:
        """Return why units failed, by the placeholders of their files."""
        failures: dict[str, str] = {}
        after = None
        while True:
            job = await self._site.query(_FAILED_UNITS, uuid=self._job_uuid, after=after)
            units = job["uploadJob"]["units"]
            for unit in units["nodes"]:
                failures |= dict.fromkeys(unit["placeholderUuids"], unit["error"] or reason)
            if not units["pageInfo"]["hasNextPage"]:
                return failures
            after = units["pageInfo"]["endCursor"]
