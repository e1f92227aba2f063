"""Manifests as CSV: in the input or uploaded, with errors that name the line and the column."""

import pytest

from gateway.media import samples
from tests.fixtures.files import FileServer
from tests.fixtures.invariants import check_all
from tests.fixtures.sites import Site
from tests.fixtures.uploading import (
    items_by_name,
    start_manifest_job,
    upload_manifest,
    wait_for_job,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

BAD = "BAD_USER_INPUT"

ROWS = "itemType,objectUrl,title,clientMetadata\n"


@pytest.mark.parametrize("form", ["csv", "sent"])
async def test_a_manifest_may_be_csv(fetching_site: Site, file_server: FileServer, form: str) -> None:
    """One line per file, with quoted cells, empty cells for absent values, and metadata as JSON.

    Inventory: ENC-MAN-11, SUB-064.
    """
    site, folder = fetching_site, await fetching_site.folder(f"csv {form}")
    first, second = file_server.add("1.txt", b"1"), file_server.add("2.dcm", samples.dicom_file())
    text = f'{ROWS}PLAIN_TEXT,{first},"first, ""quoted""","{{""a"": 1}}"\r\n\r\nDICOM_FILE,{second},,\n'
    manifest = (
        {"csv": f"\ufeff{text}"}
        if form == "csv"
        else await upload_manifest(site, folder, b"\xef\xbb\xbf" + text.encode(), "l.CSV")
    )
    job = await wait_for_job(site, await start_manifest_job(site, folder, manifest))
    assert (job["status"], job["errors"]) == ("DONE", [])
    created = await items_by_name(site, job)
    assert created.keys() == {'first, "quoted"', "2.dcm"}
    assert created['first, "quoted"']["clientMetadata"] == {"a": 1}
    await check_all(site.services)


async def test_faults_in_csv_are_reported_by_line_and_column(fetching_site: Site) -> None:
    site, folder = fetching_site, await fetching_site.folder("csv wrong")
    rows = [
        "PDF,https://files.example/1,,{",
        "PAGES,https://files.example/2,,",
        "PDF,,,",
        "PDF,x,,,,",
        "PDF,ftp://x/y,,",
    ]
    text = ROWS + "\n".join(rows)
    wrong = [".clientMetadata", ".itemType", ".objectUrl", "", ".objectUrl"]
    refused = await site.refused("startUploadJob", {"folderUuid": folder, "manifest": {"csv": text}})
    places = [f"{line}{key}" for line, key in enumerate(wrong, 2)]
    assert refused == [(BAD, f"input.manifest.csv.{path}") for path in places]
    manifest = await upload_manifest(site, folder, text.encode(), "wrong.csv")
    job = await wait_for_job(site, await start_manifest_job(site, folder, manifest))
    assert [error.split(":")[0] for error in job["errors"]] == [f"line {path}" for path in places]
    for broken in ("", "itemType,title\nIMAGE,x", "itemType,objectURL\n", "itemType,title,title\n", f'{ROWS}PDF,"x'):
        refused = await site.refused("startUploadJob", {"folderUuid": folder, "manifest": {"csv": broken}})
        assert refused == [(BAD, "input.manifest.csv")]
    await check_all(site.services)
