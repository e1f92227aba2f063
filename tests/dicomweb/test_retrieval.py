"""Objects, frames and bulk data are sent as they are stored, to those who may have them.

Shows AMB-IMG-04: retrieval of objects, frames and bulk data.
"""

import io
from email import message_from_bytes
from email.message import Message
from email.policy import HTTP
from typing import Any

import httpx
import pydicom
import pytest
import pytest_asyncio
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import ImplicitVRLittleEndian, JPEGBaseline8Bit

from gateway.media.samples import dicom_bytes
from tests.fixtures.dicom_web import Web, dicom, mask, put
from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
MULTI = 'multipart/related; type="application/dicom"'
OCTETS = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
ONE = "/studies/1.2.3.1/series/1.2.3.1.1/instances/1.2.3.1.1.1"
FRAMES = [b"\xff\xd8" + bytes([number]) * 100 for number in (1, 2, 3)]
"""Frames that only look like JPEG."""


def parts_of(response: httpx.Response) -> list[tuple[str, bytes]]:
    """Return the type and the content of each part, read by Python's own parser."""
    assert response.status_code == 200, response.text
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message = message_from_bytes(head + response.content, policy=HTTP)
    parts: list[Message] = message.get_payload()  # type: ignore[assignment]  # it is multipart
    contents = response.content.split(b"--" + str(message.get_boundary()).encode())[1:-1]
    return [
        (str(part["content-type"]).replace('"', ""), content.split(b"\r\n\r\n", 1)[1][:-2])
        for part, content in zip(parts, contents, strict=True)
    ]


def compressed(study: int, kind: str, fragments: int = 1) -> bytes:
    """Return a file with three frames that only look like JPEG."""
    file = pydicom.dcmread(io.BytesIO(dicom(study, 1, 1, frames=3)))
    file.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    if kind == "extended":
        file.PixelData, file.ExtendedOffsetTable, file.ExtendedOffsetTableLengths = encapsulate_extended(FRAMES)
    else:
        file.PixelData = encapsulate(FRAMES, fragments_per_frame=fragments, has_bot=kind == "basic")
    file["PixelData"].VR, file["PixelData"].is_undefined_length = "OB", True
    return dicom_bytes(file)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def files(web_site: Site, byte_url: str) -> tuple[Web, dict[int, bytes]]:
    """Folder of studies: two plain instances, three frames, compressed frames, other encodings."""
    folder = await web_site.folder("files")
    implicit = pydicom.dcmread(io.BytesIO(dicom(6, 1, 1)))
    implicit.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    nested = pydicom.Dataset()
    nested.add_new(0x00091010, "OB", b"deep" * 500)
    nested.add_new(0x00090010, "LO", "maker")
    written = {
        1: dicom(1, 1, 1),
        2: dicom(1, 1, 2),
        3: dicom(3, 1, 1, frames=3),
        4: compressed(4, "basic"),
        5: compressed(5, "extended"),
        6: dicom_bytes(implicit),
        7: compressed(7, "none"),
        8: compressed(8, "none", 2),
        9: dicom(9, 1, 1, ReferencedImageSequence=pydicom.Sequence([pydicom.Dataset(), nested])),
    }
    await put(web_site, folder, list(written.values()))
    return Web(web_site, folder, origin=byte_url), written


async def test_objects_are_sent_byte_for_byte(files: tuple[Web, dict[int, bytes]]) -> None:
    web, written = files
    for accept in (MULTI, "*/*", "", f"{MULTI}; transfer-syntax=*", f"{MULTI}; transfer-syntax=1.2.840.10008.1.2.1"):
        assert [content for _, content in parts_of(await web.get(ONE, accept=accept))] == [written[1]]
    for path in ("/studies/1.2.3.1", "/studies/1.2.3.1/series/1.2.3.1.1"):
        parts = parts_of(await web.get(path, accept=MULTI))
        assert [content for _, content in parts] == [written[1], written[2]]
        assert parts[0][0] == "application/dicom; transfer-syntax=1.2.840.10008.1.2.1"


