"""Time series: how tables are read, what is said of it, and why files are refused."""

import csv
import io
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kinds.item_kinds import StorageItemType
from gateway.media import samples
from gateway.media.probe import probe
from tests.media.conftest import Probed, Refusal

SERIES = StorageItemType.TIMESERIES
GOOD = b"time,left,right,note\n0,1,2,a\n0.5,,3e5,\n1.5,-1,4,b\n"
DAY = 86_400.0
UNKNOWN_UNIT = 'The unit of the times in the column "{}" is not known. Set timeUnit to convert them.'
NEW_YEAR = 1_704_067_200.0


def parsing(series: Any) -> dict[str, Any]:
    """Return how a table was read, without what does not apply."""
    return {name: value for name, value in series["parsing"].items() if value not in (None, ())}


def test_a_table_is_read(probed: Probed) -> None:
    """Columns, rows and time range are those of the file (ENC-FOLDEROP-24)."""
    facts = probed(GOOD, SERIES, "x.csv")
    assert (facts.mime_type, facts.text_encoding, facts.duration) == ("text/csv", "UTF-8", None)
    kinds = {"time": "TIME", "left": "NUMBER", "right": "NUMBER", "note": "TEXT"}
    columns = [{"name": name, "kind": kind} for name, kind in kinds.items()]
    assert facts.time_series
    assert facts.time_series == {
        "columns": columns,
        "row_count": 3,
        "start": 0.0,
        "end": 1.5,
        "is_dated": False,
        "parsing": facts.time_series["parsing"],
    }
    assert parsing(facts.time_series) == {
        "encoding": "UTF-8",
        "delimiter": ",",
        "decimal_mark": "POINT",
        "has_header": True,
        "skipped_lines": 0,
        "time_columns": ("time",),
        "time_format": "NUMBER",
    }
    assert facts.probe_warnings == [UNKNOWN_UNIT.format("time")]


