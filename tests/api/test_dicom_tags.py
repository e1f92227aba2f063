"""Tags of DICOM instances, series and studies: what they say, filters, masking (AMB-TAG, AMB-STUDY, SUB-094..096)."""

import io
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID

from tests.fixtures.dicom_rows import claim_document_size, claim_instances, correct_study
from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File
from tests.media.test_probe_dicom import DATA

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore::UserWarning"),  # pydicom's, about its own files
]
LISTED = "query($f: UUID!%s) { dicomInstances(filter: { folderUuid: $f }) { nodes { number %s } } }"
STUDY, SERIES = "1.2.3", ("1.2.3.1", "1.2.3.2")
PRIVATE = "00091001"


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return shared_site


def scan(number: int, series: int = 0, **changes: Any) -> bytes:
    """Return a CT slice of a scanner, which has private tags."""
    dataset = pydicom.dcmread(DATA / "test_files" / "CT_small.dcm")
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = STUDY, SERIES[series]
    dataset.SOPInstanceUID = UID(f"{SERIES[series]}.{number}")
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.InstanceNumber, dataset.SeriesNumber = number, series + 1
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    return buffer.getvalue()


async def folder_with(site: Site, *files: bytes, parent: str | None = None) -> str:
    """Return a folder to which these files were uploaded, one after the other."""
    folder = await site.folder("dicom", parent)
    for number, data in enumerate(files):
        await upload_items(site, folder, [File(f"{number}.dcm", "DICOM_FILE", data)])
    return folder


async def instances(site: Site, folder: str, fields: str, who: str = "admin") -> list[dict[str, Any]]:
    data = await site.ask(LISTED % ("", fields), {"f": folder}, who)
    nodes: list[dict[str, Any]] = data["dicomInstances"]["nodes"]
    return nodes


async def tags(site: Site, folder: str, filter: dict[str, Any], arguments: str = "") -> list[str]:
    """Return the tags of the only instance of a folder that match a filter."""
    document = LISTED % (", $t: DicomTagFilter", f"tags(filter: $t {arguments}) {{ tag }}")
    data = await site.ask(document, {"f": folder, "t": filter})
    [instance] = data["dicomInstances"]["nodes"]
    return [tag["tag"] for tag in instance["tags"]]


async def study(site: Site, folder: str, fields: str, who: str = "admin") -> Any:
    document = f'query($f: UUID!) {{ dicomStudy(folderUuid: $f, studyUid: "{STUDY}") {{ {fields} }} }}'
    return (await site.ask(document, {"f": folder}, who))["dicomStudy"]


async def test_tags_are_those_of_the_file(site: Site) -> None:
    """Group and element are decimal (AMB-STUDY-07, AMB-STUDY-15, AMB-TAG-03, SUB-095)."""
    data = scan(1)
    folder = await folder_with(site, data)
    fields = "group element tag keyword name vr vl value values privateCreator isRetired items { tag }"
    [instance] = await instances(
        site, folder, f"tags(allValues: true) {{ {fields} }} tagsComplete tagErrors omittedTags"
    )
    assert (instance["tagsComplete"], instance["tagErrors"], instance["omittedTags"]) == (True, 0, [])
    expected = pydicom.dcmread(io.BytesIO(data))
    assert [tag["tag"] for tag in instance["tags"]] == [f"{element.tag:08X}" for element in expected]
    for tag, element in zip(instance["tags"], expected, strict=True):
        assert (tag["group"], tag["element"]) == (element.tag.group, element.tag.elem)
        assert tag["keyword"] == (element.keyword or None)
        assert tag["name"] == (None if element.tag.is_private else element.name)
        assert tag["privateCreator"] == (element.private_creator if element.tag.elem >= 0x1000 else None)
    by_tag = {tag["tag"]: tag for tag in instance["tags"]}
    row = by_tag["00080070"]
    assert (row["group"], row["element"], row["vr"], row["vl"], row["items"]) == (8, 112, "LO", 18, None)
    assert (row["name"], row["value"], row["isRetired"]) == ("Manufacturer", "GE MEDICAL SYSTEMS", False)
    assert by_tag["00080008"]["values"] == ["ORIGINAL", "PRIMARY", "AXIAL"]
    assert by_tag["7FE00010"]["value"] is by_tag["7FE00010"]["vl"] is None


