"""Progress of a transfer on a terminal, or as JSON for programs."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

import typer
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from gateway.terminal import errors, printable
from gateway.transfer.events import FileOutcome, OnEvent, TransferEvent, TransferReport

_WITHOUT_LINE = frozenset(
    {
        FileOutcome.SENT,
        FileOutcome.FETCHED,
        FileOutcome.UNCHANGED,
        FileOutcome.METADATA_CHANGED,
        FileOutcome.FAILED,
    }
)
"""Outcomes that are only counted; the report lists what has failed."""


@contextmanager
def shown_progress(*, as_json: bool) -> Iterator[OnEvent]:
    """Give what shows events: bars on stderr, or lines of JSON on stdout."""
    if as_json:
        yield print_json
        return
    columns = (
        TextColumn("{task.fields[files]} files"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=True) as progress:
        yield _Bar(progress)


def print_report(report: TransferReport, *, as_json: bool) -> None:
    """Print the counts of a transfer, and the files that failed."""
    if as_json:
        _write(_end_event(report))
        return
    counts_text = ", ".join(f"{number:,} {each}" for each, number in sorted(report.counts.items()))
    errors.print(f"{counts_text or 'No files'}; {report.moved:,} bytes.", markup=False)
    for path, reason in report.failures.items():
        errors.print(printable(f"failed: {path}: {reason}"), markup=False)


def print_error(message: str, report: TransferReport | None = None, *, as_json: bool) -> None:
    """Print why a transfer ended, with what it has done until then if programs read it."""
    if as_json:
        _write({**_end_event(report or TransferReport()), "error": message})
    errors.print(printable(message), markup=False)


def _end_event(report: TransferReport) -> dict[str, object]:
    counts = {outcome.value: number for outcome, number in sorted(report.counts.items())}
    return {"event": "end", "counts": counts, "bytes": report.moved}


class _Bar:
    """A bar that shows bytes, next to the number of files that have ended."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=None, files="0")
        self._ended = 0
        self._known = 0

    def __call__(self, event: TransferEvent) -> None:
        self._known = event.total_files or self._known
        self._ended += event.outcome is not None
        files = f"{self._ended:,}/{self._known:,}" if self._known else f"{self._ended:,}"
        self._progress.update(self._task, total=event.total_bytes, advance=event.moved, files=files)
        if event.outcome in (FileOutcome.TO_SEND, FileOutcome.TO_FETCH):
            typer.echo(printable(event.path))
        elif event.outcome not in _WITHOUT_LINE and event.outcome is not None:
            message = f": {event.message}" if event.message else ""
            line = printable(f"{event.outcome}: {event.path}{message}")
            self._progress.console.print(line, markup=False)


def print_json(event: TransferEvent) -> None:
    """Print an event as a line of JSON."""
    values = {name: value for name, value in asdict(event).items() if value not in (None, "", 0)}
    _write({"event": "file" if event.outcome else "progress", **values})


def _write(values: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(values, ensure_ascii=False) + "\n")
    sys.stdout.flush()
