"""DICOM studies and series by the values of indexed tags, which an index serves, as viewers see them."""

from typing import Any

import pytest
import sqlalchemy as sa

from gateway.models.dicom_indexed_tags import dicom_indexed_tags
from gateway.tasks.index_dicom_tag import index_dicom_tag
from tests.fixtures.sites import Site
from tests.fixtures.tagged_files import TaggedFile, add_files, element

SEARCH = """query($filter: DicomStudyFilter, $series: DicomSeriesFilter) { dicomStudies(filter: $filter, first: 50) {
    totalCount nodes { studyUid series(filter: $series) { totalCount nodes { seriesUid } } } } }"""
CREATOR = {"00190011": element("LO", "ACME")}
FILES = [
    TaggedFile("2.1", {"00180050": element("DS", 1.5), "00081010": element("SH", "Room A")}, "1.1"),
    TaggedFile("2.1", {"00180050": element("DS", "2.50"), "00080022": element("DA", "20260131")}, "1.1"),
    TaggedFile("2.2", {"00180050": element("DS", 3), "0019110C": element("IS", 7), **CREATOR}, "1.1"),
    TaggedFile("2.3", {"00180050": element("DS", "thick"), "00080022": element("DA", "20260201")}, "1.2"),
    TaggedFile("2.4", {"00081111": element("SQ", {"00081155": element("UI", "9.1")})}, "1.3"),
    TaggedFile("2.4", {"00081010": element("SH", "room b"), "00180015": element("CS", "HEAD")}, "1.3"),
]
TAGS: list[dict[str, Any]] = [
    {"tag": "SliceThickness"},
    {"tag": "StationName"},
    {"tag": "AcquisitionDate"},
    {"tag": "0019100C", "privateCreator": "ACME", "vr": "IS"},
    {"tag": "00081111:00081155"},
    {"tag": "BodyPartExamined"},
]


async def add_tags(site: Site, *tags: dict[str, Any]) -> None:
    """Index tags, and fill in their values."""
    for given in tags:
        await site.done("addDicomIndexedTag", given, "indexedTag { id }")
    for row in await site.services.database.rows(sa.select(dicom_indexed_tags), sa.Row):
        await index_dicom_tag(site.services, tag=row.uuid.hex)


def match(tag: str, value: str | None = None, creator: str | None = None, **span: str) -> dict[str, Any]:
    """Return a condition on a tag."""
    ends = {name.strip("_"): end for name, end in span.items()}
    return {"tag": tag, "privateCreator": creator, "is": {"range": ends} if value is None else {"value": value}}


async def search(site: Site, *tags: dict[str, Any], who: str = "admin") -> dict[str, list[str]]:
    """Return the series that match by the UIDs of the studies that do."""
    filter = {"tags": list(tags)}
    data = await site.ask(SEARCH, {"filter": filter, "series": filter}, who)
    found = data["dicomStudies"]
    assert found["totalCount"] == len(found["nodes"])
    return {
        study["studyUid"]: sorted(series["seriesUid"] for series in study["series"]["nodes"])
        for study in sorted(found["nodes"], key=lambda study: str(study["studyUid"]))
    }


@pytest.fixture
async def tagged(idle_site: Site) -> Site:
    """Return a site with files in a folder, by whose tags studies can be filtered."""
    folder = await idle_site.folder("tagged")
    await add_files(idle_site, folder, *FILES)
    await add_tags(idle_site, *TAGS)
    return idle_site


