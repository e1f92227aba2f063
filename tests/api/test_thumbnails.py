"""Thumbnails as a viewer sees them: made after an upload or on request, and gone with their files."""

import asyncio

import pytest

from gateway.media import samples
from tests import samples as hostile
from tests.fixtures.clouds import Bucket, create_integration
from tests.fixtures.invariants import check_all
from tests.fixtures.items import make_tombstone, run_job, upload_group, upload_items
from tests.fixtures.sites import Site, open_client
from tests.fixtures.thumbnails import picture, stored_thumbnails, thumbnail
from tests.fixtures.uploading import OPEN, File, announce, ingest, send_files, start_upload_job, wait_for_job

pytestmark = pytest.mark.asyncio(loop_scope="module")
DRAWN = [
    File("a.png", "IMAGE", samples.png(600, 400, 1)),
    File("a.mp4", "VIDEO", samples.mp4(size=(320, 240))),
    File("a.pdf", "PDF", samples.pdf()),
    File("a.nii.gz", "NIFTI", samples.nifti()),
    File("a.dcm", "DICOM_FILE", samples.dicom_file()),
    File("a.wav", "AUDIO", samples.wav()),
    File("a.csv", "TIMESERIES", b"Zeit;Druck\n01.02.2024 10:00;1,5\n01.02.2024 11:00;3,25\n02.02.2024 01:00;2\n"),
]


async def test_every_kind_that_can_be_drawn_is(shared_site: Site) -> None:
    site = shared_site
    uuids = await upload_items(site, await site.folder("drawn"), DRAWN)
    for file, uuid in zip(DRAWN, uuids, strict=True):
        shown = await thumbnail(site, uuid)
        assert isinstance(shown, dict), (file.name, shown)
        assert max(shown["width"], shown["height"]) <= 256
        assert len(set((await picture(site, shown)).convert("L").get_flattened_data())) > 1, file.name


async def test_sizes_are_bounds_and_nothing_is_scaled_up(shared_site: Site) -> None:
    site = shared_site
    large, small = await upload_items(
        site,
        await site.folder("sizes"),
        [File("large.png", "IMAGE", samples.png(1600, 800, 2)), File("small.png", "IMAGE", samples.png(40, 30, 2))],
    )
    for size, expected in (("SMALL", (256, 128)), ("MEDIUM", (512, 256)), ("LARGE", (1024, 512))):
        assert (await picture(site, await thumbnail(site, large, size))).size == expected
        assert (await picture(site, await thumbnail(site, small, size))).size == (40, 30)


