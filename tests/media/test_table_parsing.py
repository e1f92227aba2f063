"""What is reported as the parsing of a table reads it again, and the picture of it is drawn so."""

from pathlib import Path
from typing import Any

import pytest

from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.thumbnail_sizes import COVER
from gateway.media.drawing.timeseries import HEIGHT, WIDTH, draw
from tests.media.conftest import Probed
from tests.media.test_probe_timeseries import GIVEN, GOOD, WARNINGS
from tests.media.test_table_dialects import DIALECTS, TIMES

SERIES = StorageItemType.TIMESERIES
TABLES: list[tuple[str, dict[str, Any] | None]] = [
    (GOOD.decode(), None),
    *((content, None) for content in WARNINGS),
    *((content, settings) for content, settings, _, _ in GIVEN),
    *((content, None) for content, *_ in DIALECTS.values()),
    *(('time,v\n"{}",1\n"{}",2\n'.format(*pair.split("|")), None) for pair in TIMES),
    ("year,v\n1990,1\n1991,2\n", None),
    ("time,v\n01/02/2024,1\n02/02/2024,2\n", None),
    ("time [s];v\n1,000;5\n2,000;6\n3,500;7\n", None),
    ('time [s],v\n1,"1,000"\n2,"2,000"\n', None),
]


@pytest.mark.parametrize(("content", "settings"), TABLES)
def test_reported_parsing_reads_the_table_again(
    probed: Probed, tmp_path: Path, content: str, settings: dict[str, Any] | None
) -> None:
    """The facts are the same but for warnings about what is now given."""
    first = probed(content.encode(), SERIES, "x.csv", settings)
    assert first.time_series
    again = probed(content.encode(), SERIES, "x.csv", first.time_series["parsing"])
    assert again.time_series
    assert {**again.time_series, "given": None} == {**first.time_series, "given": None}
    assert (again.duration, again.mime_type, again.text_encoding) == (
        first.duration,
        first.mime_type,
        first.text_encoding,
    )
    assert draw(tmp_path / "stored", first.mime_type, COVER, first.time_series["parsing"]).size == (WIDTH, HEIGHT)