DIALECTS: dict[str, tuple[str, int, float | None, str]] = {
    # What pandas writes.
    "index": (",time,v\n0,2024-01-01,1\n1,2024-01-02,2\n", 2, DAY, "time"),
    "index of times": (",v\n2024-01-01 00:00:00,1.0\n2024-01-01 00:00:01,2.0\n", 2, 1.0, "column 1"),
    "names that are numbers": (",0,1\n2024-01-01,1.0,2\n2024-01-02,2.0,3\n", 2, DAY, "column 1"),
    "two levels of names": (",Close,Open\nTicker,A,A\nDate,,\n2024-01-01,1,2\n2024-01-02,1,3\n", 2, DAY, "Date"),
    "time deltas": (",v\n0 days 00:00:00,1\n1 days 00:00:01.5,2\n", 2, DAY + 1.5, "column 1"),
    "names but the index's": ("v w\n2024-01-01 1 2\n2024-01-02 2 3\n".replace(" ", ","), 2, DAY, "column 1"),
    "years as names": (
        "date,v,2019,2020,2021,2022,2023\n2024-01-01,a,1,2,3,4,5\n2024-01-02,b,1,2,3,4,5\n",
        2,
        DAY,
        "date",
    ),
    # What spreadsheets write.
    "German": ("Zeit;T;p\n2024-01-01 00:00:00;20,5;1013,2\n2024-01-01 00:01:00;20,6;1.013,1\n", 2, 60, "Zeit"),
    "decimal commas and tabs": ("Zeit [ms]\tT\n0,5\t1,25\n1,5\t1,5\n", 2, 0.001, "Zeit [ms]"),
    "separator line": ("sep=;\ntime [s];v\n1;2\n2;3\n", 2, 1, "time [s]"),
    "trailing delimiter": ("time (s),v,\n1,2,\n2,3,\n", 2, 1, "time (s)"),
    "trailing delimiter in rows": ("time (s),v\n1,2,\n2,3,\n", 2, 1, "time (s)"),
    "empty rows": ("time (s),v\n1,2\n,\n2,3\n,\n,\n", 2, 1, "time (s)"),
    "serial dates": ("Date,v\n45292,1\n45292.5,2\n", 2, DAY / 2, "Date"),
    "AM and PM": ("Date,v\n1/31/2024 11:59:59 PM,1\n2/1/2024 12:00:01 AM,2\n", 2, 2, "Date"),
    "errors": ("Date,v\n2024-01-01,#DIV/0!\n2024-01-02,1\n", 2, DAY, "Date"),
    "mostly empty": ("time (s),v\n0,\n1,5\n2,\n", 3, 2, "time (s)"),
    "spaces after commas": ('date, v, "w, x"\n2024-01-01, 1, "2,000"\n2024-01-02, 2, "3,000"\n', 2, DAY, "date"),
    # What loggers write.
    "HOBO": (
        '"Plot Title: 7"\n"#","Date Time, GMT+01:00","T, °C (S/N: 7)","Host"\n1,01/31/24 11:00:00 PM,20.5,\n'
        "2,02/01/24 12:00:00 AM,20.6,Logged\n",
        2,
        3600,
        "Date Time, GMT+01:00",
    ),
    "InfluxDB": (
        "#group,false,false\n#datatype,string,long\n,result,table,_time,_value\n,,0,2024-01-01T00:00:00Z,1.5\n"
        ",,0,2024-01-01T00:00:10Z,1.6\n",
        2,
        10,
        "_time",
    ),
    "LabVIEW": (
        "LabVIEW Measurement\t\nSeparator\tTab\n***End_of_Header***\t\n\nTime [s]\tU\n0,000\t1,5\n0,001\t1,6\n",
        2,
        0.001,
        "Time [s]",
    ),
    "PicoScope": ("Time,Channel A\n(ms),(V)\n\n-1.00000000,0.5\n0.00000000,0.6\n", 2, 0.001, "Time"),
    "24 o'clock": (
        "Date (MM/DD/YYYY),Time,v\n01/02/24,23:00,1\n01/02/24,24:00,1\n01/03/24,01:00,2\n",
        3,
        7200,
        "Date (MM/DD/YYYY)|Time",
    ),
    "names in quotes between spaces": ('"time s" "a b" c\n0 1 2\n1 "3" 4\n', 2, 1, "time s"),
    "text among numbers": ('date,a,b\n2024-01-01,"<0.1",1\n2024-01-02,0.2,2\n2024-01-03,0.3,2\n', 3, 2 * DAY, "date"),
    "comments": ("# device 7\n# more\ntime_ms,v\n0,1\n# pause\n500,2\n", 2, 0.5, "time_ms"),
    "header in a comment": ("# t[s] v w\n0.5 1 2\n1.5 2 3\n", 2, 1, "t[s]"),
    "preamble": ("Device,7\nStart,now\n\nTime (s),Voltage\n0,1\n1,2\n", 2, 1, "Time (s)"),
    "units": ("Time,U\n[ms],[V]\n0,1\n500,2\n", 2, 0.5, "Time"),
    "units without brackets": ("Zeit;Kraft\ns;N\n0;1,5\n2;2,5\n", 2, 2, "Zeit"),
    "spaces": ("time_s   v    w\n 0.0  1.5  2\n10.0 12.5 13\n", 2, 10, "time_s"),
    "sums": ("time (s),v\n0,1\n1,2\n\nTotal,3\nmean,1.5\n", 2, 1, "time (s)"),
    "repeated header": ("time (s),v\n0,1\ntime (s),v\n1,2\n", 2, 1, "time (s)"),
    "line breaks in quotes": ('time (s),v,note\n0,1,"a\nb"\n1,2,"c"\n', 2, 1, "time (s)"),
    "pipes": ("time|v\n2024-01-01|1\n2024-01-02|2\n", 2, DAY, "time"),
    "no header": ("2024-01-01T00:00:00,1.5,2\n2024-01-01T00:00:01,1.6,3\n2024-01-01T00:00:02,1,3\n", 3, 2, "column 1"),
    "gaps": (
        "date,v\n2024-01-01,NA\n2024-01-02,n/a\n2024-01-03,null\n2024-01-04,-\n2024-01-05,1\n",
        5,
        4 * DAY,
        "date",
    ),
    "all lines end with CR": ("time (s),v\r0,1\r1,2\r", 2, 1, "time (s)"),
    "two columns": ("Date,Time,v\n2024-01-01,00:00:01,5\n2024-01-01,00:00:02,6\n", 2, 1, "Date Time"),
    "two columns in another order": (
        "v;Uhrzeit;Datum\n5;23:59:59;31.01.2024\n6;00:00:01;01.02.2024\n",
        2,
        2,
        "Datum Uhrzeit",
    ),
    "day and hour": ("date,hour,v\n2024-01-01,0,1\n2024-01-01,1,1\n2024-01-01,23,2\n", 3, 23 * 3600.0, "date hour"),
    "packed date and time": ("Date,Time,v\n20240101,23:59,1\n20240102,00:01,1\n", 2, 120, "Date Time"),
    "fewer units than columns": ("Time,v,w\n[s],[V]\n0,1,2\n1,2,3\n", 2, 1, "Time"),
    "year, month and day": ("v,year,month,day\n1,2024,2,28\n2,2024,3,1\n", 2, 2 * DAY, "year month day"),
    "year and name of month": ("year,month,v\n2024,Jan,1\n2024,February,2\n", 2, 31 * DAY, "year month"),
    "swiss thousands": ("time (s),v\n0,1'000.5\n1,12'345\n", 2, 1, "time (s)"),
    "quoted thousands": ('time (s),v\n0,"1,000.5"\n"1,000","12,345"\n', 2, 1000, "time (s)"),
}