async def test_a_frame_is_drawn_when_it_is_requested(shared_site: Site) -> None:
    site = shared_site
    video, document, image = await upload_items(
        site,
        await site.folder("frames"),
        [File("a.gif", "IMAGE", samples.gif_animated(frames=4)), DRAWN[2], File("b.png", "IMAGE", samples.png(seed=3))],
    )
    seen = {(await site.client.get((await thumbnail(site, video, frame=n))["url"])).content for n in range(4)}
    assert len(seen) == 4
    assert isinstance(await thumbnail(site, document, frame=1), dict)
    assert isinstance(await thumbnail(site, image, frame=0), dict)
    for uuid, frame in ((video, 4), (document, 2), (image, 1)):
        assert await thumbnail(site, uuid, frame=frame) == "NO_SUCH_FRAME"
    body = await site.body(f'{{ storageItem(uuid: "{image}") {{ thumbnail(frame: -1) {{ url }} }} }}')
    assert body["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert body["errors"][0]["extensions"]["inputPath"] == ["frame"]


async def test_items_without_a_thumbnail_have_a_reason(shared_site: Site) -> None:
    site = shared_site
    folder = await site.folder("undrawn")
    text, gone = await upload_items(
        site, folder, [File("a.txt", "PLAIN_TEXT", b"text"), File("g.png", "IMAGE", samples.png(seed=4))]
    )
    await make_tombstone(site, gone)
    group, _ = await upload_group(site, folder, [File("f.png", "IMAGE", samples.png(seed=5))])
    waiting = (await announce(site, folder, [File("later.png", "IMAGE", b"x")]))[0]["itemUuid"]
    unknown = (await announce(site, folder, [File("later", OPEN, b"x")]))[0]["itemUuid"]
    reasons = [await thumbnail(site, uuid) for uuid in (text, gone, group, waiting, unknown)]
    assert reasons == ["NOT_DRAWABLE", "TOMBSTONE", "NOT_DRAWABLE", "NOT_YET_STORED", "NOT_YET_STORED"]


async def test_equal_bytes_are_drawn_once(shared_site: Site) -> None:
    site = shared_site
    # A picture of its own is drawn after all that other tests have left.
    last = await upload_items(site, await site.folder("last"), [File("0.png", "IMAGE", samples.png(seed=16))])
    await thumbnail(site, last[0])
    before = await stored_thumbnails(site)
    folder, data = await site.folder("equal"), samples.png(seed=6)
    first, second = await upload_items(site, folder, [File("1.png", "IMAGE", data), File("2.png", "IMAGE", data)])
    one, other = await thumbnail(site, first), await thumbnail(site, second)
    assert one == other
    assert await stored_thumbnails(site) == before + 1


async def test_thumbnails_are_removed_with_the_last_item(shared_site: Site) -> None:
    site = shared_site
    folder, data = await site.folder("removed"), samples.png(seed=7)
    first, second = await upload_items(site, folder, [File("1.png", "IMAGE", data), File("2.png", "IMAGE", data)])
    shown = await thumbnail(site, first)
    await site.done("deleteStorageItems", {"itemUuids": [first]}, "results { uuid }")
    await check_all(site.services)
    assert (await site.client.get(shown["url"])).status_code == 200
    before = await stored_thumbnails(site)
    await site.done("deleteStorageItems", {"itemUuids": [second]}, "results { uuid }")
    async with asyncio.timeout(15):
        while (await site.client.get(shown["url"])).status_code != 404:
            await asyncio.sleep(0.1)
    assert await stored_thumbnails(site) == before - 1
    await check_all(site.services)


async def test_files_in_a_cloud_are_drawn_on_request(fetching_site: Site, customer: Bucket) -> None:
    site = fetching_site
    integration, folder = await create_integration(site, customer), await site.folder("cloud")
    url = customer.put("drawn/a.png", samples.png(300, 200, 8))
    keys = customer.keys()
    ingested = await ingest(site, folder, {"images": [{"objectUrl": url}]}, integrationUuid=integration)
    item = ingested["a.png"]["uuid"]
    assert await stored_thumbnails(site) == 0
    shown = await thumbnail(site, item)
    async with open_client() as client:
        assert len((await client.get(shown["url"])).content) > 100
    assert customer.keys() == keys
    await site.done("deleteStorageItems", {"itemUuids": [item]}, "results { uuid }")
    assert await stored_thumbnails(site) == 0
    await check_all(site.services)


async def test_a_file_that_cannot_be_drawn_is_still_an_item(shared_site: Site) -> None:
    """Facts come from the client, so that nothing has read the file yet."""
    site = shared_site
    folder = await site.folder("hostile")
    data = hostile.png_bomb()
    facts = {"width": 50_000, "height": 50_000, "mimeType": "image/png", "fileSize": str(len(data))}
    [uuid] = await send_files(site, folder, [File("bomb.png", "IMAGE", data, "image/png")])
    job = await start_upload_job(site, folder, {"images": [{"placeholderUuid": uuid, "imageMetadata": facts}]})
    assert (await wait_for_job(site, job))["status"] == "DONE"
    assert await thumbnail(site, uuid) == "UNDECODABLE"


async def test_an_image_sequence_is_drawn_by_its_video(shared_site: Site) -> None:
    site = shared_site
    folder = await site.folder("sequence")
    frames = [File(f"{seed}.png", "IMAGE", samples.png(64, 48, seed)) for seed in (11, 12)]
    images = [{"placeholderUuid": uuid} for uuid in await send_files(site, folder, frames)]
    job = await run_job(site, folder, {"imageGroups": [{"images": images, "createVideo": True}]})
    sequence = job["itemsWithNames"][0]["itemUuid"]
    shown = [await picture(site, await thumbnail(site, sequence, frame=number)) for number in (0, 1)]
    assert [image.size for image in shown] == [(64, 48)] * 2
    assert shown[0].tobytes() != shown[1].tobytes()
