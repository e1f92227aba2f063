"""Manifests as CSV: a row for each file, with the columns that the first line names."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import replace

import orjson

from gateway.catalog.ingestion.entry_plans import ANY, FILES
from gateway.error_texts import unknown
from gateway.errors import DomainError, Path, bad_input
from gateway.json_values import parse_json
from gateway.manifests.sections import Entry, InvalidManifest

SECTIONS = {str(item_type): section for section, item_type in FILES.items()}
"""Sections by the value of the column `itemType`. CSV cannot express groups of files."""
SOURCES = {"objectUrl", "placeholderUuid"}
"""Columns that say where the files are, of which there must be one."""
COLUMNS = (
    "itemType",
    "objectUrl",
    "placeholderUuid",
    "title",
    "clientMetadata",
    "sourceModifiedAt",
)
MAX_CELL = 16 << 20


def csv_entries(lines: Iterable[str]) -> Iterator[Entry]:
    """Yield the entries in order.

    Raises:
        InvalidManifest: the file is not a manifest, after the entries before the error.
    """
    csv.field_size_limit(MAX_CELL)
    rows = csv.reader(lines, strict=True)
    try:
        columns = [name.strip() for name in next(rows, [])]
        for name in columns:
            if name not in COLUMNS:
                raise InvalidManifest(unknown("column", name, COLUMNS))
        for index, name in enumerate(columns):
            if name in columns[:index]:
                raise InvalidManifest(f'The column "{name}" is listed more than once.')
        if SOURCES.isdisjoint(columns):
            message = "The first line names neither the column objectUrl nor placeholderUuid."
            raise InvalidManifest(message)
        for row in rows:
            if row:
                yield _read_row(columns, row, rows.line_num)
    except (csv.Error, UnicodeDecodeError) as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error
        message = f"The manifest is not valid CSV in line {rows.line_num + 1}: {reason}."
        raise InvalidManifest(message) from None


def _read_row(columns: list[str], row: list[str], line: int) -> Entry:
    """Return the entry of a row; empty cells count as absent."""
    path: Path = (line,)
    values = {name: cell for name, cell in zip(columns, row, strict=False) if cell}
    item_type = values.pop("itemType", None)
    section = ANY if item_type is None else SECTIONS.get(item_type, "")
    entry = Entry(section, f"line {line}", path, values)
    try:
        if len(row) > len(columns):
            message = f"The line has {len(row)} cells, but there are {len(columns)} columns."
            raise bad_input(message, *path)
        if not section:
            raise bad_input(f"Expected one of {', '.join(SECTIONS)}.", *path, "itemType")
        if "clientMetadata" in values:
            metadata = parse_json(values["clientMetadata"])
            return replace(entry, value={**values, "clientMetadata": metadata})
    except DomainError as error:
        return replace(entry, error=error)
    except orjson.JSONDecodeError:
        return replace(entry, error=bad_input("Expected JSON.", *path, "clientMetadata"))
    return entry