async def test_a_single_object_is_redirected_to(files: tuple[Web, dict[int, bytes]]) -> None:
    """The client gets the file from the store itself (AMB-IMG-04)."""
    web, written = files
    uri = {"requestType": "WADO", "studyUID": "1.2.3.1", "seriesUID": "1.2.3.1.1", "objectUID": "1.2.3.1.1.1"}
    for response in (
        await web.get(ONE, accept="application/dicom"),
        await web.get("/wado", **uri),
        await web.get("/wado", **uri, contentType="application/dicom", transferSyntax="1.2.840.10008.1.2.1"),
    ):
        assert response.status_code == 307, response.text
        assert "dicomweb" not in response.headers["location"]
        stored = await web.site.client.get(response.headers["location"])
        assert (stored.content, stored.headers["content-type"]) == (written[1], "application/dicom")


@pytest.mark.parametrize(
    ("params", "status", "named"),
    [
        ({"requestType": "X"}, 400, ["requestType"]),
        ({"objectUID": "1..2"}, 400, ["objectUID"]),
        ({"seriesUID": ""}, 400, ["seriesUID"]),
        ({"anonymize": "yes"}, 400, ["anonymize"]),
        ({"contentType": "image/jpeg"}, 406, None),
        ({"transferSyntax": "1.2.840.10008.1.2.4.50"}, 406, None),
        ({"objectUID": "1.2.3"}, 404, None),
    ],
)
async def test_bad_uris(
    files: tuple[Web, dict[int, bytes]], params: dict[str, str], status: int, named: list[str] | None
) -> None:
    good = {"requestType": "WADO", "studyUID": "1.2.3.1", "seriesUID": "1.2.3.1.1", "objectUID": "1.2.3.1.1.1"}
    seen, extensions = await files[0].refused("/wado", **{**good, **params})
    assert (seen, extensions.get("inputPath")) == (status, named)


async def test_native_frames(files: tuple[Web, dict[int, bytes]]) -> None:
    web, written = files
    path = "/studies/1.2.3.3/series/1.2.3.3.1/instances/1.2.3.3.1.1"
    pixels = pydicom.dcmread(io.BytesIO(written[3])).PixelData
    size = len(pixels) // 3
    parts = parts_of(await web.get(f"{path}/frames/3,1", accept=OCTETS))
    assert [content for _, content in parts] == [pixels[2 * size :], pixels[:size]]
    assert parts[0][0] == "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
    single = await web.get(f"{path}/frames/2", accept="application/octet-stream")
    assert single.content == pixels[size : 2 * size]
    bulk = await web.get(f"{path}/bulkdata/7FE00010", accept="application/octet-stream")
    assert bulk.content == pixels
    [(_, content)] = parts_of(await web.get(f"{path}/bulkdata/7fe00010", accept=OCTETS))
    assert content == pixels


async def test_implicit_files_have_frames_too(files: tuple[Web, dict[int, bytes]]) -> None:
    web, written = files
    path = "/studies/1.2.3.6/series/1.2.3.6.1/instances/1.2.3.6.1.1"
    [(kind, content)] = parts_of(await web.get(f"{path}/frames/1", accept=OCTETS))
    assert content == pydicom.dcmread(io.BytesIO(written[6])).PixelData
    assert kind.endswith("transfer-syntax=1.2.840.10008.1.2.1")


@pytest.mark.parametrize("study", [4, 5, 7, 8])
async def test_compressed_frames(files: tuple[Web, dict[int, bytes]], study: int) -> None:
    """With a basic or an extended table of offsets, with one fragment each, and with several."""
    path = f"/studies/1.2.3.{study}/series/1.2.3.{study}.1/instances/1.2.3.{study}.1.1"
    parts = parts_of(await files[0].get(f"{path}/frames/1,2,3", accept='multipart/related; type="image/jpeg"'))
    assert [content for _, content in parts] == FRAMES
    assert parts[0][0] == "image/jpeg; transfer-syntax=1.2.840.10008.1.2.4.50"
    [(kind, content)] = parts_of(await files[0].get(f"{path}/frames/2", accept=OCTETS))
    assert (kind, content) == ("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.4.50", FRAMES[1])
    assert len(parts_of(await files[0].get(f"{path}/bulkdata/7FE00010", accept=OCTETS))) == 3
    refused = await files[0].get(f"{path}/frames/1", accept='multipart/related; type="image/jls"')
    assert refused.status_code == 406