async def test_dicom_json_is_what_pydicom_reads(site: Site) -> None:
    """Without pixels and URIs (AMB-STUDY-16, AMB-STUDY-32, AMB-STUDY-33, AMB-STUDY-34)."""
    files = [scan(2), scan(1), scan(1, series=1)]
    folder = await folder_with(site, *files)
    listed = await instances(site, folder, "sopInstanceUid dicomJson")
    expected = {}
    for data in files:
        dataset = pydicom.dcmread(io.BytesIO(data))
        dataset.SpecificCharacterSet = "ISO_IR 192"
        del dataset.PixelData, dataset[0x00431029]
        expected[dataset.SOPInstanceUID] = {element.tag: element.value for element in dataset}
    for instance in listed:
        assert instance["dicomJson"].pop("7FE00010") == instance["dicomJson"].pop("00431029") | {"vr": "OW"}
        got = Dataset.from_json(instance["dicomJson"])
        assert {element.tag: element.value for element in got} == expected[instance["sopInstanceUid"]]
    shown = await study(site, folder, "dicomJson series { nodes { seriesUid dicomJson } }")
    order = [document["00080018"]["Value"][0] for document in shown["dicomJson"]]
    assert order == [f"{SERIES[0]}.1", f"{SERIES[0]}.2", f"{SERIES[1]}.1"]
    assert [len(series["dicomJson"]) for series in shown["series"]["nodes"]] == [2, 1]
    assert shown["series"]["nodes"][1]["dicomJson"] == shown["dicomJson"][2:]


async def test_filters_choose_tags(site: Site) -> None:
    """All conditions must be met; null matches tags that lack the attribute (AMB-TAG-01, AMB-TAG-06 to 08, SUB-094)."""
    folder = await folder_with(site, scan(1))
    every = await tags(site, folder, {})
    private = [tag for tag in every if int(tag[:4], 16) % 2]
    assert private
    assert PRIVATE in private
    assert await tags(site, folder, {"group": 8, "element": 112}) == ["00080070"]
    assert await tags(site, folder, {"group": 8, "keyword": "PatientID"}) == []
    for filter in ({"tag": "0008,0070"}, {"name": "Manufacturer"}, {"value": "GE MEDICAL SYSTEMS", "vr": "LO"}):
        assert await tags(site, folder, filter) == ["00080070"]
    assert await tags(site, folder, {"name": None}) == await tags(site, folder, {"keyword": None}) == private
    assert await tags(site, folder, {"name": None, "group": 8}) == []
    assert set(await tags(site, folder, {"values": None})) >= {"7FE00010"}
    assert await tags(site, folder, {"values": ["ORIGINAL", "PRIMARY", "AXIAL"]}) == []
    assert await tags(site, folder, {"values": ["ORIGINAL", "PRIMARY", "AXIAL"]}, "allValues: true") == ["00080008"]
    assert await tags(site, folder, {}, "excludeUnnamed: true") == [tag for tag in every if tag not in private]
    assert await tags(site, folder, {}, "includePrivate: false") == [tag for tag in every if tag not in private]
    for groups in ([16, 40], ["16", "0x28"]):
        assert {tag[:4] for tag in await tags(site, folder, {"groups": groups})} == {"0010", "0028"}
    chosen = ["PatientID", "00080070", "0008,0060", "0x00280010", "00081111:00080550"]
    assert await tags(site, folder, {"includeTags": chosen}) == ["00080060", "00080070", "00100020", "00280010"]
    assert await tags(site, folder, {"includeTags": chosen, "keywords": ["Rows", "Columns"]}) == ["00280010"]