@pytest.mark.parametrize("name", DIALECTS)
def test_dialects(probed: Probed, name: str) -> None:
    """Rows are complete, durations are in seconds, and the columns of the time are named."""
    content, rows, duration, columns = DIALECTS[name]
    facts = probed(content.encode(), SERIES)
    assert facts.time_series
    assert (facts.time_series["row_count"], facts.duration) == (rows, duration)
    assert facts.time_series["parsing"]["time_columns"] in (
        tuple(columns.split("|")),
        tuple(columns.split(" ")),
        (columns,),
    )
    kinds = {column["kind"] for column in facts.time_series["columns"] if column["name"] not in columns}
    assert kinds <= {"NUMBER", "TEXT"}
    assert "NUMBER" in kinds


TIMES = {
    # A first and second time, and the seconds between them.
    "2024-01-31 23:59:59|2024-02-01T00:00:00.5": 1.5,
    "2024/01/31|2024/2/1 1:00": DAY + 3600,
    "31.01.2024 10:00|01.02.2024 10:00": DAY,
    "31.1.24|1.2.24": DAY,
    "31/01/2024|01/02/2024": DAY,
    "01/31/2024|02/01/2024": DAY,
    "31-Jan-24|1-Feb-2024": DAY,
    "Jan 31, 2024|February 1, 2024 06:00 AM": DAY * 1.25,
    "31. Mai 2024 10:00|1. Juni 2024 10:00": DAY,
    "Wed, 31 Jan 2024 00:00:00 GMT|Thu, 01 Feb 2024 00:00:00 GMT": DAY,
    "2024-01-31 00:00:00+01:00|2024-01-31 00:00:00 UTC": 3600,
    "2024-01-31T00:00:00.123456789Z|2024-01-31T00:00:01.123456789Z": 1,
    "2024-W05-1|2024-W05-2": DAY,
    "2024-W05|2024-W06": 7 * DAY,
    "2024-01|2024-02": 31 * DAY,
    "2024Q1|2024Q2": 91 * DAY,
    "20240131|20240201": DAY,
    "20240131235959|20240201000001": 2,
    "00:00:01.5|00:00:02.5": 1,
    "10:05|10:06": 60,
    "1:05:07 PM|1:05:08 PM": 1,
    "59:59.5|61:00.0": 60.5,
    "1706659200|1706659201.5": 1.5,
    "1706659200000|1706659201500": 1.5,
    "1706659200000000|1706659200500000": 0.5,
    "1706659200000000000|1706659201000000000": 1,
}


@pytest.mark.parametrize("pair", TIMES)
def test_forms_of_times(probed: Probed, pair: str) -> None:
    first, second = pair.split("|")
    facts = probed(f'time,v\n"{first}",1\n"{second}",2\n'.encode(), SERIES)
    assert facts.duration == pytest.approx(TIMES[pair], abs=1e-6)


