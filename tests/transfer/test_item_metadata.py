"""Metadata that is given for the items of a directory by their paths."""

from pathlib import Path
from typing import Any

import pytest

from gateway.transfer.events import FileOutcome
from gateway.transfer.site import Site as Client
from gateway.transfer.upload import UploadOptions, upload_tree
from tests.fixtures.sites import Site
from tests.fixtures.transfers import found, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_metadata_is_given_by_path(site: Site, tree: Path) -> None:
    await site.folder("with metadata")
    await upload(site, tree, "with metadata", metadata={"Scans/b.txt": {"seen": True}})
    item = await found(site, "/with metadata/Scans/b.txt")
    assert item["clientMetadata"] == {"seen": True}
    with pytest.raises(ValueError, match=r"Scans/x.txt, which is not uploaded"):
        await upload(site, tree, "with metadata", metadata={"Scans/x.txt": {}})


async def test_metadata_of_items_that_exist_is_replaced(site: Site, tree: Path) -> None:
    """Of unchanged and of changed files, if it differs; older revisions keep what they had."""
    await site.folder("other metadata")
    await upload(site, tree, "other metadata", metadata={"Scans/a.png": {"seen": 1}})
    (tree / "b.txt").write_bytes(b"changed")
    metadata = {"Scans/a.png": {"seen": 1}, "Scans/b.txt": {"seen": 2}, "Scans/inner/.hidden": {"seen": 3}}
    assert await upload(site, tree, "other metadata", metadata=metadata) == {
        FileOutcome.SENT: 1,
        FileOutcome.UNCHANGED: 6,
        FileOutcome.METADATA_CHANGED: 2,
    }
    for path, expected in metadata.items():
        assert (await found(site, f"/other metadata/{path}"))["clientMetadata"] == expected
    item = await found(site, "/other metadata/Scans/b.txt")
    shown = await site.see("storageItem", item["uuid"], "revision(number: 1) { metadata }")
    assert shown["revision"]["metadata"] == {}
    assert await upload(site, tree, "other metadata", metadata=metadata) == {FileOutcome.UNCHANGED: 7}


async def test_metadata_that_is_refused_is_listed(site: Site, tree: Path) -> None:
    await site.folder("refused metadata")
    await upload(site, tree, "refused metadata", leaf_folders_as_items=True)
    async with Client(site.url, site.keys["admin"]) as client:
        metadata = {"Scans/inner/deep": {"long": "x" * (300 << 10)}}
        options = UploadOptions(leaf_folders_as_items=True, metadata=metadata)
        report = await upload_tree(client, [tree], "/refused metadata", options)
    assert list(report.failures) == ["Scans/inner/deep"]
    assert report.failures["Scans/inner/deep"].startswith("Its metadata was refused: ")


async def test_metadata_of_a_leaf_folder_is_given_by_its_path(site: Site, tree: Path) -> None:
    await site.folder("leaf metadata")
    leaves: dict[str, Any] = {"leaf_folders_as_items": True}
    for number, counts in enumerate([{FileOutcome.SENT: 7}, {FileOutcome.UNCHANGED: 7}]):
        metadata = {"Scans/inner/deep": {"seen": number}, "Scans/b.txt": {"seen": 7}}
        sent = await upload(site, tree, "leaf metadata", metadata=metadata, **leaves)
        assert sent == {**counts, FileOutcome.METADATA_CHANGED: 1}
        for path, expected in metadata.items():
            assert (await found(site, f"/leaf metadata/{path}"))["clientMetadata"] == expected
    assert (await upload(site, tree, "leaf metadata", metadata=metadata, **leaves)) == {FileOutcome.UNCHANGED: 7}


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("Scans/inner/deep/c.bin", "becomes a file of the item Scans/inner/deep. Give metadata for Scans/inner/deep."),
        ("Scans/inner", "becomes a folder, not an item"),
        ("Scans/empty/nested", "becomes a folder, not an item"),
        ("Scans/no", "is not uploaded"),
    ],
)
async def test_metadata_of_what_is_no_item_is_refused(site: Site, tree: Path, path: str, sentence: str) -> None:
    """Before anything is sent."""
    folder = await site.folder("no item")
    with pytest.raises(ValueError, match=sentence):
        await upload(site, tree, "no item", leaf_folders_as_items=True, metadata={path: {}})
    shown = await site.see("storageFolder", folder, "descendantFolders { totalCount }")
    assert shown["descendantFolders"]["totalCount"] == 0