@pytest.mark.parametrize(
    ("filter", "path"),
    [
        ({"tag": "8,70"}, ["tag"]),
        ({"keyword": "Patient"}, ["keyword"]),
        ({"keywords": ["Rows", "rows"]}, ["keywords", 1]),
        ({"groups": [8, "0010"]}, ["groups", 1]),
        ({"groups": [{}]}, ["groups", 0]),
        ({"includeTags": ["Rows", "00081111:"]}, ["includeTags", 1]),
        ({"groups": [8] * 1001}, ["groups"]),
    ],
)
async def test_malformed_filters_are_refused_at_their_path(
    site: Site, filter: dict[str, Any], path: list[str | int]
) -> None:
    folder = await folder_with(site, scan(1))
    document = LISTED % (", $t: DicomTagFilter", "tags(filter: $t) { tag }")
    [error] = (await site.body(document, {"f": folder, "t": filter}))["errors"]
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert error["extensions"]["inputPath"] == ["filter", *path]


async def test_a_tag_is_found_by_its_name(site: Site) -> None:
    """AMB-TAG-02, SUB-094, SUB-096."""
    folder = await folder_with(site, scan(1))
    names = {"a": "Image Type", "b": "ImageType", "c": "00080008", "d": "image type", "e": "?"}
    fields = " ".join(f'{key}: tag(name: "{name}") {{ tag value values }}' for key, name in names.items())
    [instance] = await instances(site, folder, fields)
    expected = {"tag": "00080008", "value": "ORIGINAL", "values": ["ORIGINAL", "PRIMARY", "AXIAL"]}
    assert [instance[key] for key in names] == [*[expected] * 3, None, None]


async def test_sequences_have_the_tags_of_their_items(site: Site) -> None:
    """AMB-TAG-07."""
    plan = (DATA / "test_files" / "rtplan.dcm").read_bytes()
    folder = await folder_with(site, plan)
    document = LISTED % ("", 'tags(filter: { includeTags: ["300A0070"] }) { items { tag items { keyword value } } }')
    [instance] = (await site.ask(document, {"f": folder}))["dicomInstances"]["nodes"]
    [[*group]] = instance["tags"][0]["items"]
    expected = pydicom.dcmread(io.BytesIO(plan)).FractionGroupSequence[0]
    assert [tag["tag"] for tag in group] == [f"{tag:08X}" for tag in expected.keys()]
    [beams] = [tag["items"] for tag in group if tag["tag"] == "300C0004"]
    assert [{tag["keyword"] for tag in beam} for beam in beams] == [
        {element.keyword for element in beam} for beam in expected.ReferencedBeamSequence
    ]


async def test_studies_and_series_have_the_tags_of_their_level(site: Site) -> None:
    """Those of the earliest instance that the viewer sees (AMB-STUDY-06, AMB-STUDY-09)."""
    root = await site.folder("root")
    await folder_with(site, scan(2, StationName="first"), scan(1, StationName="second"), parent=root)
    later = await folder_with(site, scan(1, 1, StudyDescription="other", AccessionNumber="A7"), parent=root)
    name = 'tag(name: "StudyDescription") { value }'
    of_series = f'{name} tags {{ keyword }} station: tag(name: "StationName") {{ value }}'
    fields = f"{name} tags {{ keyword }} phi {{ keyword value }} series {{ nodes {{ {of_series} }} }}"
    shown = await study(site, root, fields)
    assert shown["tag"]["value"] == "e+1"
    keywords = {tag["keyword"] for tag in shown["tags"]}
    assert {"PatientName", "PatientID", "StudyInstanceUID", "StudyDate", "PatientWeight"} <= keywords
    assert not {"Modality", "Rows", "SOPInstanceUID", "SeriesInstanceUID", "StationName"} & keywords
    identity = {tag["keyword"] for tag in shown["phi"]}
    assert {"PatientName", "PatientID", "StudyDate"} <= identity <= keywords - {"StudyInstanceUID"}
    assert [series["station"]["value"] for series in shown["series"]["nodes"]] == ["first", "CT01_OC0"]
    for series in shown["series"]["nodes"]:
        assert series["tag"] is None
        assert {"Modality", "SeriesInstanceUID"} <= {tag["keyword"] for tag in series["tags"]}
    group = await site.group("viewers")
    await site.grant(later, group, "VIEWER")
    who = await site.newcomer(group)
    assert (await study(site, later, name, who))["tag"]["value"] == "other"


