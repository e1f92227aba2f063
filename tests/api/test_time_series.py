"""Time series: facts that are read from the file, and display settings."""

from typing import Any

import pytest

from tests.fixtures.dumps import assert_unchanged
from tests.fixtures.invariants import check_all
from tests.fixtures.items import run_job, upload_items
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, count_items, item_facts, send_files, start_upload_job, wait_for_job

DATA = b"time (s),left,right,note\n0,1,2,a\n0.5,,3,\n1.5,-1,4,b\n"
CHANNELS = (
    "timeSeriesSettings { channels { __typename header label color hidden style "
    "... on TimeSeriesLineChannel { lineWidth } ... on TimeSeriesPointsChannel { pointRadius } } }"
)
CONTENT = "... on TimeSeriesItem { content { columns { name kind } rowCount start end startsAt endsAt } }"
PARSING = (
    "textEncoding probeWarnings ... on TimeSeriesItem { content { columns { unit } parsing { encoding delimiter "
    "decimalMark hasHeader skippedLines commentPrefix timeColumns timeFormat timeUnit dateOrder timeZone } } }"
)
LINE = {"header": "left", "label": "L", "color": "#0af", "hidden": True, "lineWidth": 6}
POINTS = {"header": "right", "color": "#00aaff80", "pointRadius": 1}
DRAWN = [
    {"__typename": "TimeSeriesLineChannel", **LINE, "style": "LINE", "lineWidth": 6.0},
    {"__typename": "TimeSeriesPointsChannel", **POINTS, "label": None, "hidden": False, "style": "POINTS"},
]
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module."""
    return shared_site


async def series(site: Site, folder: str, data: bytes = DATA, **more: Any) -> str:
    """Upload a time series."""
    [waiting] = await send_files(site, folder, [File("beats.csv", "TIMESERIES", data, "text/csv")])
    await run_job(site, folder, {"timeSeries": [{"placeholderUuid": waiting, **more}]})
    return waiting


async def test_a_time_series_is_read(site: Site) -> None:
    """Columns, rows and duration from numeric or date times.

    Time series have their own counter.

    Inventory: ENC-UPI-07, ENC-UPTS, ENC-FOLDEROP-24, SUB-081.
    """
    folder = await site.folder("series")
    first = await series(site, folder, title="Beats", clientMetadata={"a": 1})
    second = await series(site, folder, b"when;v\n2024-01-01;1\n2024-01-01T00:00:02Z;2\n")
    item = await item_facts(site, first)
    assert item == {**item, "name": "Beats", "clientMetadata": {"a": 1}, "duration": 1.5, "mimeType": "text/csv"}
    names = {"time (s)": "TIME", "left": "NUMBER", "right": "NUMBER", "note": "TEXT"}
    columns = [{"name": name, "kind": kind} for name, kind in names.items()]
    content = {"columns": columns, "rowCount": 3, "start": 0.0, "end": 1.5, "startsAt": None, "endsAt": None}
    assert await site.see("storageItem", first, f"__typename {CONTENT}") == {
        "__typename": "TimeSeriesItem",
        "content": content,
    }
    dated = (await site.see("storageItem", second, f"{CONTENT} {CHANNELS}"))["content"]
    assert (dated["startsAt"], dated["endsAt"]) == ("2024-01-01T00:00:00Z", "2024-01-01T00:00:02Z")
    counted = await site.ask(
        "query($u: UUID!) { storageFolder(uuid: $u) { summary { timeSeries files } } }", {"u": folder}
    )
    assert counted["storageFolder"]["summary"] == {"timeSeries": 2, "files": 2}
    await check_all(site.services)


async def test_invalid_time_series_are_refused_with_a_reason(site: Site) -> None:
    """The error has the line, and nothing is left.

    Settings for a missing column are refused too.
    """
    folder = await site.folder("none")
    bad = b"time,v\n2,1\nsoon,2\n3,4\n"
    files = [File(f"{name}.csv", "TIMESERIES", data) for name, data in (("bad", bad), ("good", DATA))]
    uuids = await send_files(site, folder, files)
    missing = {"channels": [{"line": {"header": "LEFT"}}]}
    entries = [{"placeholderUuid": uuids[0]}, {"placeholderUuid": uuids[1], "settings": missing}]
    job = await wait_for_job(site, await start_upload_job(site, folder, {"timeSeries": entries}, ignoreErrors=True))
    assert job["errors"] == [
        'bad.csv: line 3, column "time": "soon" is not a number.',
        'good.csv: the display settings refer to the column "LEFT", which the file does not have.',
    ]
    assert await count_items(site, folder) == 0


async def test_what_was_assumed_can_be_read_and_set(site: Site) -> None:
    """Delimiter, marks, columns and units: inline, and in manifests."""
    folder = await site.folder("assumed")
    data = "# logger 7\nZeit;Größe\n[ms];[V]\n01/02/2024;1,5\n02/02/2024;2,5\n".encode("cp1252")
    item = await site.see("storageItem", await series(site, folder, data), f"duration {PARSING}")
    assumed = {
        "encoding": "windows-1252",
        "delimiter": ";",
        "decimalMark": "COMMA",
        "hasHeader": True,
        "skippedLines": 1,
        "commentPrefix": "#",
        "timeColumns": ["Zeit"],
        "timeFormat": "DATE_TIME",
        "timeUnit": None,
        "dateOrder": None,
        "timeZone": "UTC",
    }
    assert item == {
        "duration": None,
        "textEncoding": "windows-1252",
        "probeWarnings": [
            'Day and month cannot be told apart in the column "Zeit", so that its times are not known. '
            "Set dateOrder to read them."
        ],
        "content": {"columns": [{"unit": "[ms]"}, {"unit": "[V]"}], "parsing": assumed},
    }
    given = {"dateOrder": "DAY_MONTH_YEAR", "timeZone": "+01:00"}
    for number, manifest in enumerate((False, True)):
        [waiting] = await send_files(site, folder, [File(f"{number}.csv", "TIMESERIES", data)])
        entries = {"timeSeries": [{"placeholderUuid": waiting, "parsing": given}]}
        if manifest:
            wanted = {"folderUuid": folder, "manifest": {"json": entries}}
            started = await site.done("startUploadJob", wanted, "uploadJob { uuid }")
            assert (await wait_for_job(site, started["uploadJob"]["uuid"]))["errors"] == []
        else:
            await run_job(site, folder, entries)
        item = await site.see("storageItem", waiting, f"duration probeWarnings {CONTENT} {PARSING}")
        assert (item["duration"], item["probeWarnings"]) == (86_400.0, [])
        assert item["content"]["startsAt"] == "2024-01-31T23:00:00Z"
        assert item["content"]["parsing"] == {**assumed, **given}


BAD_PARSING: list[tuple[str, dict[str, Any]]] = [
    ("encoding", {"encoding": "klingon"}),
    ("delimiter", {"delimiter": ""}),
    ("delimiter", {"delimiter": "ab"}),
    ("delimiter", {"delimiter": "1"}),
    ("delimiter", {"delimiter": '"'}),
    ("skippedLines", {"skippedLines": -1}),
    ("skippedLines", {"skippedLines": 501}),
    ("timeColumns", {"timeColumns": []}),
    ("timeColumns", {"timeColumns": ["a"] * 7}),
    ("timeColumns.1", {"timeColumns": ["a", "a"]}),
    ("timeColumns.0", {"timeColumns": [""]}),
    ("timeZone", {"timeZone": "Mars/Olympus"}),
]


async def test_how_to_read_is_checked(site: Site) -> None:
    """Before the job starts, inline and in manifests; values of enums in manifests as in GraphQL."""
    folder = await site.folder("unreadable")
    [waiting] = await send_files(site, folder, [File("a.csv", "TIMESERIES", DATA)])
    for field, given in BAD_PARSING:
        entries = {"timeSeries": [{"placeholderUuid": waiting, "parsing": given}]}
        path = f"timeSeries.0.parsing.{field}"
        [(code, at)] = await site.refused("startUploadJob", {"folderUuid": folder, "items": entries})
        assert (code, at) == ("BAD_USER_INPUT", f"input.items.{path}")
    entries = {"timeSeries": [{"placeholderUuid": waiting, "parsing": {"timeUnit": "PARSECS"}}]}
    refused = await site.refused("startUploadJob", {"folderUuid": folder, "manifest": {"json": entries}})
    assert refused == [("BAD_USER_INPUT", "input.manifest.json.timeSeries.0.parsing.timeUnit")]


async def test_display_settings(site: Site) -> None:
    """Set on upload and later: absent fields stay, null resets to the default.

    Inventory: ENC-ITEM-31, ENC-PITEM-04, ENC-UPTS-04, ENC-TSV, ENC-TSL, ENC-TSP, SUB-031.
    """
    folder = await site.folder("shown")
    settings = {"channels": [{"line": LINE}, {"points": POINTS}]}
    uuid = await series(site, folder, settings=settings)
    assert (await site.see("storageItem", uuid, CHANNELS))["timeSeriesSettings"]["channels"] == DRAWN
    document = f"item {{ lastEditedAt {CHANNELS} }}"
    for nothing in ({}, {"timeSeriesSettings": settings}):
        async with assert_unchanged(site):
            await site.done("updateStorageItem", {"itemUuid": uuid, **nothing}, document)
    plain = {"channels": [{"line": {"header": "right"}}, {"points": {"header": "left"}}]}
    changed = await site.done("updateStorageItem", {"itemUuid": uuid, "timeSeriesSettings": plain}, document)
    widths = [
        element.get("lineWidth", element.get("pointRadius"))
        for element in changed["item"]["timeSeriesSettings"]["channels"]
    ]
    assert widths == [1.5, 2.0]
    entry = {"itemUuid": uuid, "timeSeriesSettings": None}
    await site.done("updateStorageItems", {"items": [entry]}, "results { uuid }")
    assert await site.see("storageItem", uuid, CHANNELS) == {"timeSeriesSettings": None}


BAD: list[tuple[str, list[dict[str, Any]], str]] = [
    ("0.line.label", [{"line": {"header": "left", "label": ""}}], "BAD_USER_INPUT"),
    ("0.line.label", [{"line": {"header": "left", "label": "x" * 1025}}], "BAD_USER_INPUT"),
    ("0.line.color", [{"line": {"header": "left", "color": "#1234"}}], "BAD_USER_INPUT"),
    ("0.line.lineWidth", [{"line": {"header": "left", "lineWidth": 0.4}}], "BAD_USER_INPUT"),
    ("0.line.lineWidth", [{"line": {"header": "left", "lineWidth": 6.1}}], "BAD_USER_INPUT"),
    ("0.points.pointRadius", [{"points": {"header": "left", "pointRadius": 0.9}}], "BAD_USER_INPUT"),
    ("0.points.pointRadius", [{"points": {"header": "left", "pointRadius": 8.1}}], "BAD_USER_INPUT"),
    ("1", [{"line": {"header": "left"}}, {"points": {"header": "left"}}], "BAD_USER_INPUT"),
    ("0", [{"line": {"header": "up"}}], "BAD_USER_INPUT"),
    ("", [{"line": {"header": str(number)}} for number in range(101)], "LIMIT_EXCEEDED"),
]


async def test_settings_are_checked(site: Site) -> None:
    """Bad ranges, colours and columns are refused; only time series have settings.

    Inventory: ENC-TSL, ENC-TSP.
    """
    folder = await site.folder("checked")
    uuid = await series(site, folder)
    [text] = await upload_items(site, folder, [File("a.txt", "PLAIN_TEXT", b"text")])
    async with assert_unchanged(site):
        for path, channels, code in BAD:
            input = {"itemUuid": uuid, "timeSeriesSettings": {"channels": channels}}
            location = f"input.timeSeriesSettings.channels.{path}".rstrip(".")
            assert await site.refused("updateStorageItem", input) == [(code, location)]
        refused = await site.refused("updateStorageItem", {"itemUuid": text, "timeSeriesSettings": None})
        assert refused == [("BAD_USER_INPUT", "input.timeSeriesSettings")]
