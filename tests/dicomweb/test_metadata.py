"""Metadata of many instances is streamed, compressed if that is wanted, and corrected by hand."""

import gzip
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio
import sqlalchemy as sa

from gateway.dicomweb.instances import Instance
from gateway.dicomweb.metadata import batches_of
from gateway.models.dicom import dicom_studies, dicom_tags
from tests.fixtures.dicom_web import Web, dicom, put, value
from tests.fixtures.sites import Site, fresh_settings, serve_site

pytestmark = pytest.mark.asyncio(loop_scope="module")
COUNT = 50


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def web(web_site: Site) -> Web:
    """Folder with a series of many instances."""
    folder = await web_site.folder("many")
    await put(web_site, folder, [dicom(1, 1, number, size=8) for number in range(1, COUNT + 1)])
    return Web(web_site, folder)


async def test_metadata_is_in_order_and_complete(web: Web) -> None:
    documents = await web.results("/studies/1.2.3.1/series/1.2.3.1.1/metadata")
    assert [value(each, "00200013") for each in documents] == list(range(1, COUNT + 1))
    first = documents[0]
    assert value(first, "00083002") == "1.2.840.10008.1.2.1"
    assert value(first, "00080005") == "ISO_IR 192"
    assert all(list(each) == sorted(each) for each in documents)
    assert len(await web.results("/studies/1.2.3.1/metadata")) == COUNT
    assert len(await web.results("/studies/1.2.3.1/series/1.2.3.1.1/instances/1.2.3.1.1.7/metadata")) == 1


async def test_metadata_is_compressed_on_request(web: Web) -> None:
    url = f"{web.url}/studies/1.2.3.1/metadata"
    headers = {**web.site.headers(), "Accept-Encoding": "gzip"}
    async with web.site.client.stream("GET", url, headers=headers) as response:
        packed = b"".join([chunk async for chunk in response.aiter_raw()])
    assert response.headers["content-encoding"] == "gzip"
    plain = await web.site.client.get(url, headers={**headers, "Accept-Encoding": "identity"})
    assert gzip.decompress(packed) == plain.content
    assert len(packed) < len(plain.content) / 5


async def test_corrections_replace_what_files_say(web: Web) -> None:
    changes = {"corrections": {"patient_name": "Right^Name", "study_date": "2026-03-04"}, "phi_version": 1}
    database = web.site.services.database
    async with database.writing() as transaction:
        of_folder = dicom_studies.c.study_uid == "1.2.3.1"
        await transaction.execute(sa.update(dicom_studies).where(of_folder).values(changes))
    [document] = await web.results("/studies/1.2.3.1/series/1.2.3.1.1/instances/1.2.3.1.1.7/metadata")
    assert value(document, "00100010") == {"Alphabetic": "Right^Name"}
    assert value(document, "00080020") == "20260304"


async def test_instances_without_tags_have_their_uids(web: Web) -> None:
    """Their files are read by `storegraph dicom reindex`."""
    folder = await web.site.folder("unread")
    await put(web.site, folder, [dicom(77, 1, 1)])
    async with web.site.services.database.writing() as transaction:
        newest = sa.select(sa.func.max(sa.cast(dicom_tags.c.item_uuid, sa.Text))).scalar_subquery()
        await transaction.execute(sa.delete(dicom_tags).where(sa.cast(dicom_tags.c.item_uuid, sa.Text) == newest))
    [document] = await Web(web.site, folder).results("/studies/1.2.3.77/metadata")
    assert value(document, "00080018") == "1.2.3.77.1.1"
    assert "00100010" not in document


async def test_documents_of_many_frames_are_read_a_few_at_a_time() -> None:
    def instance(frames: int | None) -> Instance:
        return Instance(UUID(int=1), "1", "2", "3", None, None, True, None, frames)

    sizes = [len(batch) for batch in batches_of([instance(None)] * 600)]
    assert sizes == [250, 250, 100]
    assert [len(batch) for batch in batches_of([instance(4_000)] * 3)] == [1, 1, 1]
    assert [len(batch) for batch in batches_of([instance(2_500)] * 3)] == [2, 1]


async def test_a_viewer_may_spend_a_rate(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Searches and metadata are charged like operations of GraphQL, into the same bucket."""
    limits = {"cost_per_minute": 2_500}
    with fresh_settings("embedded", request, tmp_path, dicomweb="metadata", limits=limits) as settings:
        async with serve_site(settings, works=False) as site:
            web = Web(site, await site.folder("rated"))
            statuses = [(await web.get("/studies")).status_code for _ in range(4)]
            assert statuses == [200, 200, 429, 429]
            response = await web.get("/studies")
            assert response.json()["errors"][0]["extensions"]["code"] == "RATE_LIMITED"
            assert int(response.headers["retry-after"]) > 0
            assert await site.body("{ viewer { user { uuid } } }")


async def test_it_is_off_unless_it_is_turned_on(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with fresh_settings("embedded", request, tmp_path) as settings:
        async with serve_site(settings, works=False) as site:
            web = Web(site, await site.folder("off"))
            assert (await web.get("/studies")).status_code == 404
            assert (await web.get("/wado")).status_code == 404
