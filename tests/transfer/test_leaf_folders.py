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
from tests.fixtures.transfers import arrivals, found, upload, write_files

pytestmark = pytest.mark.asyncio(loop_scope="module")

FOLDERS = {"": "StorageFolder", "/in": "FileItem", "/out": "StorageFolder", "/out/deep": "FileItem"}


async def test_the_files_of_a_leaf_that_fails_are_named(site: Site, tmp_path: Path) -> None:
    top = write_files(tmp_path / "Top", "one/a", "one/b", "two/c", "two/d", "zoo/e", "zoo/f")
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


@pytest.mark.parametrize("size", [2, 3, 1000])
async def test_leaves_are_told_from_other_folders_in_any_batch(site: Site, tmp_path: Path, size: int) -> None:
    """A folder whose files end a batch is none, although its directories come in the next."""
    files = ("1", "2", "3", "in/4", "in/5", "out/6", "out/7", "out/deep/8", "out/deep/9")
    top = write_files(tmp_path / "Top", *files)
    await site.folder(f"batches of {size}")
    options: dict[str, Any] = {"leaf_folders_as_items": True, "batch_size": size}
    await upload(site, top, f"batches of {size}", **options)
    kinds = {name: (await found(site, f"/batches of {size}/Top{name}"))["__typename"] for name in FOLDERS}
    assert kinds == FOLDERS
    assert await upload(site, top, f"batches of {size}", **options) == {FileOutcome.UNCHANGED: 9}


async def test_a_leaf_that_is_larger_than_a_batch_is_one_item(site: Site, tmp_path: Path) -> None:
    top = write_files(tmp_path / "Top", *(f"leaf/{number:02}" for number in range(30)))
    await site.folder("large leaf")
    options: dict[str, Any] = {"leaf_folders_as_items": True, "batch_size": 4}
    await upload(site, top, "large leaf", **options)
    item = await found(site, "/large leaf/Top/leaf")
    assert (await site.see("storageItem", item["uuid"], "bitstreams { totalCount }"))["bitstreams"] == {
        "totalCount": 30
    }
    assert await upload(site, top, "large leaf", **options) == {FileOutcome.UNCHANGED: 30}


async def test_an_item_is_left_alone_where_its_directory_comes_as_a_folder(site: Site, tmp_path: Path) -> None:
    """With what is there and what to do, for each of its files, and nothing of them is sent."""
    top = write_files(tmp_path / "Top", "a", "leaf/b", "leaf/c", "leaf/d", "other/in/e", "other/in/f")
    await site.folder("then without")
    await upload(site, top, "then without", leaf_folders_as_items=True)
    write_files(tmp_path / "Top", "g", "leaf/new", "leaf/sub/h")
    async with Client(site.url, site.keys["admin"]) as client:
        for dry_run in (True, False):
            options = UploadOptions(dry_run=dry_run)
            report = await upload_tree(client, [top], "/then without", options)
            names = ["leaf/b", "leaf/c", "leaf/d", "leaf/new", "leaf/sub/h", "other/in/e", "other/in/f"]
            assert sorted(report.failures) == [f"Top/{name}" for name in names]
            assert report.failures["Top/leaf/sub/h"] == (
                "The item Top/leaf is there, made of the files of a directory. Upload with "
                "--leaf-folders-as-items, or rename the item."
            )
            counts = {FileOutcome.TO_SEND if dry_run else FileOutcome.SENT: 1, FileOutcome.UNCHANGED: 1}
            assert arrivals(report) == {**counts, FileOutcome.FAILED: 7}
        assert client.requests_count < 20
    assert await found(site, "/then without/Top/leaf/sub") is None


async def test_a_folder_is_left_alone_where_its_directory_comes_as_an_item(site: Site, tmp_path: Path) -> None:
    many = [f"leaf/{number}" for number in range(30)]
    top = write_files(tmp_path / "Top", "a", *many)
    (top / "empty").mkdir()
    await site.folder("then with")
    await upload(site, top, "then with")
    write_files(top, "empty/e", "g")
    async with Client(site.url, site.keys["admin"]) as client:
        for dry_run in (True, False):
            options = UploadOptions(dry_run=dry_run, leaf_folders_as_items=True)
            report = await upload_tree(client, [top], "/then with", options)
            message = "The folder Top/leaf is there. Upload without --leaf-folders-as-items, or rename the folder."
            assert report.failures == {
                **{f"Top/{name}": message for name in many},
                "Top/empty/e": message.replace("leaf ", "empty "),
            }
        assert client.requests_count < 20


async def test_an_item_that_has_the_name_of_a_directory_is_left_alone(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    (tmp_path / "file" / "Top").write_text("a file")
    (tmp_path / "image").mkdir()
    (tmp_path / "image" / "Top").write_bytes(samples.png())
    top = write_files(tmp_path / "Top", "a", "b")
    for name, leaves in (("file", False), ("image", False), ("image", True)):
        await site.folder(f"item {name} {leaves}")
        await upload(site, tmp_path / name / "Top", f"item {name} {leaves}")
        async with Client(site.url, site.keys["admin"]) as client:
            for dry_run in (True, False):
                options = UploadOptions(dry_run=dry_run, leaf_folders_as_items=leaves)
                report = await upload_tree(client, [top], f"/item {name} {leaves}", options)
                message = "The item Top is there. Rename it, or the directory."
                assert report.failures == dict.fromkeys(["Top/a", "Top/b"], message)
