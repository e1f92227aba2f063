"""Chooses the columns of a table that are the time."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.kinds.time_series import TimeSeriesReading, TimeSeriesTimeFormat
from gateway.media.dates import is_date_only, read_clock
from gateway.media.errors import MediaError
from gateway.media.table_layout import TableLayout, classify
from gateway.media.table_values import is_gap
from gateway.media.time_names import (
    component_columns,
    component_of,
    has_time_word,
    is_time_name,
    unit_in,
)
from gateway.media.time_readers import TimeReader, component_reader, find_readers

HOUR = re.compile(r"[01]?\d|2[0-4]")
MAX_NAME = 200
"""Characters of a name that are searched for words and units of time."""


@dataclass(frozen=True, slots=True)
class TimeColumns:
    """The columns that are the time.

    Attributes:
        indexes: The columns; values of several are joined with spaces.
        is_certain: Whether their names or dates in them say so; else it is the first column.
        readers: Ways of reading them; several while days and months cannot be told apart.
        warnings: What was assumed.
        wanted: Format in which the times must be, if it is given.
    """

    indexes: tuple[int, ...]
    is_certain: bool
    readers: list[TimeReader]
    warnings: list[str]
    wanted: TimeSeriesTimeFormat | None


def find_time(layout: TableLayout, names: Sequence[str], given: TimeSeriesReading) -> TimeColumns:
    """Choose the time columns of a table and how to read them.

    Raises:
        MediaError: A given column does not exist, or the first values of the column are no times.
    """
    indexes, is_certain = chosen_columns(layout, names, given)
    values = [
        " ".join(row[index] for index in indexes).strip()
        for row in layout.sample
        if len(row) > max(indexes)
    ]
    cells = [cell for cell in values if not is_gap(cell)][:200]
    if len(indexes) == 1:  # something else may follow, such as sums
        kinds = [classify(cell) for cell in cells]
        first = next((kind for kind in kinds if kind != "text"), "text")
        cells = [cell for cell, kind in zip(cells, kinds, strict=True) if kind == first]
    warnings: list[str] = []
    if len(indexes) > 1 and any(component_of(names[index]) == "year" for index in indexes):
        readers = [component_reader([names[index] for index in indexes], given)]
    else:
        name = names[indexes[0]][:MAX_NAME]
        unit = given.time_unit or unit_in(name, layout.units[indexes[0]] if layout.units else "")
        readers, warnings = find_readers(cells, name, unit, given, layout.decimal_mark)
    return TimeColumns(indexes, is_certain, readers, warnings, given.time_format)


def chosen_columns(
    layout: TableLayout, names: Sequence[str], given: TimeSeriesReading
) -> tuple[tuple[int, ...], bool]:
    """Return the time columns, and whether that is certain."""
    if given.time_columns:
        for name in given.time_columns:
            if name not in names:
                raise MediaError(f'there is no column "{name}", which timeColumns names')
        return tuple(names.index(name) for name in given.time_columns), True
    columns = [
        [row[index] for row in layout.sample[:50] if len(row) > index and not is_gap(row[index])]
        for index in range(len(names))
    ]
    names = [name[:MAX_NAME] for name in names]
    if found := component_columns(names):
        return found, True
    kinds = [_kind(cells) for cells in columns]
    has_times = [kind in ("date", "number") for kind in kinds]
    dated = [index for index, kind in enumerate(kinds) if kind == "date"]
    timed = [index for index, has in enumerate(has_times) if has]
    named = [index for index in timed if is_time_name(names[index])]
    worded = [index for index in timed if has_time_word(names[index])]
    candidates = [
        *(index for index in named if index in dated),
        *named,
        *dated,
        *worded,
    ]
    if not candidates:
        return (0,), False
    first = candidates[0]
    hours = [index for index in timed if component_of(names[index]) == "hour"]
    return with_clock(first, columns, {*dated, *named}, hours) or (first,), True


def _kind(cells: Sequence[str]) -> str:
    """Return "date" or "number" if most cells are, else "text"."""
    kinds = Counter(map(classify, cells[:20]))
    kind, count = kinds.most_common(1)[0] if kinds else ("text", 0)
    return kind if 2 * count > kinds.total() else "text"


def with_clock(
    first: int, columns: Sequence[Sequence[str]], others: Iterable[int], hours: Sequence[int]
) -> tuple[int, int] | None:
    """Return a column of dates and one of times of day that together are the time, if they are."""

    def is_date(index: int) -> bool:
        return bool(columns[index]) and all(map(is_date_only, columns[index]))

    def is_clock(index: int) -> bool:
        return bool(columns[index]) and all(read_clock(cell) is not None for cell in columns[index])

    for other in sorted(others, key=lambda index: (abs(index - first), index)):
        if other != first and is_date(first) and is_clock(other):
            return first, other
        if other != first and is_clock(first) and is_date(other):
            return other, first
    is_hour = bool(hours) and all(HOUR.fullmatch(cell.strip()) for cell in columns[hours[0]])
    return (first, hours[0]) if is_hour and first != hours[0] and is_date(first) else None