async def test_studies_and_series_are_filtered_by_indexed_tags(tagged: Site) -> None:
    """Values are compared as their representation has it: numbers, dates, codes and texts."""
    for condition, expected in (
        (match("SliceThickness", "1.50"), {"1.1": ["2.1"]}),
        (match("00180050", from_="2.5"), {"1.1": ["2.1", "2.2"]}),
        (match("0018,0050", from_="-1", to="10"), {"1.1": ["2.1", "2.2"]}),
        (match("00180050", to="1.4"), {}),
        (match("StationName", "ROOM a"), {"1.1": ["2.1"]}),
        (match("StationName", from_="room"), {"1.1": ["2.1"], "1.3": ["2.4"]}),
        (match("StationName", to="room a"), {"1.1": ["2.1"]}),
        (match("AcquisitionDate", "2026-01-31"), {"1.1": ["2.1"]}),
        (match("AcquisitionDate", from_="20260131", to="2026-02-01"), {"1.1": ["2.1"], "1.2": ["2.3"]}),
        (match("0019110C", "7", "ACME"), {"1.1": ["2.2"]}),
        (match("00081111:00081155", "9.1"), {"1.3": ["2.4"]}),
        (match("BodyPartExamined", "HEAD"), {"1.3": ["2.4"]}),
        (match("BodyPartExamined", "head"), {}),
    ):
        assert await search(tagged, condition) == expected, condition
    both = match("SliceThickness", "3"), match("StationName", "Room A")
    filter = {"tags": list(both)}
    data = await tagged.ask(SEARCH, {"filter": filter, "series": filter})
    [study] = data["dicomStudies"]["nodes"]
    assert study == {"studyUid": "1.1", "series": {"totalCount": 0, "nodes": []}}


async def test_conditions_that_cannot_be_met_by_an_index_are_refused(tagged: Site) -> None:
    """Each error names the tag or the value."""
    await tagged.done("addDicomIndexedTag", {"tag": "Manufacturer"}, "indexedTag { id }")
    for tag, code, path in (
        (match("SeriesDate", "2026-01-31"), "BAD_USER_INPUT", "tag"),
        (match("0019100C", "7", "OTHER"), "BAD_USER_INPUT", "tag"),
        (match("NoKeyword", "7"), "BAD_USER_INPUT", "tag"),
        (match("0019100C", "7"), "BAD_USER_INPUT", "privateCreator"),
        (match("Manufacturer", "ACME"), "UNAVAILABLE", "tag"),
        (match("SliceThickness", "thick"), "BAD_USER_INPUT", "is.value"),
        (match("SliceThickness", ""), "BAD_USER_INPUT", "is.value"),
        (match("StationName", "x" * 10_001), "BAD_USER_INPUT", "is.value"),
        (match("AcquisitionDate", to="2026-02-30"), "BAD_USER_INPUT", "is.range.to"),
        (match("AcquisitionDate", from_="soon"), "BAD_USER_INPUT", "is.range.from"),
        (match("AcquisitionDate"), "BAD_USER_INPUT", "is.range"),
    ):
        body = await tagged.body(SEARCH, {"filter": {"tags": [tag]}})
        [error] = body["errors"]
        assert error["extensions"]["code"] == code, error
        assert ".".join(map(str, error["extensions"]["inputPath"])) == f"filter.tags.0.{path}", error
    body = await tagged.body(SEARCH, {"filter": {"tags": [match("SeriesDate", "2026-01-31")]}})
    assert "00080021" in body["errors"][0]["message"]
    many = [match("SliceThickness", "1")] * 21
    body = await tagged.body(SEARCH, {"filter": {"tags": many}})
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    body = await tagged.body(SEARCH, {"filter": {"tags": [{"tag": "SliceThickness", "is": {}}]}})
    assert body["errors"]


async def test_series_in_hidden_folders_do_not_match(tagged: Site) -> None:
    """A study matches by those of its series that the viewer sees."""
    who, group = "reader@example.org", await tagged.group("readers")
    await tagged.user(who, groups=[group])
    thick = match("SliceThickness", from_="1")
    assert await search(tagged, thick, who=who) == {}
    other = await tagged.folder("other")
    await tagged.grant(other, group, "VIEWER")
    await add_files(tagged, other, TaggedFile("2.9", {"00180050": element("DS", 9)}, "1.9"))
    assert await search(tagged, thick, who=who) == {"1.9": ["2.9"]}
    assert await search(tagged, match("SliceThickness", "3"), who=who) == {}


