"""dicomweb-client, which is written by others, searches, retrieves and stores, unchanged."""

import asyncio
import io
from collections.abc import Callable
from typing import Any

import pydicom
import pytest
import pytest_asyncio
from dicomweb_client.api import DICOMwebClient

from tests.fixtures.dicom_web import Web, dicom, put
from tests.fixtures.sites import Site

pytestmark = pytest.mark.asyncio(loop_scope="module")
ONE = "1.2.3.1", "1.2.3.1.1", "1.2.3.1.1.1"


@pytest_asyncio.fixture(loop_scope="module")
async def web(web_site: Site, byte_url: str) -> Web:
    """Folder with three instances in two series."""
    folder = await web_site.folder("client")
    await put(web_site, folder, [dicom(1, 1, 1, frames=3), dicom(1, 1, 2), dicom(1, 2, 1, Modality="MR")])
    return Web(web_site, folder, origin=byte_url)


async def ask(web: Web, question: Callable[[Any], Any]) -> Any:
    """Let the client ask something, in a thread as it blocks."""
    client = DICOMwebClient(web.url, headers=web.site.headers())
    return await asyncio.to_thread(question, client)


async def test_searches(web: Web) -> None:
    studies = await ask(web, lambda client: client.search_for_studies(search_filters={"PatientID": "P0000*"}))
    assert [each["0020000D"]["Value"] for each in studies] == [["1.2.3.1"]]
    series = await ask(web, lambda client: client.search_for_series("1.2.3.1", fields=["SeriesDescription"]))
    assert [each["00201209"]["Value"] for each in series] == [[2], [1]]
    instances = await ask(web, lambda client: client.search_for_instances("1.2.3.1", limit=2, get_remaining=True))
    assert len(instances) == 3
    dataset = pydicom.Dataset.from_json(studies[0])
    assert (dataset.PatientID, dataset.NumberOfStudyRelatedInstances) == ("P00001", 3)
    assert await ask(web, lambda client: client.search_for_studies(search_filters={"PatientID": "none"})) == []
    assert len(await ask(web, lambda client: client.search_for_studies(fuzzymatching=True))) == 1


async def test_metadata(web: Web) -> None:
    for question, count in (
        (lambda client: client.retrieve_study_metadata("1.2.3.1"), 3),
        (lambda client: client.retrieve_series_metadata("1.2.3.1", "1.2.3.1.1"), 2),
    ):
        documents = await ask(web, question)
        dataset = pydicom.Dataset.from_json(documents[0], bulk_data_uri_handler=lambda _uri: b"")
        assert [len(documents), dataset.SOPInstanceUID] == [count, ONE[2]]
    document = await ask(web, lambda client: client.retrieve_instance_metadata(*ONE))
    # A proxy would lead from the site's own address to the process that serves bytes.
    uri = document["7FE00010"]["BulkDataURI"].replace(web.base, web.origin)
    [bulk] = await ask(web, lambda client: client.retrieve_bulkdata(uri))
    assert bulk == pydicom.dcmread(io.BytesIO(dicom(1, 1, 1, frames=3))).PixelData


async def test_retrieval(web: Web) -> None:
    original = pydicom.dcmread(io.BytesIO(dicom(1, 1, 1, frames=3)))
    assert await ask(web, lambda client: client.retrieve_instance(*ONE)) == original
    assert len(await ask(web, lambda client: client.retrieve_series(*ONE[:2]))) == 2
    assert len(await ask(web, lambda client: client.retrieve_study(ONE[0]))) == 3
    frames = await ask(web, lambda client: client.retrieve_instance_frames(*ONE, frame_numbers=[1, 3]))
    size = len(original.PixelData) // 3
    assert frames == [original.PixelData[:size], original.PixelData[2 * size :]]
    with pytest.raises(Exception, match="404"):
        await ask(web, lambda client: client.retrieve_instance(*ONE[:2], "9.9"))


async def test_storing(web: Web) -> None:
    datasets = [pydicom.dcmread(io.BytesIO(dicom(2, 1, number))) for number in (1, 2)]
    report = await ask(web, lambda client: client.store_instances(datasets))
    assert [item.ReferencedSOPInstanceUID for item in report.ReferencedSOPSequence] == ["1.2.3.2.1.1", "1.2.3.2.1.2"]
    assert "FailedSOPSequence" not in report
    assert await ask(web, lambda client: client.retrieve_instance("1.2.3.2", "1.2.3.2.1", "1.2.3.2.1.1")) == datasets[0]