async def test_masked_tags_identify_nobody(site: Site) -> None:
    """A viewer without `seesPhi` gets neither identity nor private tags, and keeps the UIDs (AMB-STUDY-08)."""
    folder = await folder_with(site, scan(1))
    group = await site.group("viewers")
    await site.grant(folder, group, "VIEWER")
    who = await site.newcomer(group)
    fields = "tags { tag value } phi { tag } dicomJson"
    everything = "phi { tag } tags { tag } dicomJson series { nodes { tags { tag } dicomJson } }"
    assert await instances(site, folder, fields, who) == await instances(site, folder, fields)
    assert await study(site, folder, everything, who) == await study(site, folder, everything)
    await site.done("updateStorageFolder", {"folderUuid": folder, "phiPolicy": "MASKED"}, "folder { uuid }")
    [masked] = await instances(site, folder, fields, who)
    [open_] = await instances(site, folder, fields)
    assert masked["phi"] is None
    assert open_["phi"]
    hidden = {tag["tag"] for tag in open_["tags"]} - {tag["tag"] for tag in masked["tags"]}
    assert {"00100010", "00100020", "00080020", "00080080", "00080090", PRIVATE, "00090010"} <= hidden
    assert not {"0020000D", "0020000E", "00080018", "00280010", "00080060"} & hidden
    assert set(masked["dicomJson"]) == {tag["tag"] for tag in masked["tags"]}
    whole = await study(site, folder, everything, who)
    assert whole["phi"] is None
    assert whole["dicomJson"] == [masked["dicomJson"]]
    assert whole["series"]["nodes"][0]["dicomJson"] == [masked["dicomJson"]]
    for tag in (*whole["tags"], *whole["series"]["nodes"][0]["tags"]):
        assert tag["tag"] in masked["dicomJson"]


async def test_corrections_replace_the_tags_of_files(site: Site) -> None:
    folder = await folder_with(site, scan(1))
    corrections = {"patient_name": "Roe^Jane=山田", "study_date": "2026-01-31", "study_id": None}
    await correct_study(site, folder, corrections)
    [instance] = await instances(site, folder, "dicomJson phi { tag value }")
    document = instance["dicomJson"]
    assert document["00100010"] == {"vr": "PN", "Value": [{"Alphabetic": "Roe^Jane", "Ideographic": "山田"}]}
    assert document["00080020"] == {"vr": "DA", "Value": ["20260131"]}
    assert document["00200010"] == {"vr": "SH"}
    assert list(document) == sorted(document)
    shown = await study(site, folder, "phi { tag value }")
    for phi in (shown["phi"], instance["phi"]):
        assert {"tag": "00100010", "value": "Roe^Jane=山田"} in phi


async def test_large_documents_are_refused(site: Site) -> None:
    """As long as they are not needed, they are not read."""
    folder = await folder_with(site, scan(1))
    [instance] = await instances(site, folder, "item { uuid }")
    await claim_document_size(site, instance["item"]["uuid"], (64 << 20) + 1)
    for field in ("dicomJson", "tags { tag }", 'tag(name: "Rows") { tag }', "phi { tag }"):
        [error] = (await site.body(LISTED % ("", field), {"f": folder}))["errors"]
        assert (error["extensions"]["code"], error["extensions"]["inputPath"]) == ("LIMIT_EXCEEDED", ["instances"])
    assert await instances(site, folder, "tagsComplete") == [{"number": 1, "tagsComplete": True}]


async def test_large_series_are_refused(site: Site) -> None:
    folder = await folder_with(site, scan(1))
    await claim_instances(site, folder, 1001)
    document = f'query($f: UUID!) {{ dicomStudy(folderUuid: $f, studyUid: "{STUDY}") {{ dicomJson }} }}'
    [error] = (await site.body(document, {"f": folder}))["errors"]
    assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
    assert "instances" in error["message"]
    assert error["extensions"]["inputPath"] == ["instances"]
