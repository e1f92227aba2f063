"""Searches (QIDO-RS) answer with what lies in a folder, as PS3.18 wants it."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from tests.fixtures.dicom_web import Web, dicom, mask, put, value
from tests.fixtures.sites import UNKNOWN, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
REQUIRED = {
    *("00080020", "00080030", "00080050", "00080056", "00080061", "00080090", "00081190", "00100010", "00100020"),
    *("00100030", "00100040", "0020000D", "00200010", "00201206", "00201208"),
}
"""Attributes of a study that answers have even if they are empty."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web(web_site: Site) -> Web:
    """Folder with three studies and a subfolder with a fourth and with a part of the first."""
    top = await web_site.folder("top")
    below = await web_site.folder("below", top)
    first: Any = {"StudyDate": "20260131", "StudyTime": "130559.25", "StudyDescription": "Knee [left]", "StudyID": "7"}
    await put(
        web_site,
        top,
        [
            *[dicom(1, 1, n, Modality="CT", PatientName="Müller^Änne", **first) for n in (1, 2, 3)],
            dicom(1, 2, 1, Modality="MR", PatientName="Müller^Änne", SeriesDescription="T1*", **first),
            dicom(
                2, 1, 1, StudyDate="20260201", PatientName="Yamada^Tarou=山田^太郎=やまだ^たろう", AccessionNumber="A_1"
            ),
            dicom(3, 1, 1, PatientID="A%1", PatientName=None, PatientSex="O", PatientBirthDate="19700101"),
        ],
    )
    await put(web_site, below, [dicom(4, 1, 1, StudyDate="20250101"), dicom(1, 3, 1, Modality="SR", **first)])
    return Web(web_site, top, below)


async def uids(web: Web, path: str = "/studies", tag: str = "0020000D", **params: Any) -> list[str]:
    """Return the UIDs of a search's results."""
    return [value(each, tag) for each in await web.results(path, **params)]


async def test_studies_are_newest_first_and_have_all_attributes(web: Web) -> None:
    studies = await web.results("/studies")
    assert [value(each, "0020000D") for each in studies] == ["1.2.3.2", "1.2.3.1", "1.2.3.4", "1.2.3.3"]
    assert all(each.keys() >= REQUIRED for each in studies)
    assert all(list(each) == sorted(each) for each in studies)
    study = studies[1]
    assert study["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Müller^Änne"}]}
    assert value(study, "00080020") == "20260131"
    assert value(study, "00080030") == "130559.25"
    assert value(study, "00080061") == ["CT", "MR", "SR"]
    assert (value(study, "00201206"), value(study, "00201208")) == (3, 5)
    assert value(study, "00081190") == f"{web.url}/studies/1.2.3.1"
    assert study["00080050"] == {"vr": "SH"}
    assert "00081030" not in study


async def test_a_subfolder_has_only_its_part(web: Web) -> None:
    below = Web(web.site, web.below)
    studies = await below.results("/studies")
    assert [value(each, "0020000D") for each in studies] == ["1.2.3.1", "1.2.3.4"]
    assert (value(studies[0], "00201208"), value(studies[0], "00080061")) == (1, "SR")
    assert await uids(below, ModalitiesInStudy="CT") == []
    assert await uids(below, "/studies/1.2.3.1/instances", "00080018") == ["1.2.3.1.3.1"]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"PatientName": "müller*"}, [1]),
        ({"PatientName": "MÜLLER^ä?ne"}, [1]),
        ({"PatientName": "Müller"}, []),
        ({"PatientName": "山田*"}, [2]),
        ({"PatientName": "*^たろう"}, [2]),
        ({"PatientName": "yamada^tarou^"}, [2]),
        ({"PatientName": "tarou"}, []),
        ({"PatientID": "A%1"}, [3]),
        ({"PatientID": "a%1"}, []),
        ({"PatientID": "A?1"}, [3]),
        ({"PatientID": "A%*"}, [3]),
        ({"PatientID": "P0000?"}, [2, 1, 4]),
        ({"AccessionNumber": "A_*"}, [2]),
        ({"AccessionNumber": "A%*"}, []),
        ({"StudyDescription": "Knee [[]*"}, []),
        ({"StudyDescription": "Knee [left]*"}, [1]),
        ({"StudyDescription": "*[l-m]*"}, []),
        ({"StudyDate": "20260131"}, [1]),
        ({"StudyDate": "20260101-"}, [2, 1]),
        ({"StudyDate": "-20260131"}, [1, 4]),
        ({"StudyTime": "13"}, [1]),
        ({"StudyTime": "1306-"}, []),
        ({"PatientBirthDate": "19700101"}, [3]),
        ({"PatientSex": "O"}, [3]),
        ({"StudyID": "7"}, [1]),
        ({"ModalitiesInStudy": "MR"}, [1]),
        ({"ModalitiesInStudy": "OT,MR"}, [2, 1, 4, 3]),
        ({"ModalitiesInStudy": "M*"}, [1]),
        ({"StudyInstanceUID": "1.2.3.3,1.2.3.4"}, [4, 3]),
        ({"0020000D": "1.2.3.3\\1.2.3.4"}, [4, 3]),
        ({"IssuerOfPatientID": "x"}, []),
        ({"PatientID": "*", "ReferringPhysicianName": ""}, [2, 1, 4, 3]),
    ],
)
async def test_filters(web: Web, params: dict[str, str], expected: list[int]) -> None:
    assert await uids(web, **params) == [f"1.2.3.{number}" for number in expected]


