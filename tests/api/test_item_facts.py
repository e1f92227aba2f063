"""Facts that entries of an upload job give about their items, and further attributes of items."""

import pytest
from PIL import Image

from gateway.media import samples
from tests.fixtures.items import make_tombstone, run_job, upload_group, upload_items
from tests.fixtures.sites import Site
from tests.fixtures.uploading import LISTS, File, item_facts, send_files, start_upload_job, wait_for_job

FILES = [
    File("a.webm", "VIDEO", samples.webm(0.2, seed=81), "video/webm"),
    File("b.wav", "AUDIO", samples.wav(0.1, seed=81), "audio/wav"),
    File("c.txt", "PLAIN_TEXT", samples.text(81), "text/plain"),
    File("d.pdf", "PDF", samples.pdf(1, seed=81), "application/pdf"),
    File("e.nii.gz", "NIFTI", samples.nifti((4, 4, 4), 81)),
    File("f.dcm", "DICOM_FILE", samples.dicom_file(study=81)),
]
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(shared_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return shared_site


async def test_every_kind_takes_a_url_a_title_and_metadata(site: Site) -> None:
    """An item is created from the URL of another item's object.

    Metadata that was given as an object is read as one.

    Inventory: ENC-UPVID-03, ENC-UPAUD-01 to -03, ENC-UPTXT-02 and -03, ENC-UPPDF-01 to -03,
    ENC-UPNII-01 to -03, ENC-UPDF-01 and -02, SUB-026.
    """
    folder, other = await site.folder("first"), await site.folder("second")
    firsts = [await item_facts(site, uuid) for uuid in await upload_items(site, folder, FILES)]
    wanted = {}
    for file, first in zip(FILES, firsts, strict=True):
        entry = {"objectUrl": first["url"], "title": f"A {file.item_type}", "clientMetadata": {"of": file.name}}
        wanted[LISTS[file.item_type]] = [entry]
    job = await run_job(site, other, wanted)
    seconds = {element["name"]: await item_facts(site, element["itemUuid"]) for element in job["itemsWithNames"]}
    assert seconds.keys() == {f"A {file.item_type}" for file in FILES}
    for file, first in zip(FILES, firsts, strict=True):
        second = seconds[f"A {file.item_type}"]
        mine = {"uuid": second["uuid"], "name": second["name"], "clientMetadata": {"of": file.name}}
        assert second == {**first, **mine, "folder": {"uuid": other}}, file.name
        assert second["uuid"] != first["uuid"]


async def test_a_series_takes_a_title_and_metadata(site: Site) -> None:
    """A series has the title and metadata of its entry.

    Inventory: ENC-UPDS-02, ENC-UPDS-03.
    """
    folder = await site.folder("series")
    (slice_,) = await send_files(site, folder, [File("s.dcm", "DICOM_FILE", samples.dicom_file(study=82))])
    entry = {"dicomFiles": [{"placeholderUuid": slice_}], "title": "Mine", "clientMetadata": {"ward": 7}}
    job = await run_job(site, folder, {"dicomSeries": [entry]})
    series = await item_facts(site, job["itemsWithNames"][0]["itemUuid"])
    assert (series["itemType"], series["name"], series["clientMetadata"]) == ("DICOM_SERIES", "Mine", {"ward": 7})


async def test_facts_of_frames_and_of_sound_are_taken_from_the_client(site: Site) -> None:
    """Given facts are used although the bytes do not have the format.

    Inventory: ENC-UPIGF-03, ENC-MAUD-01, ENC-MAUD-03.
    """
    folder = await site.folder("given")
    files = [File("frame", "IMAGE", b"no image"), File("sound", "AUDIO", b"no sound")]
    frame, sound = await send_files(site, folder, files)
    image = {"mimeType": "image/x-mine", "fileSize": 8, "width": 30, "height": 40}
    audio = {"mimeType": "audio/x-mine", "fileSize": 8, "duration": 2.5}
    heard = {**audio, "sampleRate": 8000, "bitDepth": 8, "codec": "mine", "numChannels": 3}
    wanted = {
        "imageGroups": [{"images": [{"placeholderUuid": frame, "imageMetadata": image}]}],
        "audio": [{"placeholderUuid": sound, "audioMetadata": heard}],
    }
    await run_job(site, folder, wanted)
    assert await site.see("storageItem", frame, " ".join(image)) == image
    assert await site.see("storageItem", sound, " ".join(audio)) == audio


async def test_images_are_as_shown_and_warnings_are_listed(site: Site) -> None:
    """Each item says how its pixels are turned, and what could not be read. A group has no warnings."""
    frames = []
    for orientation in (6, 99):
        exif = Image.Exif()
        exif[0x0112] = orientation
        image = samples.encode_image(samples.disc_image(20, 10, orientation), "JPEG", exif=exif)
        frames.append(File(f"{orientation}.jpg", "IMAGE", image, "image/jpeg"))
    group, _ = await upload_group(site, await site.folder("shown"), frames)
    facts = "width height orientation probeWarnings"
    assert await site.see("storageItem", group, f"{facts} children {{ nodes {{ {facts} }} }}") == {
        "width": None,
        "height": None,
        "orientation": None,
        "probeWarnings": [],
        "children": {
            "nodes": [
                {"width": 10, "height": 20, "orientation": 6, "probeWarnings": []},
                {
                    "width": 20,
                    "height": 10,
                    "orientation": 1,
                    "probeWarnings": ["Orientation is not a number from 1 to 8: 99."],
                },
            ]
        },
    }


async def test_a_tombstone_is_marked(site: Site) -> None:
    """The item stays; its object is gone.

    Inventory: ENC-ITEM-10.
    """
    (uuid,) = await upload_items(site, await site.folder("tombstone"), [File("t", "PLAIN_TEXT", b"going")])
    assert await site.see("storageItem", uuid, "name isTombstone") == {"name": "t", "isTombstone": False}
    await make_tombstone(site, uuid)
    assert await site.see("storageItem", uuid, "name isTombstone") == {"name": "t", "isTombstone": True}


async def test_children_have_signed_urls(site: Site) -> None:
    """Each child has the signed URL of its own bytes, in the same request.

    Inventory: ENC-QMISC-02.
    """
    frames = [File(f"{seed}.png", "IMAGE", samples.png(16, 16, seed), "image/png") for seed in (83, 84, 85)]
    group, _ = await upload_group(site, await site.folder("signed"), frames)
    result = await site.see("storageItem", group, "children { nodes { name signedUrl { url } } }")
    brought = {
        node["name"]: (await site.client.get(node["signedUrl"]["url"])).content for node in result["children"]["nodes"]
    }
    assert brought == {frame.name: frame.data for frame in frames}


async def test_a_failed_unit_is_named_by_its_error(site: Site) -> None:
    """The UUID is that of the unit which ended in this error.

    Inventory: ENC-UERR-03.
    """
    folder = await site.folder("failing")
    files = [File("good", "PLAIN_TEXT", b"good"), *(File(f"bad {n}", "IMAGE", b"no image") for n in range(2))]
    good, *bad = await send_files(site, folder, files)
    wanted = {"text": [{"placeholderUuid": good}], "images": [{"placeholderUuid": uuid} for uuid in bad]}
    job = await wait_for_job(site, await start_upload_job(site, folder, wanted, ignoreErrors=True))
    document = "query($u: UUID!) { uploadJob(uuid: $u) { units(statuses: [ERROR]) { nodes { uuid error } } } }"
    units = (await site.ask(document, {"u": job["uuid"]}))["uploadJob"]["units"]["nodes"]
    assert len(units) == 2
    assert {unit["uuid"]: unit["error"] for unit in units} == {
        error["unitUuid"]: error["error"] for error in job["unitErrors"]
    }
