"""Tables are read in the dialects of pandas, spreadsheets, loggers and people."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.kinds.item_kinds import StorageItemType
from gateway.media.probe import probe
from tests.media.conftest import Probed

SERIES = StorageItemType.TIMESERIES
DAY = 86_400.0
UNKNOWN_UNIT = 'The unit of the times in the column "{}" is not known. Set timeUnit to convert them.'


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
    "packed times, repeated": ("time,v\n20240131235959,1\n20240131235959,1\n20240201000001,2\n", 3, 2, "time"),
    "years": ("year,v\n1990,1\n1991,2\n", 2, 365 * DAY, "year"),
    "decimal commas of three digits": ("time [s];v\n1,000;5\n2,000;6\n3,500;7\n", 3, 2.5, "time [s]"),
    "decimal commas between tabs": ("time [s]\tv\n1,000\t5\n3,500\t7\n", 2, 2.5, "time [s]"),
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
    assert series["parsing"]["delimiter"] == delimiter
    assert series["parsing"]["has_header"] == has_header
    # Commas of numbers such as 1,125 may be ambiguous.
    assert [warning for warning in facts.probe_warnings if "decimalMark" not in warning] == []
