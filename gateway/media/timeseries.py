"""Probes time series: tables in which one or more columns are the time, and others channels."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, NamedTuple, TextIO

from gateway.kinds.enums import TimeSeriesColumnKind
from gateway.kinds.media_facts import MediaFacts
from gateway.kinds.time_series import TimeSeriesDecimalMark, TimeSeriesReading, TimeSeriesTimeFormat
from gateway.media.encoding_names import TextEncoding
from gateway.media.encodings import find_encoding, open_text
from gateway.media.errors import MediaError
from gateway.media.ranged import ReadableFile
from gateway.media.table_layout import MAX_SAMPLE_LINES, TableLayout, find_layout
from gateway.media.table_survey import TableSurvey
from gateway.media.time_columns import TimeColumns, find_time
from gateway.media.time_names import zone_in

MAX_COLUMNS = 1_000
MAX_NAME_LENGTH = 1_024
MAX_UNIT_LENGTH = 100
SAMPLE_SIZE = 256 << 10
"""Characters from which the layout of a table is found out."""
_MIME_TYPES = {"\t": "text/tab-separated-values", " ": "text/plain"}


class SurveyedTable(NamedTuple):
    """A table that was read from the first row to the last, and warnings about how."""

    encoding: TextEncoding
    layout: TableLayout
    time: TimeColumns
    survey: TableSurvey
    warnings: list[str]


def probe(
    file: ReadableFile, facts: MediaFacts, given: Mapping[str, Any] | None = None
) -> MediaFacts:
    """Add the columns, the number of rows, the range of time, and how the table was read.

    Args:
        file: The file.
        facts: Its facts so far.
        given: How to read it, by the names of the attributes of `TimeSeriesReading`; what is
            missing is found out.

    Raises:
        MediaError: It is not a table, or has no time or no channels; names the place at fault.
    """
    reading = TimeSeriesReading.from_json(given or {})
    table = survey_table(file, reading)
    return replace(
        facts,
        mime_type=_MIME_TYPES.get(table.layout.delimiter, "text/csv"),
        text_encoding=table.encoding.name,
        duration=table.survey.duration,
        time_series=to_json(table, reading),
    ).with_warnings(*table.warnings)


def survey_table(file: ReadableFile, given: TimeSeriesReading) -> SurveyedTable:
    """Find out how to read a table, as far as it is not given, and read all rows.

    Raises:
        MediaError: It is not a table, or has no time or no channels; names the place at fault.
    """
    encoding = find_encoding(file, given.encoding)
    with open_text(file, encoding) as text:
        layout = find_layout(sample_lines(text), given)
    names, warnings = unique_names(layout)
    time = find_time(layout, names, given)
    survey = TableSurvey(layout, names, time)
    with open_text(file, encoding) as text:
        survey.read(text)
    survey.finish()
    if encoding.warning:
        warnings.insert(0, encoding.warning)
    warnings += [*time.warnings, *survey.warnings]
    return SurveyedTable(encoding, layout, time, survey, warnings)


def sample_lines(text: TextIO) -> list[str]:
    """Return the first lines; the last one may be cut off only if it is the only one."""
    lines: list[str] = []
    size = 0
    while size < SAMPLE_SIZE and len(lines) < MAX_SAMPLE_LINES:
        line = text.readline(SAMPLE_SIZE)
        if not line:
            return lines
        lines.append(line)
        size += len(line)
    is_cut = not lines[-1].endswith(("\n", "\r"))
    return lines[:-1] if is_cut and len(lines) > 1 else lines


def unique_names(layout: TableLayout) -> tuple[list[str], list[str]]:
    """Return the names of the columns, all of them different, and warnings about those made up.

    Raises:
        MediaError: There are too many, or too few for a time series, or their names are too long.
    """
    if not 2 <= len(layout.names) <= MAX_COLUMNS:
        raise MediaError(
            f"a time series must have 2 to {MAX_COLUMNS:,} columns, not {len(layout.names):,}"
        )
    names: list[str] = []
    warnings: list[str] = []
    taken = set(layout.names)
    for number, original in enumerate(layout.names, 1):
        if len(original) > MAX_NAME_LENGTH:
            raise MediaError(
                f"the name of column {number:,} has more than {MAX_NAME_LENGTH:,} characters"
            )
        name = original or f"column {number}"
        if name in names or (not original and name in taken):
            name = next(each for n in range(1, 2_000) if (each := f"{name}.{n}") not in taken)
            if original:
                warnings.append(
                    f'Several columns are named "{original}": column {number} is "{name}".'
                )
        taken.add(name)
        names.append(name)
    return names, warnings


def to_json(table: SurveyedTable, given: TimeSeriesReading) -> dict[str, Any]:
    """Return the table in the form in which `items.time_series` stores it."""
    encoding, layout, time, survey, _ = table
    units = layout.units or [""] * len(survey.names)
    kinds = TimeSeriesColumnKind
    columns = []
    for index, (name, unit) in enumerate(zip(survey.names, units, strict=True)):
        kind = kinds.TEXT if index in survey.text_columns else kinds.NUMBER
        column = {"name": name, "kind": kinds.TIME if index in time.indexes else kind}
        columns.append({**column, "unit": unit[:MAX_UNIT_LENGTH]} if unit else column)
    reader = survey.reader
    reading = TimeSeriesReading(
        encoding=encoding.name,
        delimiter=layout.delimiter,
        decimal_mark=TimeSeriesDecimalMark.COMMA
        if survey.decimal_mark == ","
        else TimeSeriesDecimalMark.POINT,
        has_header=layout.has_header,
        skipped_lines=layout.skipped_lines,
        comment_prefix=layout.comment_prefix,
        time_columns=tuple(survey.names[index] for index in time.indexes),
        time_format=reader.format,
        time_unit=reader.unit,
        date_order=None if survey.is_ambiguous else reader.order,
        time_zone=(given.time_zone or zone_in(survey.names[time.indexes[0]]) or "UTC")
        if reader.format is TimeSeriesTimeFormat.DATE_TIME
        else None,
    )
    given_values = {name: value for name, value in asdict(given).items() if value is not None}
    return {
        "columns": columns,
        "row_count": survey.row_count,
        "start": survey.start,
        "end": survey.end,
        "is_dated": reader.is_dated,
        "parsing": asdict(reading),
        **({"given": given_values} if given_values else {}),
    }