@pytest.mark.parametrize(
    ("header", "factor"),
    {
        "time_ns": 1e-9,
        "t [µs]": 1e-6,
        "Time (ms)": 1e-3,
        "seconds": 1,
        "Zeit/s": 1,
        "elapsed time, min": 60,
        "time in h": 3600,
        "Hours": 3600,
        "timestampMs": 1e-3,
        "t": None,
        "time": None,
        "MJD": DAY,
        "min": None,
    }.items(),
)
def test_units_in_names(probed: Probed, header: str, factor: float | None) -> None:
    """A number without a unit has no duration in seconds, and the item says so."""
    facts = probed(f'"{header}",v\n1,1\n3,2\n'.encode(), SERIES)
    assert facts.duration == (None if factor is None else pytest.approx(2 * factor))
    assert facts.probe_warnings == ([UNKNOWN_UNIT.format(header)] if factor is None else [])


def test_day_and_month_are_not_guessed(probed: Probed, refusal: Refusal) -> None:
    """They are known if one of them exceeds 12 in any row, or if it makes no difference."""
    start = "time,v\n" + "".join(f"0{n % 9 + 1}/05/2024,{n}\n" for n in range(3_000))
    facts = probed(start.encode(), SERIES)
    assert facts.time_series
    assert (facts.duration, facts.time_series["start"], facts.time_series["row_count"]) == (None, None, 3_000)
    assert facts.probe_warnings[0] == (
        'Day and month cannot be told apart in the column "time", so that its times are not known. '
        "Set dateOrder to read them."
    )
    known = probed(f"{start}13/05/2024,1\n".encode(), SERIES)
    assert known.time_series
    assert (known.duration, parsing(known.time_series)["date_order"]) == (12 * DAY, "DAY_MONTH_YEAR")
    assert probed(b"time,v\n01/01/2024,1\n02/02/2024,1\n", SERIES).duration == 32 * DAY
    both = refusal(f"{start}13/05/2024,1\n05/13/2024,1\n".encode(), SERIES)
    assert both == 'line 3,003, column "time": "05/13/2024" is not a date in the form of the others'


def test_the_order_of_times_is_reported(probed: Probed) -> None:
    """Times that run backwards are kept; the range is that of all of them."""
    facts = probed(b"time,v\n2024-01-03,1\n2024-01-02,2\n2024-01-04,2\n2024-01-04,2\n", SERIES)
    assert facts.duration == 2 * DAY
    assert facts.probe_warnings == [
        'The times are not in order: "2024-01-02" in line 3 is earlier than the time before.'
    ]
    midnight = probed(b"time,v\n23:59:59,1\n00:00:01,2\n", SERIES)
    assert midnight.duration is None


WARNINGS = {
    "time (s),v\n1,2\n2,3\nTotal,5\n": 'Lines after the table are left out: 1, the first of them line 4, "Total 5".',
    "Made by X\ntime (s),v\n1,2\n2,3\n": 'Lines before the table are left out: 1, beginning with "Made by X".',
    "time (s),v,w\n1,2,3\n2,3\n": "Lines that have fewer fields than there are columns; the missing ones are "
    "taken as empty: 1, the first of them line 3.",
    "time (s),v\n1,2\n,3\n2,4\n": "Lines that have no time: 1, the first of them line 3.",
    "time (s),v\n1,2\ntime (s),v\n2,4\n": "Lines that repeat the header and are left out: 1, the first of them line 3.",
    "time (s),v,w\n1,2,1\n2,3,1\n3,?!,1\n": 'The column "v" is text, although it has numbers: "?!" in line 4 is not '
    "a number.",
    "time (s),v,v\n1,2,1\n2,3,1\n": 'Several columns are named "v": column 3 is "v.1".',
    "time,v\n10:05,1\n10:06,2\n": 'The times of the column "time", such as 10:05, are read as hours and minutes.',
}


@pytest.mark.parametrize("content", WARNINGS)
def test_nothing_is_lost_silently(probed: Probed, content: str) -> None:
    facts = probed(content.encode(), SERIES)
    assert facts.probe_warnings == [WARNINGS[content]]
    assert facts.duration is not None


