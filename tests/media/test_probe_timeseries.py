"""Time series: how tables are read, what is said of it, and why files are refused."""

import time
from typing import Any

import pytest

from gateway.kinds.item_kinds import StorageItemType
from gateway.media import samples
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
    assert midnight.probe_warnings == [
        'The times are not in order: "00:00:01" in line 3 is earlier than the time before. Times of day that pass '
        "midnight have no duration."
    ]


AMBIGUOUS = (
    'The comma of numbers such as "1,000" is read as one between thousands. Set decimalMark if it is a decimal comma.'
)
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
    'time (s),v\n1,"1,000"\n2,"2,000"\n': AMBIGUOUS,
    "time (s);v\n1;1,000\n2;1.000\n": AMBIGUOUS,
    "time (s)|v\n1|1,000\n2|2,000\n": AMBIGUOUS,
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
    "time,v\n1,2\n2,3,4\n": 'line 3 has 3 fields, but there are 2 columns: "4" has no name',
    "time (s),v,note\n1,2,a\n2,3,b,c\n3,4,d\n": 'line 3 has 4 fields, but there are 3 columns: "c" has no name',
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
    expected = {"DATE_TIME": "a date", "CLOCK": "a time of day"}
    for form, phrase in expected.items():
        message = refusal(b"time,v\n1,2\n", SERIES, "x", {"time_format": form})
        assert message == f'line 2, column "time": "1" is not {phrase}'
    assert "not UTF-16LE" in refusal(b"time,v\n1,2\n", SERIES, "x", {"encoding": "utf-16le"})


@pytest.mark.long
def test_a_large_table_is_read_in_seconds(probed: Probed) -> None:
    """A million rows, without holding them in memory."""
    lines = b"".join(b"%d,%d,1.5,-2\n" % (number, number % 7) for number in range(1_000_000))
    before = time.process_time()
    series = probed(b"t,a,b,c\n" + lines, SERIES).time_series
    assert series
    assert series["row_count"] == 1_000_000
    assert time.process_time() - before < 30
