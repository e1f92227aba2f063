"""Events that a transfer reports, and its result."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class FileOutcome(StrEnum):
    """Result of the transfer of one file."""

    SENT = "sent"
    FETCHED = "fetched"
    UNCHANGED = "unchanged"
    ALREADY_STORED = "already stored"
    METADATA_CHANGED = "metadata changed"
    TO_SEND = "to send"
    TO_FETCH = "to fetch"
    SKIPPED = "skipped"
    IN_PROGRESS = "in progress"
    RENAMED = "renamed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TransferEvent:
    """Progress of a transfer.

    Attributes:
        path: the file that it is about, relative to the tree; empty if it is about the whole.
        outcome: the end of that file's transfer; None while it goes on.
        moved: bytes that were moved since the last event.
        total_files: files that are known of so far; None if that number has not changed.
        total_bytes: their size.
        message: what a person should know, such as why a file failed or its new name.
    """

    path: str = ""
    outcome: FileOutcome | None = None
    moved: int = 0
    total_files: int | None = None
    total_bytes: int | None = None
    message: str = ""


OnEvent = Callable[[TransferEvent], None]


@dataclass(slots=True)
class TransferReport:
    """Outcome of a transfer.

    Attributes:
        counts: number of files by outcome.
        moved: bytes that were sent or fetched.
        failures: reasons by path.
        renamed: new names of files whose own could not be used, by path.
    """

    counts: dict[FileOutcome, int] = field(default_factory=dict)
    moved: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)

    def note(self, event: TransferEvent) -> None:
        """Count an event."""
        self.moved += event.moved
        if event.outcome is None:
            return
        self.counts[event.outcome] = self.counts.get(event.outcome, 0) + 1
        if event.outcome is FileOutcome.FAILED:
            self.failures[event.path] = event.message
        elif event.outcome is FileOutcome.RENAMED:
            self.renamed[event.path] = event.message


@dataclass(frozen=True, slots=True)
class Reporter:
    """Tells of a transfer, and keeps its report."""

    tell: OnEvent
    report: TransferReport = field(default_factory=TransferReport)

    def __call__(self, event: TransferEvent) -> None:
        self.report.note(event)
        self.tell(event)

    def end(self, path: str, outcome: FileOutcome, message: str = "") -> None:
        """Tell that the transfer of a file has ended."""
        self(TransferEvent(path, outcome, message=message))
