"""Time series: which column is the time, types of the others, time range, and why files are refused."""

import time

import pytest

from gateway.kinds.item_kinds import StorageItemType
from gateway.media import samples
from tests.media.conftest import Probed, Refusal

SERIES = StorageItemType.TIMESERIES
GOOD = b"time,left,right,note\n0,1,2,a\n0.5,,3e5,\n1.5,-1,4,b\n"


def test_a_table_is_read(probed: Probed) -> None:
    """Columns, rows and time range are those of the file (ENC-FOLDEROP-24)."""
    facts = probed(GOOD, SERIES, "x.csv")
    assert (facts.mime_type, facts.duration) == ("text/csv", 1.5)
    kinds = {"time": "TIME", "left": "NUMBER", "right": "NUMBER", "note": "TEXT"}
    columns = [{"name": name, "kind": kind} for name, kind in kinds.items()]
    expected = {"columns": columns, "row_count": 3, "start": 0.0, "end": 1.5, "is_dated": False}
    assert facts.time_series == expected


@pytest.mark.parametrize(
    ("data", "start", "end", "time_column"),
    [
        ("v\tTimestamp (s)\n1\t-2\n2\t-1\n", -2.0, -1.0, 1),
        ("v;w;DATE\n1;2;1970-01-01\n1;2;1970-01-01T00:01:00+00:00\n", 0.0, 60.0, 2),
        ("beat,v\r\n7,1\r\n\r\n7,2\r\n", 7.0, 7.0, 0),
        ('"a,b","c ""d"""\n1,2\n', 1.0, 1.0, 0),
        ("\ufefftime,v\n1,2\n", 1.0, 1.0, 0),
    ],
)
def test_the_time_column_is_detected(probed: Probed, data: str, start: float, end: float, time_column: int) -> None:
    """By its name or as the first column; numbers, or dates in UTC; with common delimiters and quotes."""
    series = probed(data.encode(), SERIES).time_series
    assert series
    assert (series["start"], series["end"]) == (start, end)
    assert [column["kind"] for column in series["columns"]].index("TIME") == time_column


FAULTS = {
    "only": "2 to 1,000 columns",
    "time,v,v\n1,2,3\n": 'two columns are named "v"',
    "time,\n1,2\n": "1 to 1,024 characters",
    "1,2\n3,4\n": "has no column names",
    "time,v\n": "no rows",
    "time,v\n1,2,3\n": "line 2 has 3 fields",
    "time,v\n2,1\n1,1\n": "line 3 is earlier than in the line before",
    "time,v\n1,1\n1970-01-01,1\n": "line 3 is not a number",
    "time,v\n1970-01-01,1\n2,1\n": "line 3 is not a date",
    "time,v\nsoon,1\n": "line 2 is not a number or a date",
    "time,v\nnan,1\n": "line 2 is not a number or a date",
    "time,v\n1,x\n": "no column of numbers",
    'time,v\n1,"x\n': "cannot be read",
}


@pytest.mark.parametrize("data", FAULTS)
def test_errors_are_specific(refusal: Refusal, data: str) -> None:
    """Errors name the line where there is one."""
    assert FAULTS[data] in refusal(data.encode(), SERIES)


def test_content_that_is_no_table_is_refused(refusal: Refusal) -> None:
    assert "expected a time series, but the content is image/png" in refusal(samples.png(), SERIES)
    assert "is not text" in refusal(b"time,v\n" + b"1,2\n" * 5000 + b"\0", SERIES)


@pytest.mark.long
def test_a_large_table_is_read_in_seconds(probed: Probed) -> None:
    """A million rows, without holding them in memory."""
    lines = b"".join(b"%d,%d,1.5,-2\n" % (number, number % 7) for number in range(1_000_000))
    before = time.process_time()
    series = probed(b"t,a,b,c\n" + lines, SERIES).time_series
    assert series
    assert series["row_count"] == 1_000_000
    assert time.process_time() - before < 30
