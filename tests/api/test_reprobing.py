"""Files are read again whose facts an older version read, and only those facts change."""

from pathlib import Path
from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.files import FileServer
from tests.fixtures.invariants import check_all
from tests.fixtures.items import run_job, upload_group, upload_items
from tests.fixtures.reprobing import make_older, probe_state, run_reprobe, start_reprobe, wait_until_current
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, announce, ingest, item_facts, send_files

JOURNAL = (
    "query($u: UUID!) { storageFolder(uuid: $u) { journal { nodes { "
    "action before after objectUuid user { email } } } } }"
)
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def site(fetching_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return fetching_site


async def changes_of(site: Site, folder: str, item: str) -> list[dict[str, Any]]:
    """Return the journal of an item, latest first."""
    nodes = (await site.ask(JOURNAL, {"u": folder}))["storageFolder"]["journal"]["nodes"]
    return [node for node in nodes if node["objectUuid"] == item]


async def test_files_are_read_again(site: Site, tmp_path: Path) -> None:
    """Wrong facts are corrected with an entry in the journal; right ones stay without an edit."""
    folder = await site.folder("older")
    files = [
        File("a.mp4", "VIDEO", samples.mp4()),
        File("b.png", "IMAGE", samples.png()),
        File("c.csv", "PLAIN_TEXT", samples.csv_text()),
    ]
    uuids = await upload_items(site, folder, files)
    before = [await item_facts(site, uuid) for uuid in uuids]
    states = [await probe_state(site, uuid) for uuid in uuids]
    assert [state["probedByOlderVersion"] for state in states] == [False, False, False]
    video, image, text = uuids
    await make_older(site, *uuids)
    await make_older(site, video, fps=1000.0, frame_count=7)
    await site.done("updateStorageItem", {"itemUuid": text, "name": "renamed"}, "item { uuid }")
    assert (await probe_state(site, video))["probedByOlderVersion"]
    edited = (await probe_state(site, text))["lastEditedAt"]
    printed = await run_reprobe(site, tmp_path, "--folder", folder)
    assert printed.startswith("IMAGE\t1\nPLAIN_TEXT\t1\nVIDEO\t1\n")
    await wait_until_current(site, *uuids)
    assert [await item_facts(site, uuid) for uuid in uuids] == [*before[:2], {**before[2], "name": "renamed"}]
    assert (await probe_state(site, image))["lastEditedAt"] == states[1]["lastEditedAt"]
    assert (await probe_state(site, text))["lastEditedAt"] == edited
    [change, *_] = await changes_of(site, folder, video)
    assert change["action"] == "UPDATE"
    assert change["before"] == {"fps": 1000.0, "frameCount": 7}
    assert change["after"] == {"fps": 10.0, "frameCount": 10}
    assert change["user"] is None
    assert [each["action"] for each in await changes_of(site, folder, image)] == ["INGEST", "CREATE"]
    assert await run_reprobe(site, tmp_path, "--folder", folder) == "No items were probed by an older version.\n"
    await check_all(site.services)


async def test_tables_are_read_as_before(site: Site) -> None:
    """The settings that were given at upload are used again."""
    folder = await site.folder("tables")
    [waiting] = await send_files(site, folder, [File("a.csv", "TIMESERIES", b"time,v\n1,2\n3,4\n")])
    await run_job(site, folder, {"timeSeries": [{"placeholderUuid": waiting, "parsing": {"timeUnit": "HOURS"}}]})
    await make_older(site, waiting, duration=1.0)
    await start_reprobe(site, folder)
    await wait_until_current(site, waiting)
    assert (await item_facts(site, waiting))["duration"] == 7200.0


async def test_facts_that_clients_provided_stay(site: Site, file_server: FileServer) -> None:
    """Whether or not items recorded that they were provided; facts that were read are read again."""
    folder = await site.folder("provided")
    url, read = (
        file_server.add(name, samples.webm(seed=seed)) for seed, name in enumerate(("given.webm", "read.webm"))
    )
    size = len(samples.webm())
    given = {"width": 1, "height": 2, "fps": 3.0, "duration": 4.0, "mimeType": "video/x-own", "fileSize": size}
    made = await ingest(site, folder, {"videos": [{"objectUrl": url, "videoMetadata": given}, {"objectUrl": read}]})
    provided, other = made["given.webm"]["uuid"], made["read.webm"]["uuid"]
    assert not (await probe_state(site, provided))["probedByOlderVersion"]
    await make_older(site, provided)
    await make_older(site, other, fps=1000.0)
    await start_reprobe(site)
    await wait_until_current(site, provided, other)
    assert (await item_facts(site, other))["fps"] == 10.0
    for _ in range(2):
        facts = await item_facts(site, provided)
        assert {name: facts[name] for name in given} == given
        await start_reprobe(site)


async def test_a_scope(site: Site, tmp_path: Path) -> None:
    """A folder with those below it, and kinds; `--count` starts nothing."""
    top = await site.folder("top")
    below, beside = await site.folder("below", top), await site.folder("beside")
    places = (top, below, beside)
    videos = [(await upload_items(site, each, [File("a.webm", "VIDEO", samples.webm())]))[0] for each in places]
    [image] = await upload_items(site, below, [File("a.png", "IMAGE", samples.png())])
    await make_older(site, *videos, image)
    assert await run_reprobe(site, tmp_path, "--folder", top, "--count") == "IMAGE\t1\nVIDEO\t2\n"
    await run_reprobe(site, tmp_path, "--folder", top, "--type", "VIDEO")
    await wait_until_current(site, *videos[:2])
    older = [(await probe_state(site, uuid))["probedByOlderVersion"] for uuid in (videos[2], image)]
    assert older == [True, True]
    await start_reprobe(site)
    await wait_until_current(site, videos[2], image)


async def test_items_without_a_file_are_not_older(site: Site) -> None:
    """Placeholders and groups; the members of a group are. Other files are never read, so they are not either."""
    folder = await site.folder("groups")
    [other] = await upload_items(site, folder, [File("a.bin", "FILE", b"other")])
    group, members = await upload_group(site, folder, [File("a.png", "IMAGE", samples.png())])
    waiting = (await announce(site, folder, [File("w", "VIDEO", b"w")]))[0]["itemUuid"]
    await make_older(site, group, waiting, other, *members)
    uuids = (group, waiting, other, *members)
    states = [(await probe_state(site, uuid))["probedByOlderVersion"] for uuid in uuids]
    assert states == [False, False, False, True]


async def test_files_that_cannot_be_read(site: Site) -> None:
    """A file that is refused keeps its facts and gets a warning; one that is missing is left for another time."""
    folder = await site.folder("unreadable")
    files = [File(f"{seed}.webm", "VIDEO", samples.webm(seed=seed)) for seed in (20, 21, 22)]
    refused, missing, good = await upload_items(site, folder, files)
    before = [await item_facts(site, uuid) for uuid in (refused, missing)]
    keys = [facts["url"].removeprefix("storegraph:///") for facts in before]
    await site.services.store.put(keys[0], b"no video", "video/webm")
    await site.services.store.delete([keys[1]])
    await make_older(site, refused, missing, good)
    await start_reprobe(site, folder)
    await wait_until_current(site, refused, good)
    assert [await item_facts(site, uuid) for uuid in (refused, missing)] == before
    assert (await probe_state(site, refused))["probeWarnings"] == [
        "The file was read again without success: expected a video, but the content is text/plain."
    ]
    assert (await probe_state(site, missing))["probedByOlderVersion"]
    await site.services.store.put(keys[0], samples.webm(seed=20), "video/webm")
    await site.services.store.put(keys[1], samples.webm(seed=21), "video/webm")
    await start_reprobe(site, folder)
    await wait_until_current(site, missing)


async def test_an_unknown_folder(site: Site, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="folder"):
        await run_reprobe(site, tmp_path, "--folder", "00000000-0000-0000-0000-000000000001")
