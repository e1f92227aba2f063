"""Instances are stored as they arrive, and the response says what has become of each.

Shows AMB-IMG-01: storing of instances.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pydicom
import pytest
import pytest_asyncio

from gateway.media.samples import dicom_bytes
from tests.fixtures.dicom_web import Web, dicom, mask, value
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site, fresh_settings, serve_site

pytestmark = pytest.mark.asyncio(loop_scope="module")
BOUNDARY = "=_boundary/1"
TYPE = f'multipart/related; type="application/dicom"; boundary="{BOUNDARY}"'
REFERENCED, FAILED, REASON = "00081199", "00081198", "00081197"


def body_of(files: Sequence[bytes], content_type: str = "application/dicom") -> bytes:
    """Return a body with these files."""
    head = f"--{BOUNDARY}\r\nContent-Type: {content_type}\r\n\r\n".encode()
    return b"".join([head + data + b"\r\n" for data in files]) + f"--{BOUNDARY}--".encode()


async def store(
    web: Web, content: Any, path: str = "/studies", who: str = "admin", content_type: str = TYPE, **headers: str
) -> httpx.Response:
    """Send a body to be stored."""
    given = {**web.site.headers(who), "Content-Type": content_type, **headers}
    return await web.site.client.post(f"{web.url}{path}", content=content, headers=given)


def stored(report: dict[str, Any], tag: str = REFERENCED) -> list[str]:
    """Return the SOP instance UIDs in a report."""
    return [value(each, "00081155") for each in report.get(tag, {}).get("Value", [])]


@pytest_asyncio.fixture(loop_scope="module")
async def web(web_site: Site, byte_url: str) -> Web:
    """New folder."""
    return Web(web_site, await web_site.folder("stored"), origin=byte_url)


async def placeholders(web: Web) -> int:
    """Return how many placeholders are in a folder."""
    selection = "items(filter: {includePlaceholders: true}) { edges { node { isPlaceholder } } }"
    data = await web.site.see("storageFolder", web.folder, selection)
    return sum(edge["node"]["isPlaceholder"] for edge in data["items"]["edges"])


async def test_instances_are_stored(web: Web) -> None:
    files = [dicom(1, 1, n) for n in (1, 2)]
    response = await store(web, body_of(files))
    assert (response.status_code, response.headers["content-type"]) == (200, "application/dicom+json")
    report = response.json()
    assert stored(report) == ["1.2.3.1.1.1", "1.2.3.1.1.2"]
    assert value(report, "00081190") == f"{web.base}/dicomweb/{web.folder}/studies/1.2.3.1"
    [study] = await web.results("/studies")
    assert value(study, "00201208") == 2
    path = report[REFERENCED]["Value"][0]["00081190"]["Value"][0].partition(web.folder)[2]
    assert files[0] in (await web.get(path, accept="*/*")).content
    folder = await web.site.see("storageFolder", web.folder, "items { edges { node { name } } }")
    assert {edge["node"]["name"] for edge in folder["items"]["edges"]} == {"1.2.3.1.1.1.dcm", "1.2.3.1.1.2.dcm"}


async def test_what_fails_is_listed(web: Web) -> None:
    """AMB-ERR-34."""
    broken = dicom(2, 1, 1)[:-100]
    other = dicom(3, 1, 1)
    good = dicom(2, 1, 2)
    response = await store(web, body_of([broken, b"no DICOM", good, other]), "/studies/1.2.3.2")
    assert response.status_code == 202, response.text
    report = response.json()
    assert stored(report) == ["1.2.3.2.1.2"]
    reasons = {value(each, "00081155"): value(each, REASON) for each in report[FAILED]["Value"]}
    assert reasons == {"1.2.3.2.1.1": 0x0110, None: 0xA900, "1.2.3.3.1.1": 0xA900}
    response = await store(web, body_of([broken, b"no DICOM"]))
    assert (response.status_code, len(stored(response.json(), FAILED))) == (409, 2)
    response = await store(web, body_of([good], "application/dicom+json"))
    assert (response.status_code, value(response.json()[FAILED]["Value"][0], REASON)) == (409, 0xC000)
    assert await placeholders(web) == 0
    await check_all(web.site.services)


async def test_deflated_and_implicit_files(web: Web) -> None:
    file = pydicom.dcmread(io.BytesIO(dicom(4, 1, 1)))
    file.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    deflated = dicom_bytes(file)
    file.SOPInstanceUID = file.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.UID("1.2.3.4.1.2")
    file.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian
    response = await store(web, body_of([deflated, dicom_bytes(file)]))
    assert (response.status_code, set(stored(response.json()))) == (200, {"1.2.3.4.1.1", "1.2.3.4.1.2"})
    frames = f"{web.url}/studies/1.2.3.4/series/1.2.3.4.1/instances/1.2.3.4.1.1/frames/1"
    refused = await web.site.client.get(frames, headers=web.site.headers())
    assert refused.status_code == 406


async def test_roles(web: Web) -> None:
    """Break `check_receives` to see this fail."""
    site = web.site
    viewers, users = await site.group("stow viewers"), await site.group("stow users")
    viewer, user, stranger = await site.newcomer(viewers), await site.newcomer(users), await site.newcomer()
    await site.grant(web.folder, viewers, "VIEWER")
    await site.grant(web.folder, users, "USER")
    body = body_of([dicom(5, 1, 1)])
    statuses = [(await store(web, body, who=who)).status_code for who in (viewer, stranger, user)]
    assert statuses == [403, 404, 200]
    await mask(site, web.folder)
    assert (await store(web, body_of([dicom(5, 1, 2)]), who=user)).status_code == 200
    bad = {"Authorization": "Bearer nothing", "Content-Type": TYPE}
    assert (await site.client.post(f"{web.url}/studies", content=body, headers=bad)).status_code == 401


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        (b"", "application/json", 415),
        (b"", 'multipart/related; type="application/dicom+json"; boundary=x', 415),
        (b"", 'multipart/related; type="application/dicom"', 400),
        (b"", f'multipart/related; type="application/dicom"; boundary="{"x" * 71}"', 400),
        (b"", TYPE, 400),
        (f"--{BOUNDARY}--".encode(), TYPE, 400),
        (body_of([dicom(6, 1, 1)])[:-5], TYPE, 400),
        (body_of([dicom(6, 1, 1)]).replace(b"\r\n\r\n", b"\r\nno colon\r\n\r\n", 1), TYPE, 400),
        (body_of([b""] * 1001), TYPE, 413),
        (b"x" * 200_000, TYPE, 400),
    ],
)
async def test_malformed_bodies(web: Web, content: bytes, content_type: str, status: int) -> None:
    """Nothing is left of them, nor of the parts before the one that is malformed."""
    response = await store(web, content, content_type=content_type)
    assert response.status_code == status, response.text
    assert response.json()["errors"]
    assert await placeholders(web) == 0
    assert await web.results("/studies") == []


async def test_a_client_that_hangs_up_leaves_nothing(web: Web) -> None:
    async def cut_off() -> AsyncIterator[bytes]:
        body = body_of([dicom(7, 1, n) for n in range(60)])
        yield body[:-1000]
        await asyncio.sleep(0.3)
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        await store(web, cut_off())
    async with asyncio.timeout(10):
        while await placeholders(web):
            await asyncio.sleep(0.05)
    assert await web.results("/studies") == []
    await check_all(web.site.services)


async def test_equal_bytes_may_be_stored_again(web: Web) -> None:
    for _ in range(2):
        response = await store(web, body_of([dicom(8, 1, 1)]))
        assert (response.status_code, stored(response.json())) == (200, ["1.2.3.8.1.1"])
    [study] = await web.results("/studies")
    assert value(study, "00201208") == 1


async def test_a_response_does_not_wait_for_ever(request: pytest.FixtureRequest, tmp_path_factory: Any) -> None:
    """Without a worker, the response says where to ask later."""
    directory = tmp_path_factory.mktemp("idle")
    with fresh_settings("embedded", request, directory, dicomweb="full") as settings:
        async with serve_site(settings, works=False) as site:
            web = Web(site, await site.folder("slow"))
            response = await store(web, body_of([dicom(9, 1, 1)]), Prefer="respond-async, wait=0")
            assert (response.status_code, response.json()) == (202, {})
            location = response.headers["location"]
            later = await site.client.get(location, headers=site.headers())
            assert (later.status_code, later.json()) == (202, {})
            stranger = await site.newcomer()
            assert (await site.client.get(location, headers=site.headers(stranger))).status_code == 404
            assert (await web.get("/stored/x")).status_code == 400
            assert (await web.get(f"/stored/{web.folder}")).status_code == 404
        async with serve_site(settings) as site:
            site.keys["admin"] = web.site.keys["admin"]
            async with asyncio.timeout(30):
                while (later := await site.client.get(location, headers=site.headers())).status_code == 202:
                    await asyncio.sleep(0.1)
            assert (later.status_code, stored(later.json())) == (200, ["1.2.3.9.1.1"])


async def test_storing_is_not_offered_everywhere(web: Web, web_site: Site) -> None:
    here = Web(web_site, web.folder)
    response = await store(here, body_of([dicom(1, 1, 1)]))
    assert response.status_code == (200 if web_site.services.store.disk else 405)
