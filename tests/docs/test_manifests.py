"""The manifests of `docs/manifests.md` run unchanged, except for their server, and fail as the page says."""

import json
from typing import Any

import pytest
from strawberry.utils.str_converters import to_camel_case

from gateway.catalog.ingestion.entry_plans import MAX_UNITS, SECTIONS
from gateway.manifests.child import MAX_ENTRIES, MAX_URLS
from gateway.manifests.csv_file import COLUMNS
from gateway.manifests.csv_file import SECTIONS as KINDS
from gateway.manifests.sections import SWITCHES
from gateway.media import samples
from tests.docs.pages import blocks_of, text_of
from tests.fixtures.files import FileServer
from tests.fixtures.sites import Site
from tests.fixtures.uploading import items_by_name, start_manifest_job, upload_manifest, wait_for_job

TEXT = text_of("docs/manifests.md")
together = pytest.mark.asyncio(loop_scope="module")
SERVER = "https://files.example"


@pytest.fixture
def files(file_server: FileServer) -> str:
    """Serve the files that the manifests name."""
    file_server.add("drive.mp4", samples.mp4())
    for number in (1, 2):
        file_server.add(f"{number}.png", samples.png(seed=number))
    return f"{file_server.url}/files"


def written(language: str) -> str:
    """Return the page's manifest in a language."""
    [block] = blocks_of("docs/manifests.md", language=language)
    return block.text


async def run_manifest(site: Site, manifest: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the job of a manifest in its own folder, once it has ended."""
    return await wait_for_job(site, await start_manifest_job(site, await site.folder("given"), manifest, **more))


async def run_manifest_file(site: Site, data: str, name: str, **more: Any) -> dict[str, Any]:
    """Return the job of a manifest that was uploaded as a file."""
    folder = await site.folder("sent")
    return await wait_for_job(
        site, await start_manifest_job(site, folder, await upload_manifest(site, folder, data.encode(), name), **more)
    )


@together
async def test_json_manifests_are_ingested(fetching_site: Site, files: str) -> None:
    text = written("json").replace(SERVER, files)
    for job in (
        await run_manifest(fetching_site, {"json": json.loads(text)}),
        await run_manifest_file(fetching_site, text, "m.json"),
    ):
        assert (job["status"], job["errors"]) == ("DONE", [])
        created = await items_by_name(fetching_site, job)
        assert created.keys() == {"Drive 1", "1.png", "Two", "Stack"}
        assert created["Drive 1"]["clientMetadata"] == {"city": "Bonn"}


@together
async def test_time_series_are_read_as_a_manifest_says(fetching_site: Site, file_server: FileServer) -> None:
    file_server.add("beats.csv", b"time,beat\n0,1\n1500,2\n")
    [block] = blocks_of("docs/media.md", "Time series")
    text = block.text.replace(SERVER, f"{file_server.url}/files")
    job = await run_manifest(fetching_site, {"json": json.loads(text)})
    assert (job["status"], job["errors"]) == ("DONE", [])
    [item] = (await items_by_name(fetching_site, job)).values()
    assert (await fetching_site.see("storageItem", item["uuid"], "duration"))["duration"] == 1.5


@together
async def test_csv_manifests_are_ingested(fetching_site: Site, files: str) -> None:
    text = written("csv").replace(SERVER, files)
    for job in (
        await run_manifest(fetching_site, {"csv": text}),
        await run_manifest_file(fetching_site, text, "m.csv"),
    ):
        assert (job["status"], job["errors"]) == ("DONE", [])
        created = await items_by_name(fetching_site, job)
        assert {name: item["clientMetadata"] for name, item in created.items()} == {
            "One": {"city": "Bonn"},
            "drive.mp4": {},
        }


@together
async def test_errors_are_reported_as_the_page_says(fetching_site: Site, files: str) -> None:
    """By a path in the input, or by entry and key in a file; with `ignoreErrors` the rest of the file is ingested."""
    whole = json.loads(written("json").replace(SERVER, files))
    whole["images"][1]["objectUrl"] = "ftp://files.example/2.png"
    wanted = {"folderUuid": await fetching_site.folder("wrong"), "manifest": {"json": whole}}
    refused = await fetching_site.refused("startUploadJob", wanted)
    assert refused == [("BAD_USER_INPUT", "input.manifest.json.images.1.objectUrl")]
    assert f"`{refused[0][1]}`" in TEXT
    job = await run_manifest_file(fetching_site, json.dumps(whole), "m.json")
    assert (job["status"], job["unitsDoneCount"], f"`{job['errors'][0]}`" in TEXT) == ("ERROR", 0, True)
    job = await run_manifest_file(fetching_site, json.dumps(whole), "m.json", ignoreErrors=True)
    assert (job["status"], job["unitsDoneCount"], job["unitsErrorCount"]) == ("DONE", 3, 1)
    csv = written("csv").replace(f"{SERVER}/drive", "ftp://drive")
    [error] = (await run_manifest_file(fetching_site, csv, "m.csv"))["errors"]
    assert error.startswith("line 3.objectUrl: ")


def test_everything_in_the_manifest_format_is_documented() -> None:
    """Its lists, switches, columns and limits; only the text of the page is checked."""
    lists = {to_camel_case(section) for section in SECTIONS}
    names = {*lists, *map(to_camel_case, SWITCHES), *COLUMNS, *KINDS}
    assert {name for name in names if name not in TEXT} == set()
    assert [number for number in (MAX_UNITS, MAX_ENTRIES, MAX_URLS) if f"{number:,}" not in TEXT] == []