FAULTS = {
    "only": "not a table",
    "time,v\n": "no rows",
    "time,v\n1,2,3\n2,3\n3,4\n": 'line 2 has 3 fields, but there are 2 columns: "3" has no name',
    "time,v\n1,1\n2,2\n1970-01-01,1\n": 'line 4, column "time": "1970-01-01" is not a number',
    "time,v\n1970-01-01,1\n1970-01-02,1\n2,1\n": 'line 4, column "time": "2" is not a date in the form of the others',
    "time,v\n1,1\nsoon,1\n2,1\n": 'line 3, column "time": "soon" is not a number',
    "time,v\nsoon,1\nlater,2\n": 'line 2, column "time": "soon" is not a number, a date or a time of day',
    "time,v\n1,x\n2,y\n": "no column of numbers",
    'time,v\n1,2\n2,"x\n': "line 3 cannot be read",
    "length,width\n5,1\n4,1\n": 'no column is a time by its name or its values, and the first, "length", is not in '
    'order: "4" in line 3 is less than the value before',
    "31.02.2024;1\n": "is not",
}


@pytest.mark.parametrize("content", FAULTS)
def test_errors_are_specific(refusal: Refusal, content: str) -> None:
    """Errors name the line, the column and the value."""
    assert FAULTS[content] in refusal(content.encode(), SERIES)


def test_content_that_is_no_table_is_refused(refusal: Refusal) -> None:
    assert "expected a time series, but the content is image/png" in refusal(samples.png(), SERIES)
    assert "is not text" in refusal(b"time,v\n" + b"1,2\n" * 5000 + b"\0", SERIES)


GIVEN: list[tuple[str, dict[str, Any], float | None, int]] = [
    ("time,v\n1,2\n3,4\n", {"time_unit": "MILLISECONDS"}, 0.002, 2),
    ("time,v\n1,2\n3,4\n", {"time_format": "UNIX_TIME"}, 2.0, 2),
    ("time,v\n1,2\n3,4\n", {"time_format": "EXCEL_DATE"}, 2 * DAY, 2),
    ("a,b\n5,2024-01-01\n4,2024-01-02\n", {"time_columns": ["b"]}, DAY, 2),
    ("a,b\n5,1\n6,2\n", {"time_columns": ["b"], "time_unit": "HOURS"}, 3600, 2),
    ("time,v\n01/02/2024,1\n02/02/2024,2\n", {"date_order": "DAY_MONTH_YEAR"}, DAY, 2),
    ("time,v\n01/02/2024,1\n02/02/2024,2\n", {"date_order": "MONTH_DAY_YEAR"}, 31 * DAY, 2),
    ("time,v\n01.02.2024,1\n02.02.2024,2\n", {"date_order": "MONTH_DAY_YEAR"}, 31 * DAY, 2),
    ("1,2\n3,4\n", {"has_header": False, "time_unit": "SECONDS"}, 2, 2),
    ("1,2\n3,4\n5,6\n", {"has_header": True, "time_columns": ["1"], "time_unit": "SECONDS"}, 2, 2),
    ("1,2\n3,4\n5,6\n", {"skipped_lines": 1, "time_unit": "SECONDS"}, 2, 2),
    ("time x v\n0 x 1\n2 x 2\n", {"delimiter": "x", "time_unit": "SECONDS"}, 2, 2),
    ("time (s);v\n1,000;1\n2,000;2\n", {"decimal_mark": "COMMA"}, 1, 2),
    ("time (s);v\n1,000;1\n2,000;2\n", {"decimal_mark": "POINT"}, 1000, 2),
    ("time,v\n2024-03-31 01:00,1\n2024-03-31 04:00,2\n", {"time_zone": "Europe/Berlin"}, 7200, 2),
]