async def test_included_attributes(web: Web) -> None:
    [study] = await web.results("/studies", StudyID="7", includefield="StudyDescription,00100021")
    assert value(study, "00081030") == "Knee [left]"
    [study] = await web.results("/studies", StudyID="7", includefield="all")
    assert value(study, "00081030") == "Knee [left]"
    [series] = await web.results("/studies/1.2.3.1/series", Modality="MR", includefield="BodyPartExamined")
    assert value(series, "0008103E") == "T1*"
    [instance] = await web.results("/studies/1.2.3.2/instances", includefield="BitsAllocated,PixelData")
    assert value(instance, "00280100") == 16
    assert "7FE00010" not in instance


async def test_pages_and_warnings(web: Web) -> None:
    response = await web.get("/studies", limit=2)
    assert [value(each, "0020000D") for each in response.json()] == ["1.2.3.2", "1.2.3.1"]
    assert response.headers["warning"].startswith('299 storegraph "There are additional results')
    response = await web.get("/studies", limit=2, offset=2, fuzzymatching="true")
    assert [value(each, "0020000D") for each in response.json()] == ["1.2.3.4", "1.2.3.3"]
    assert "fuzzymatching" in response.headers["warning"]
    assert "additional" not in response.headers["warning"]
    response = await web.get("/studies", PatientID="nobody")
    assert (response.status_code, response.json(), "warning" in response.headers) == (200, [], False)
    assert response.headers["content-type"] == "application/dicom+json"


async def test_series(web: Web) -> None:
    series = await web.results("/studies/1.2.3.1/series")
    assert [value(each, "0020000E") for each in series] == ["1.2.3.1.1", "1.2.3.1.2", "1.2.3.1.3"]
    assert [value(each, "00201209") for each in series] == [3, 1, 1]
    assert value(series[0], "00081190") == f"{web.url}/studies/1.2.3.1/series/1.2.3.1.1"
    assert "00100010" not in series[0]
    everywhere = await web.results("/series", Modality="CT")
    assert [value(each, "00100020") for each in everywhere] == ["P00001"]
    assert value(everywhere[0], "00201208") == 5
    assert await uids(web, "/series", "0020000E", SeriesNumber="2") == ["1.2.3.1.2"]


async def test_a_series_in_two_folders_is_one(web: Web) -> None:
    parent = await web.site.folder("parent")
    child = await web.site.folder("child", parent)
    await put(web.site, parent, [dicom(9, 1, 1)])
    await put(web.site, child, [dicom(9, 1, 2)])
    [series] = await Web(web.site, parent).results("/series")
    assert value(series, "00201209") == 2
    assert len(await Web(web.site, parent).results("/instances")) == 2


async def test_instances(web: Web) -> None:
    instances = await web.results("/studies/1.2.3.1/series/1.2.3.1.1/instances")
    assert [value(each, "00200013") for each in instances] == [1, 2, 3]
    assert value(instances[0], "00080018") == "1.2.3.1.1.1"
    assert (value(instances[0], "00280010"), value(instances[0], "00280011")) == (32, 32)
    assert value(instances[0], "00081190") == f"{web.url}/studies/1.2.3.1/series/1.2.3.1.1/instances/1.2.3.1.1.1"
    assert await uids(web, "/instances", "00080018", InstanceNumber="3") == ["1.2.3.1.1.3"]
    assert len(await web.results("/instances")) == 8
    assert len(await uids(web, "/instances", "00080018", SOPClassUID="1.2.840.10008.5.1.4.1.1.7")) == 8


async def test_two_patients_with_one_study_uid(web: Web) -> None:
    """The answers are the union of both studies."""
    folder = await web.site.folder("two patients")
    await put(web.site, folder, [dicom(5, 1, 1, PatientID="a"), dicom(5, 2, 1, PatientID="b")])
    both = Web(web.site, folder)
    assert {value(each, "00100020") for each in await both.results("/studies")} == {"a", "b"}
    assert len(await both.results("/studies/1.2.3.5/series")) == 2
    assert len(await both.results("/studies/1.2.3.5/metadata")) == 2


