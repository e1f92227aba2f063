"""A manifest as CSV: a row for each file, with the columns that its first line names (ENC-MAN-11, SUB-064)."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import orjson

from gateway.catalog.ingestion.entry_plans import FILES
from gateway.errors import DomainError, Path, bad_input
from gateway.json_values import parse_json
from gateway.manifests.sections import Broken, Entry

SECTIONS = {str(item_type): section for section, item_type in FILES.items()}
COLUMNS = ("itemType", "objectUrl", "placeholderUuid", "title", "clientMetadata")
LONGEST_CELL = 16 << 20


def csv_entries(lines: Iterable[str]) -> Iterator[Entry]:
    """The entries in their order; raises `Broken` where the file is no manifest, after those before it.

    Groups of files cannot be said in CSV.
    """
    csv.field_size_limit(LONGEST_CELL)
    rows = csv.reader(lines, strict=True)
    try:
        columns = [name.strip() for name in next(rows, [])]
        _check(columns)
        for row in rows:
            if row:
                yield _entry(columns, row, rows.line_num)
    except (csv.Error, UnicodeDecodeError) as error:
        reason = "it is not in UTF-8" if isinstance(error, UnicodeDecodeError) else error
        raise Broken(
            f"The manifest is not valid CSV in line {rows.line_num + 1}: {reason}."
        ) from None


def _check(columns: list[str]) -> None:
    for name in columns:
        if name not in COLUMNS:
            close = get_close_matches(name, COLUMNS, n=1)
            raise Broken(
                f"There is no column {name[:100]!r}"
                + (f"; did you mean {close[0]}?" if close else ".")
            )
    if len(set(columns)) < len(columns):
        raise Broken("A column is there twice.")
    if "itemType" not in columns:
        raise Broken("The first line names no column itemType.")


def _entry(columns: list[str], row: list[str], line: int) -> Entry:
    said = {name: cell for name, cell in zip(columns, row, strict=False) if cell}
    kind, path = said.pop("itemType", ""), (line,)
    entry = Entry(SECTIONS.get(kind, ""), f"line {line}", path, said)
    try:
        if len(row) > len(columns):
            raise bad_input(f"There are {len(row)} cells, but only {len(columns)} columns.", *path)
        if not entry.section:
            raise bad_input(f"Expected one of {', '.join(SECTIONS)}.", *path, "itemType")
        if "clientMetadata" in said:
            return replace(
                entry, value={**said, "clientMetadata": _metadata(said["clientMetadata"], path)}
            )
    except DomainError as fault:
        return replace(entry, fault=fault)
    return entry


def _metadata(cell: str, path: Path) -> Any:
    try:
        return parse_json(cell)
    except orjson.JSONDecodeError:
        raise bad_input("Expected JSON.", *path, "clientMetadata") from None