@pytest.mark.parametrize(("content", "settings", "duration", "rows"), GIVEN)
def test_what_is_given_is_used(
    probed: Probed, content: str, settings: dict[str, Any], duration: float, rows: int
) -> None:
    """It is recorded, so that the file can be read in the same way again."""
    facts = probed(content.encode(), SERIES, "x.csv", settings)
    assert facts.time_series
    assert facts.duration == pytest.approx(duration)
    assert facts.time_series["row_count"] == rows
    recorded = {name: facts.time_series["parsing"][name] for name in settings if name != "time_columns"}
    assert recorded.items() <= settings.items()
    assert {**facts.time_series["given"], "time_columns": None} == {**settings, "time_columns": None}


def test_what_is_given_must_fit(refusal: Refusal) -> None:
    assert 'there is no column "w"' in refusal(b"time,v\n1,2\n", SERIES, "x", {"time_columns": ["w"]})
    assert '"1" is not a' in refusal(b"time,v\n1,2\n", SERIES, "x", {"time_format": "DATE_TIME"})
    assert "not UTF-16LE" in refusal(b"time,v\n1,2\n", SERIES, "x", {"encoding": "utf-16le"})


@pytest.mark.parametrize("name", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "shift_jis"])
def test_encodings(probed: Probed, name: str) -> None:
    """Excel writes "Unicode text" as UTF-16, and CSV as the encoding of Windows."""
    header = "時刻;温度" if name == "shift_jis" else "Zeit;Größe"
    facts = probed(f"{header}\n2024-01-01;1\n2024-01-02;2\n".encode(name), SERIES)
    assert facts.time_series
    assert [column["name"] for column in facts.time_series["columns"]] == header.split(";")
    assert facts.duration == DAY


finite = st.floats(-1e12, 1e12).filter(lambda number: number == 0 or abs(number) > 1e-6)
cells = st.one_of(finite, st.integers(-(10**9), 10**9), st.none())
moments = st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1)).map(lambda moment: moment.replace(microsecond=0))


@given(
    rows=st.lists(st.tuples(moments, cells, finite, st.text("ab \"',;\n", max_size=5)), min_size=3, max_size=30),
    delimiter=st.sampled_from(",;\t|"),
    is_decimal_comma=st.booleans(),
    form=st.sampled_from(["%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%Y/%m/%d %H:%M:%S", "%d %b %Y %H:%M:%S"]),
    has_header=st.booleans(),
    line_end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[datetime, float | None, float, str]],
    delimiter: str,
    is_decimal_comma: bool,
    form: str,
    has_header: bool,
    line_end: str,
    encoding: str,
) -> None:
    """A table in any dialect has the rows, columns and range of time that were written."""
    rows = sorted(rows, key=lambda row: row[0])
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=delimiter, lineterminator=line_end)
    if has_header:
        writer.writerow(["Zeitpunkt", "größe", "w", "x y"])
    for moment, first, second, note in rows:
        numbers = ["" if number is None else repr(number) for number in (first, second)]
        if is_decimal_comma:
            numbers = [number.replace(".", ",") for number in numbers]
        writer.writerow([moment.strftime(form), *numbers, f"n{note}" if note else ""])
    path = tmp_path_factory.mktemp("written") / "x"
    path.write_bytes(stream.getvalue().encode(encoding))
    facts = probe(path, SERIES, "x.csv")
    series = facts.time_series
    assert series
    assert series["row_count"] == len(rows)
    assert series["start"] == rows[0][0].replace(tzinfo=UTC).timestamp()
    assert facts.duration == (rows[-1][0] - rows[0][0]) / timedelta(seconds=1)
    assert [column["kind"] for column in series["columns"]][:3] == ["TIME", "NUMBER", "NUMBER"]
    assert len(series["columns"]) == 4 - (not has_header and not any(row[3] for row in rows))
    assert parsing(series)["delimiter"] == delimiter
    assert parsing(series)["has_header"] == has_header
    assert facts.probe_warnings == []


@pytest.mark.long
def test_a_large_table_is_read_in_seconds(probed: Probed) -> None:
    """A million rows, without holding them in memory."""
    lines = b"".join(b"%d,%d,1.5,-2\n" % (number, number % 7) for number in range(1_000_000))
    before = time.process_time()
    series = probed(b"t,a,b,c\n" + lines, SERIES).time_series
    assert series
    assert series["row_count"] == 1_000_000
    assert time.process_time() - before < 30