async def test_a_viewer_sees_their_folder_only(web: Web) -> None:
    site = web.site
    group = await site.group("viewers")
    viewer, stranger = await site.newcomer(group), await site.newcomer()
    own = await site.folder("own", web.folder)
    await put(site, own, [dicom(1, 1, 9)])
    await site.grant(own, group, "VIEWER")
    assert len(await Web(site, own).results("/studies", viewer)) == 1
    [study] = await Web(site, own).results("/studies", viewer)
    assert value(study, "00201208") == 1
    for who, folder in ((viewer, web.folder), (stranger, own), (stranger, web.folder), ("admin", UNKNOWN)):
        for path in ("/studies", "/series", "/instances", "/studies/1.2.3.1/metadata"):
            status, extensions = await Web(site, folder).refused(path, who)
            assert (status, extensions["code"]) == (404, "NOT_FOUND"), (who, path)
    assert (await web.refused("/studies", None))[0] == 401
    await site.done("deleteStorageFolder", {"folderUuid": own, "recursive": True}, "job { uuid }")
    assert (await Web(site, own).refused("/studies"))[0] == 404


@pytest.mark.parametrize(
    ("path", "params", "named"),
    [
        ("/studies", {"PatientNme": "x"}, ["PatientNme"]),
        ("/studies", {"StudyDate": "2026"}, ["StudyDate"]),
        ("/studies/1.2.x/series", {}, ["studyUid"]),
        ("/studies/1.2/series/" + "1" * 65 + "/instances", {}, ["seriesUid"]),
        ("/studies/1/series/2/instances/a/metadata", {}, ["instanceUid"]),
    ],
)
async def test_malformed_requests(web: Web, path: str, params: dict[str, str], named: list[str]) -> None:
    status, extensions = await web.refused(path, **params)
    assert (status, extensions["code"], extensions["inputPath"]) == (400, "BAD_USER_INPUT", named)


async def test_other_refusals(web: Web) -> None:
    assert (await Web(web.site, "nonsense").refused("/studies"))[0] == 400
    assert (await web.get("/studies", accept='multipart/related; type="application/dicom+xml"')).status_code == 406
    assert (await web.get("/nothing")).status_code == 404
    assert (await web.get("/studies/1.2/rendered")).status_code == 404


MASKED_MATCHES = (
    *({"PatientName": "Doe*"}, {"PatientID": "P*"}, {"StudyDate": "20260101"}),
    *({"PatientName": "*"}, {"PatientName": "**"}, {"AccessionNumber": "*"}, {"PatientSex": "*"}),
)


async def test_masked_studies(web: Web) -> None:
    """In a masked folder, identifying attributes are empty and match nothing."""
    site = web.site
    group = await site.group("blind")
    viewer = await site.newcomer(group)
    folder = await site.folder("masked")
    await put(site, folder, [dicom(6, 1, 1, StudyDate="20260101", PatientName="Doe^J", SeriesDescription="of Doe")])
    await site.grant(folder, group, "VIEWER")
    await mask(site, folder)
    masked = Web(site, folder)
    [study] = await masked.results("/studies", viewer, includefield="all")
    [seen] = await masked.results("/studies", includefield="all")
    assert value(seen, "00100010") == {"Alphabetic": "Doe^J"}
    assert [value(study, tag) for tag in ("00100010", "00100020", "00080020")] == [None] * 3
    assert value(study, "0020000D") == "1.2.3.6"
    assert "Doe" not in str(study)
    for params in MASKED_MATCHES:
        assert await masked.results("/studies", viewer, **params) == []
        assert len(await masked.results("/studies", **params)) == 1
    assert len(await masked.results("/studies", viewer, ModalitiesInStudy="OT")) == 1
    [series] = await masked.results("/series", viewer, includefield="all")
    [instance] = await masked.results("/instances", viewer, includefield="all")
    [metadata] = await masked.results("/studies/1.2.3.6/metadata", viewer)
    assert "Doe" not in str([series, instance, metadata])
    assert "P00006" not in str([series, instance, metadata])
    assert value(series, "00081190") == f"{masked.base}/dicomweb/{folder}/studies/1.2.3.6/series/1.2.3.6.1"
    for pattern in ("of*", "*"):
        assert await masked.results("/series", viewer, SeriesDescription=pattern) == []
    assert len(await masked.results("/series", viewer, PatientName="", Modality="*")) == 1
    assert "of Doe" in str(await masked.results("/studies/1.2.3.6/metadata"))


async def test_requests_are_rated(web: Web) -> None:
    """Searches and metadata count like operations of GraphQL; see also tests/transports/test_rates.py."""
    results = await asyncio.gather(*(web.get("/studies", limit=1) for _ in range(5)))
    assert {response.status_code for response in results} == {200}