async def test_identifying_tags_match_nothing_in_masked_folders(tagged: Site) -> None:
    """Station names and private tags identify; the thickness of slices does not."""
    who, group = "reader@example.org", await tagged.group("readers")
    await tagged.user(who, groups=[group])
    [folder] = (await tagged.ask("{ storageFolders { nodes { uuid } } }"))["storageFolders"]["nodes"]
    await tagged.grant(folder["uuid"], group, "VIEWER")
    conditions = [
        (match("SliceThickness", "3"), False),
        (match("StationName", "Room A"), True),
        (match("0019100C", "7", "ACME"), True),
        (match("AcquisitionDate", "2026-01-31"), True),
    ]
    for condition, _ in conditions:
        assert await search(tagged, condition, who=who)
    change = {"folderUuid": folder["uuid"], "phiPolicy": "MASKED"}
    await tagged.done("updateStorageFolder", change, "folder { uuid }")
    for condition, is_masked in conditions:
        assert bool(await search(tagged, condition, who=who)) is not is_masked
        assert await search(tagged, condition)


INSTANCES = """query($filter: DicomInstanceFilter!) { dicomInstances(filter: $filter, first: 50) {
    totalCount nodes { sopInstanceUid } } }"""


async def test_instances_of_a_study_are_filtered_by_their_documents(tagged: Site) -> None:
    """Tags of the standard need no index there."""

    async def instances(*tags: dict[str, Any], study: str = "1.1", who: str = "admin") -> list[str]:
        filter = {"studyUids": [study], "tags": list(tags)}
        listed = (await tagged.ask(INSTANCES, {"filter": filter}, who))["dicomInstances"]
        assert listed["totalCount"] == len(listed["nodes"])
        return sorted(node["sopInstanceUid"] for node in listed["nodes"])

    assert await instances(match("SliceThickness", from_="2")) == ["3.1", "3.2"]
    assert await instances(match("SliceThickness", to="2.5"), match("StationName", "room a")) == ["3.0"]
    assert await instances(match("0019100C", "7", "ACME")) == ["3.2"]
    assert await instances(match("AcquisitionDate", from_="2026-01-01"), study="1.2") == ["3.3"]
    assert await instances(match("PatientID", "1")) == []
    for filter, code, path in (
        ({"tags": [match("StationName", "a")]}, "BAD_USER_INPUT", "studyUids"),
        ({"tags": [match("StationName", "a")], "studyUids": ["1.1", "1.2"]}, "BAD_USER_INPUT", "studyUids"),
        ({"tags": [match("0019100C", "a", "X")], "studyUids": ["1.1"]}, "BAD_USER_INPUT", "tags.0.tag"),
        ({"tags": [match("SliceThickness", "a")], "studyUids": ["1.1"]}, "BAD_USER_INPUT", "tags.0.is.value"),
    ):
        [error] = (await tagged.body(INSTANCES, {"filter": filter}))["errors"]
        assert error["extensions"]["code"] == code, error
        assert ".".join(map(str, error["extensions"]["inputPath"])) == f"filter.{path}", error
    who, group = "reader@example.org", await tagged.group("readers")
    await tagged.user(who, groups=[group])
    assert await instances(match("SliceThickness", from_="2"), who=who) == []
    [folder] = (await tagged.ask("{ storageFolders { nodes { uuid } } }"))["storageFolders"]["nodes"]
    await tagged.grant(folder["uuid"], group, "VIEWER")
    await tagged.done("updateStorageFolder", {"folderUuid": folder["uuid"], "phiPolicy": "MASKED"}, "folder { uuid }")
    assert await instances(match("SliceThickness", from_="2"), who=who) == ["3.1", "3.2"]
    assert await instances(match("StationName", "room a"), who=who) == []
