"""Directories that become one item or one series each, and what becomes of their files."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.media import samples
from gateway.models.uploads import UploadRecord, uploads
from gateway.transfer.events import FileOutcome
from gateway.transfer.site import Site as Client
from gateway.transfer.upload import UploadOptions, upload_tree
from tests.fixtures.sites import Site
from tests.fixtures.transfers import arrivals

pytestmark = pytest.mark.asyncio(loop_scope="module")


def write(top: Path, *names: str) -> Path:
    """Create files that contain their names."""
    for name in names:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return top


async def test_the_files_of_a_leaf_that_fails_are_named(site: Site, tmp_path: Path) -> None:
    top = write(tmp_path / "Top", "one/a", "one/b", "two/c", "two/d", "zoo/e", "zoo/f")
    await site.folder("failing leaf")
    async with Client(site.url, site.keys["admin"]) as client:
        query = client.query

        async def losing(document: str, **variables: Any) -> dict[str, Any]:
            """Lose a file that was sent, before the job reads it."""
            if "startUploadJob" in document:
                lost = sa.select(uploads).where(uploads.c.file_name == "d")
                [row] = await site.services.database.rows(lost, UploadRecord)
                await site.services.store.delete([row.object_key])
            return await query(document, **variables)

        client.query = losing  # type: ignore[method-assign] # the client has no hook
        options = UploadOptions(leaf_folders_as_items=True)
        report = await upload_tree(client, [top], "/failing leaf", options)
    reason = "no bytes were uploaded, or the placeholder was removed while the job ran."
    assert report.failures == {"Top/two/c": f"d: {reason}", "Top/two/d": reason}
    assert arrivals(report) == {FileOutcome.SENT: 4, FileOutcome.FAILED: 2}


async def test_the_files_of_a_series_that_fails_are_named(site: Site, tmp_path: Path) -> None:
    top = tmp_path / "Top"
    for series, name in enumerate(("one", "two", "zoo")):
        (top / name).mkdir(parents=True)
        for number in (1, 2):
            slice_ = samples.dicom_file(series=series, instance_number=number)
            (top / name / f"{number}.dcm").write_bytes(slice_)
    (top / "two" / "2.dcm").write_bytes(b"no DICOM file")
    await site.folder("failing series")
    async with Client(site.url, site.keys["admin"]) as client:
        report = await upload_tree(client, [top], "/failing series", UploadOptions(dicom_series=True))
    reason = "expected a DICOM file, but the content is text/plain."
    assert report.failures == {"Top/two/1.dcm": f"2.dcm: {reason}", "Top/two/2.dcm": reason}
    assert arrivals(report) == {FileOutcome.SENT: 4, FileOutcome.FAILED: 2}
