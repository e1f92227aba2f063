"""Trees that are uploaded and downloaded again, on both databases and stores."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from gateway.media import samples
from gateway.transfer.download import DownloadOptions, download_tree
from gateway.transfer.events import FileOutcome, TransferEvent
from gateway.transfer.site import Site as Client
from gateway.transfer.site import SiteError
from gateway.transfer.upload import UploadOptions, upload_tree
from tests.fixtures.sites import Site
from tests.fixtures.transfers import arrivals, contents, download, found, upload

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_tree_comes_back_byte_for_byte(site: Site, tree: Path, tmp_path: Path) -> None:
    """MID-API-05, MID-API-12."""
    await site.folder("there and back")
    assert await upload(site, tree, "there and back") == {FileOutcome.SENT: 7}
    await download(site, "/there and back/Scans", tmp_path / "back")
    expected = {name.replace("\\", "_"): content for name, content in contents(tree).items()}
    assert contents(tmp_path / "back" / "Scans") == expected
    again = await download(site, "/there and back/Scans", tmp_path / "back")
    assert again[FileOutcome.UNCHANGED] == 7
    assert again[FileOutcome.FETCHED] == 0


async def test_unchanged_files_are_not_sent_again(site: Site, tree: Path) -> None:
    """MID-API-09, SUB-120, SUB-121: names that exist are reused, and a changed file becomes a revision."""
    await site.folder("twice")
    await upload(site, tree, "twice")
    assert await upload(site, tree, "twice") == {FileOutcome.UNCHANGED: 7}
    (tree / "b.txt").write_bytes(b"changed")
    assert await upload(site, tree, "twice") == {FileOutcome.UNCHANGED: 6, FileOutcome.SENT: 1}
    item = await found(site, "/twice/Scans/b.txt")
    assert item["revisionNumber"] == 2
    assert (await site.client.get(item["signedUrl"]["url"])).content == b"changed"


async def test_a_revision_can_be_downloaded(site: Site, tree: Path, tmp_path: Path) -> None:
    await site.folder("revisions")
    await upload(site, tree, "revisions")
    (tree / "b.txt").write_bytes(b"second")
    await upload(site, tree, "revisions")
    for revision, content in ((1, b"text"), (2, b"second"), (None, b"second")):
        directory = tmp_path / str(revision)
        await download(site, "/revisions/Scans/b.txt", directory, revision=revision)
        assert contents(directory) == {"b.txt": content}
    with pytest.raises(SiteError, match="no revision 3"):
        await download(site, "/revisions/Scans/b.txt", tmp_path / "3", revision=3)


async def test_leaf_folders_become_items(site: Site, tree: Path, tmp_path: Path) -> None:
    """MID-API-08, MID-API-11, SUB-122: an empty directory stays a folder."""
    await site.folder("leaves")
    await upload(site, tree / "inner", "leaves", leaf_folders_as_items=True)
    document = """{ resourceByPath(path: "/leaves/inner/deep") {
      ... on StorageItem { itemType bitstreams { nodes { name } } } } }"""
    assert (await site.ask(document))["resourceByPath"] == {
        "itemType": "FILE",
        "bitstreams": {"nodes": [{"name": "c.bin"}]},
    }
    await upload(site, tree / "empty", "leaves", leaf_folders_as_items=True)
    assert (await site.ask('{ resourceByPath(path: "/leaves/empty/nested") { __typename } }'))["resourceByPath"] == {
        "__typename": "StorageFolder"
    }
    (tree / "inner" / "deep" / "second.bin").write_bytes(b"second")
    await upload(site, tree / "inner", "leaves", leaf_folders_as_items=True)
    await download(site, "/leaves/inner", tmp_path / "leaves")
    deep = contents(tmp_path / "leaves" / "inner")
    assert deep["deep/second.bin"] == b"second"
    assert deep["deep/c.bin"] == (tree / "inner" / "deep" / "c.bin").read_bytes()


async def test_a_leaf_of_one_file_comes_back_as_a_directory(site: Site, tmp_path: Path) -> None:
    """Whatever the item is called by then, and whether it is fetched with its folder or alone."""
    top = tmp_path / "lf" / "top"
    for name in ("a.txt", "sub/c.txt", "same/same"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text(name)
    await site.folder("one-file leaves")
    await upload(site, top, "one-file leaves", leaf_folders_as_items=True)
    counts = await download(site, "/one-file leaves/top", tmp_path / "back")
    assert counts == {FileOutcome.FETCHED: 3}
    assert contents(tmp_path / "back" / "top") == contents(top)
    again = await download(site, "/one-file leaves/top", tmp_path / "back")
    assert again == {FileOutcome.UNCHANGED: 3}
    for revision in (None, 1):
        await download(site, "/one-file leaves/top/sub", tmp_path / f"alone {revision}", revision=revision)
        assert contents(tmp_path / f"alone {revision}") == {"sub": None, "sub/c.txt": b"sub/c.txt"}


async def test_a_renamed_file_comes_back_by_its_new_name(site: Site, tree: Path, tmp_path: Path) -> None:
    """Also one with revisions, whose newest file keeps the name that it was sent with."""
    await site.folder("renamed files")
    for name in ("a.png", "b.txt", "none.bin"):
        await upload(site, tree / name, "renamed files")
    (tree / "none.bin").write_bytes(b"second")
    await upload(site, tree / "none.bin", "renamed files")
    for name, new in (("b.txt", "new.txt"), ("none.bin", "new.bin")):
        item = await found(site, f"/renamed files/{name}")
        await site.done("updateStorageItem", {"itemUuid": item["uuid"], "name": new}, "item { uuid }")
    await download(site, "/renamed files", tmp_path / "back")
    expected = {"a.png": samples.png(8, 8), "new.bin": b"second", "new.txt": b"text"}
    assert contents(tmp_path / "back" / "renamed files") == expected


async def test_a_leaf_that_is_refused_leaves_others_alone(site: Site, tmp_path: Path) -> None:
    """What is above it is no leaf, although nothing else is left there."""
    (tmp_path / "top" / "leaf").mkdir(parents=True)
    (tmp_path / "top" / "leaf" / "a").write_text("a")
    (tmp_path / "top" / "b").write_text("b")
    await site.folder("refused leaf")
    await upload(site, tmp_path / "top", "refused leaf")
    async with Client(site.url, site.keys["admin"]) as client:
        options = UploadOptions(leaf_folders_as_items=True)
        report = await upload_tree(client, [tmp_path / "top"], "/refused leaf", options)
    assert list(report.failures) == ["top/leaf/a"]
    assert report.counts[FileOutcome.UNCHANGED] == 1


async def test_a_link_in_the_way_fails_with_a_sentence(site: Site, tree: Path, tmp_path: Path) -> None:
    await site.folder("behind a link")
    await upload(site, tree, "behind a link")
    (tmp_path / "back").mkdir()
    (tmp_path / "back" / "Scans").symlink_to(tree)
    async with Client(site.url, site.keys["admin"]) as client:
        report = await download_tree(client, "/behind a link/Scans", tmp_path / "back")
    assert list(report.failures) == ["Scans"]
    assert report.failures["Scans"].endswith("is a symbolic link.")


async def test_nothing_is_written_for_a_folder_behind_a_link(site: Site, tree: Path, tmp_path: Path) -> None:
    """All files below it fail, and the others arrive."""
    await site.folder("inner link")
    await upload(site, tree, "inner link")
    (tmp_path / "elsewhere").mkdir()
    back = tmp_path / "back" / "Scans"
    back.mkdir(parents=True)
    (back / "inner").symlink_to(tmp_path / "elsewhere")
    async with Client(site.url, site.keys["admin"]) as client:
        report = await download_tree(client, "/inner link/Scans", tmp_path / "back")
    assert set(report.failures) == {
        *("Scans/inner", "Scans/inner/deep", "Scans/inner/deep/c.bin"),
        *("Scans/inner/ä ö.txt", "Scans/inner/back\\slash.txt", "Scans/inner/.hidden"),
    }
    assert all(reason.endswith("is a symbolic link.") for reason in report.failures.values())
    assert sorted(path.name for path in back.iterdir()) == ["a.png", "b.txt", "empty", "inner", "none.bin"]
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("overwrite", [False, True])
async def test_a_directory_is_not_replaced_by_a_file(site: Site, tree: Path, tmp_path: Path, overwrite: bool) -> None:
    await site.folder(f"directory in the way {overwrite}")
    await upload(site, tree / "b.txt", f"directory in the way {overwrite}")
    (tmp_path / "back" / "b.txt").mkdir(parents=True)
    async with Client(site.url, site.keys["admin"]) as client:
        path, options = f"/directory in the way {overwrite}/b.txt", DownloadOptions(overwrite=overwrite)
        report = await download_tree(client, path, tmp_path / "back", options)
    assert report.failures == {"b.txt": "There is a directory of that name. Move it away, and run this again."}
    assert contents(tmp_path / "back") == {"b.txt": None}


async def test_few_requests_send_many_files(site: Site, tmp_path: Path) -> None:
    """At most 4 for 1,000 files, without those that watch the job."""
    top = tmp_path / "many"
    top.mkdir()
    for number in range(300):
        (top / f"{number}.txt").write_text(str(number))
    await site.folder("few requests")
    polls = 0
    async with Client(site.url, site.keys["admin"]) as client:
        query = client.query

        async def counting(document: str, **variables: Any) -> dict[str, Any]:
            nonlocal polls
            polls += "uploadJob(uuid" in document
            return await query(document, **variables)

        client.query = counting  # type: ignore[method-assign] # the client has no hook
        report = await upload_tree(client, [top], "/few requests")
        assert arrivals(report) == {FileOutcome.SENT: 300}
        assert client.requests_count - polls == 3


async def test_excluded_directories_make_no_folders(site: Site, tree: Path) -> None:
    await site.folder("excluding")
    events: list[TransferEvent] = []
    async with Client(site.url, site.keys["admin"]) as client:
        options = UploadOptions(exclude=("*.bin", ".hidden", "inner/*", "*.txt"))
        await upload_tree(client, [tree], "/excluding", options, events.append)
    assert await found(site, "/excluding/Scans/inner") is None
    assert (await found(site, "/excluding/Scans/empty/nested"))["__typename"] == "StorageFolder"
    assert max(event.total_files or 0 for event in events) == 1


async def test_an_unknown_destination_is_an_error(site: Site, tree: Path) -> None:
    """SUB-123, SUB-124: nothing goes to another folder instead."""
    with pytest.raises(SiteError, match="no folder or item /nowhere"):
        await upload(site, tree, "nowhere")
    await site.folder("has a file")
    await upload(site, tree / "b.txt", "has a file")
    with pytest.raises(SiteError, match="is not a folder"):
        await upload(site, tree, "has a file/b.txt")


async def test_a_dry_run_changes_nothing(site: Site, tree: Path, tmp_path: Path) -> None:
    await site.folder("dry")
    assert await upload(site, tree, "dry", dry_run=True) == {FileOutcome.TO_SEND: 7}
    assert await found(site, "/dry/Scans") is None
    await upload(site, tree, "dry")
    counts = await download(site, "/dry/Scans", tmp_path / "dry", dry_run=True)
    assert counts == {FileOutcome.TO_FETCH: 7, FileOutcome.RENAMED: 1}
    assert not (tmp_path / "dry").exists()


@pytest.mark.parametrize("leaves", [False, True])
async def test_a_dry_run_tells_what_would_be_sent(site: Site, tree: Path, leaves: bool) -> None:
    """By the size and SHA-256 of the items that are there."""
    options: dict[str, Any] = {"leaf_folders_as_items": leaves}
    await site.folder(f"dry again {leaves}")
    await upload(site, tree, f"dry again {leaves}", **options)
    await upload(site, tree / "b.txt", f"dry again {leaves}", **options)
    options["dry_run"] = True
    assert await upload(site, tree, f"dry again {leaves}", **options) == {FileOutcome.UNCHANGED: 7}
    assert await upload(site, tree / "b.txt", f"dry again {leaves}", **options) == {FileOutcome.UNCHANGED: 1}
    (tree / "b.txt").write_bytes(b"new")
    (tree / "inner" / "deep" / "c.bin").write_bytes(b"new")
    counts = {FileOutcome.UNCHANGED: 5, FileOutcome.TO_SEND: 2}
    assert await upload(site, tree, f"dry again {leaves}", **options) == counts
    options["allow_duplicates"] = True
    assert await upload(site, tree, f"dry again {leaves}", **options) == {FileOutcome.TO_SEND: 7}


@pytest.mark.parametrize("overwrite", [False, True])
async def test_a_dry_run_tells_what_would_be_fetched(site: Site, tree: Path, tmp_path: Path, overwrite: bool) -> None:
    """By the bytes that are there; and what would fail."""
    name = f"dry download {overwrite}"
    await site.folder(name)
    await upload(site, tree, name)
    await download(site, f"/{name}/Scans", tmp_path)
    (tmp_path / "Scans" / "b.txt").unlink()
    (tmp_path / "Scans" / "a.png").write_bytes(b"mine")
    before = contents(tmp_path / "Scans")
    events: list[TransferEvent] = []
    async with Client(site.url, site.keys["admin"]) as client:
        options = DownloadOptions(dry_run=True, overwrite=overwrite)
        report = await download_tree(client, f"/{name}/Scans", tmp_path, options, events.append)
    to_fetch = {"Scans/b.txt", "Scans/a.png"} if overwrite else {"Scans/b.txt"}
    assert {event.path for event in events if event.outcome is FileOutcome.TO_FETCH} == to_fetch
    assert report.counts[FileOutcome.UNCHANGED] == 5
    assert list(report.failures) == ([] if overwrite else ["Scans/a.png"])
    assert contents(tmp_path / "Scans") == before


async def test_what_cannot_be_sent_is_listed_and_the_rest_is_sent(site: Site, tree: Path) -> None:
    (tree / ("x" * 200 + "\x07.txt")).write_text("a name that the site refuses")
    (tree / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"cut")
    shutil.copy(tree / "b.txt", tree / "unreadable")
    await site.folder("some fail")
    events: list[TransferEvent] = []
    async with Client(site.url, site.keys["admin"]) as client:
        report = await upload_tree(client, [tree], "/some fail", tell=events.append)
    assert arrivals(report)[FileOutcome.SENT] == 8
    assert len(report.failures) == report.counts[FileOutcome.FAILED]
    assert sorted(Path(name).name[-4:] for name in report.failures) == [".png", ".txt"]


async def test_a_file_that_changes_while_it_is_sent_fails(site: Site, tree: Path) -> None:
    def change(event: TransferEvent) -> None:
        if event.total_files:  # its digest has been read, and its bytes have not been sent
            (tree / "b.txt").write_bytes(b"after")

    (tree / "b.txt").write_bytes(b"first")
    await site.folder("changing")
    async with Client(site.url, site.keys["admin"]) as client:
        report = await upload_tree(client, [tree], "/changing", tell=change)
    assert report.failures == {"Scans/b.txt": "It changed while it was sent. Run the command again."}
    assert arrivals(report)[FileOutcome.SENT] == 6
    assert await upload(site, tree, "changing") == {FileOutcome.UNCHANGED: 6, FileOutcome.SENT: 1}


async def test_local_files_are_replaced_only_if_that_is_wanted(site: Site, tree: Path, tmp_path: Path) -> None:
    await site.folder("local")
    await upload(site, tree / "b.txt", "local")
    (tmp_path / "b.txt").write_text("mine")
    async with Client(site.url, site.keys["admin"]) as client:
        report = await download_tree(client, "/local/b.txt", tmp_path)
    assert list(report.failures) == ["b.txt"]
    assert (tmp_path / "b.txt").read_text() == "mine"
    await download(site, "/local/b.txt", tmp_path, overwrite=True)
    assert (tmp_path / "b.txt").read_text() == "text"


async def test_equal_files_of_a_directory_arrive(site: Site, tmp_path: Path) -> None:
    """Fetched at the same time, none of them is in the way of another."""
    top = tmp_path / "equal"
    top.mkdir()
    for number in range(12):
        (top / f"{number}.bin").write_bytes(b"equal" * 500_000)
        (top / f"{number}.empty").write_bytes(b"")
    await site.folder("equal files")
    await upload(site, top, "equal files")
    await download(site, "/equal files/equal", tmp_path / "back")
    assert contents(tmp_path / "back" / "equal") == contents(top)