async def test_bulk_data_in_sequences(files: tuple[Web, dict[int, bytes]]) -> None:
    web, _ = files
    [metadata] = await web.results("/studies/1.2.3.9/metadata")
    [_, item] = metadata["00081140"]["Value"]
    uri = item["00091010"]["BulkDataURI"]
    assert uri.endswith("/bulkdata/00081140/1/00091010")
    path = uri.partition(web.folder)[2]
    assert (await web.get(path, accept="application/octet-stream")).content == b"deep" * 500
    for wrong in ("00081140/7/00091010", "00081140/0/00091010", "00091010"):
        assert (await web.get(path.replace("00081140/1/00091010", wrong))).status_code == 404


@pytest.mark.parametrize(
    ("path", "accept", "status"),
    [
        (f"{ONE}/frames/0", OCTETS, 400),
        (f"{ONE}/frames/1,", OCTETS, 400),
        (f"{ONE}/frames/x", OCTETS, 400),
        (f"{ONE}/frames/" + ",".join(["1"] * 1001), OCTETS, 400),
        (f"{ONE}/frames/2", OCTETS, 404),
        (f"{ONE}/frames/1,1", "application/octet-stream", 406),
        (f"{ONE}/frames/1", 'multipart/related; type="image/jpeg"', 406),
        (f"{ONE}/bulkdata/zz", OCTETS, 400),
        (f"{ONE}/bulkdata/00081140/0", OCTETS, 400),
        (f"{ONE}/bulkdata/00020010/%2e%2e/x", OCTETS, 400),
        (f"{ONE}/bulkdata/7FE00010", "image/jpeg", 406),
        (ONE, f"{MULTI}; transfer-syntax=1.2.840.10008.1.2.4.50", 406),
        (ONE, "image/jpeg", 406),
        ("/studies/1.2.3.1", "application/dicom", 406),
        ("/studies/9.9", MULTI, 404),
    ],
)
async def test_refusals(files: tuple[Web, dict[int, bytes]], path: str, accept: str, status: int) -> None:
    assert (await files[0].get(path, accept=accept)).status_code == status


async def test_masked_files_are_not_sent(web_site: Site, byte_url: str) -> None:
    """Break `files_of` to see this fail: no bytes of a masked folder in any way."""
    group = await web_site.group("unseeing")
    viewer = await web_site.newcomer(group)
    folder = await web_site.folder("closed")
    await put(web_site, folder, [dicom(1, 1, 1)])
    await web_site.grant(folder, group, "VIEWER")
    web = Web(web_site, folder, origin=byte_url)
    uri = {"requestType": "WADO", "studyUID": "1.2.3.1", "seriesUID": "1.2.3.1.1", "objectUID": "1.2.3.1.1.1"}
    wanted: list[tuple[str, str, dict[str, Any]]] = [
        (ONE, MULTI, {}),
        (ONE, "application/dicom", {}),
        ("/studies/1.2.3.1", MULTI, {}),
        (f"{ONE}/frames/1", OCTETS, {}),
        (f"{ONE}/bulkdata/7FE00010", OCTETS, {}),
        ("/wado", "", uri),
    ]
    assert [(await web.get(p, viewer, a, **q)).status_code for p, a, q in wanted] == [200, 307, 200, 200, 200, 307]
    await mask(web_site, folder)
    for path, accept, query in wanted:
        response = await web.get(path, viewer, accept, **query)
        assert response.status_code == 403, path
        assert response.json()["errors"][0]["extensions"]["reason"] == "PHI_RESTRICTED"
        assert (await web.get(path, accept=accept, **query)).status_code in (200, 307)
        stranger = await web_site.newcomer()
        assert (await web.get(path, stranger, accept, **query)).status_code == 404


async def test_gateways_of_an_s3_store_send_no_bytes(files: tuple[Web, dict[int, bytes]], web_site: Site) -> None:
    web = Web(web_site, files[0].folder)
    expected = 200 if web_site.services.store.disk else 406
    assert (await web.get("/studies/1.2.3.1", accept=MULTI)).status_code == expected
    assert (await web.get(f"{ONE}/frames/1", accept=OCTETS)).status_code == expected
    assert (await web.get(ONE, accept="application/dicom")).status_code == 307
    assert (await web.get(ONE)).status_code == (200 if expected == 200 else 307)
