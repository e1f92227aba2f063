"""Which files of items an archive and a manifest have, and downloads that last while rights change."""

import asyncio
import secrets
from contextlib import suppress

import httpx
import pytest
import sqlalchemy as sa

from gateway.archives import reading
from gateway.dicomweb.stored_files import StoredFile
from gateway.models.items import stored_objects
from gateway.zips.index import ArchiveIndex
from tests.api.test_identity import mask
from tests.fixtures.archives import ERRORS, URL, archive_site, archive_url, contents, fetch, files_in
from tests.fixtures.items import upload_items
from tests.fixtures.revisions import add_files, empty_item, revise
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File

__all__ = ["archive_site"]
pytestmark = pytest.mark.asyncio(loop_scope="module")
MANIFEST = """
query($u: UUID!, $first: Int, $after: String) { storageFolder(uuid: $u) {
  downloadManifest(first: $first, after: $after) { nodes { path fileSize } pageInfo { endCursor hasNextPage } }
} }
"""


@pytest.fixture
def site(archive_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return archive_site


def text(name: str, content: str) -> File:
    return File(name, "FILE", content.encode())


async def manifest(site: Site, folder: str, size: int) -> list[str]:
    """Return the paths of a manifest, read in pages of a size."""
    paths: list[str] = []
    after = None
    while True:
        data = await site.ask(MANIFEST, {"u": folder, "first": size, "after": after})
        page = data["storageFolder"]["downloadManifest"]
        paths += [node["path"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return paths


async def test_an_item_of_several_files_is_a_directory(site: Site) -> None:
    """Of the newest revision, wherever a page of a manifest ends; items without files are left out."""
    top = await site.folder("several")
    await upload_items(site, top, [text("a.txt", "several a"), text("z.txt", "several z")])
    item = await empty_item(site, top, "many")
    await empty_item(site, top, "nothing")
    job = await add_files(site, top, item, [text(f"{number}.txt", f"old {number}") for number in range(3)])
    assert job["errors"] == []
    job = await revise(site, top, item, [text(f"{number}.txt", f"new {number}") for number in range(4)])
    assert job["errors"] == []
    several = {f"{number}.txt": f"new {number}".encode() for number in range(4)}
    expected = {
        "a.txt": b"several a",
        **{f"many/{name}": data for name, data in several.items()},
        "z.txt": b"several z",
    }
    assert await files_in(site, "storageFolder", top) == expected
    assert await files_in(site, "storageItem", item) == several
    for size in (1, 2, 3, 5, 100):
        assert await manifest(site, top, size) == list(expected)


async def test_items_without_files_have_no_archive(site: Site) -> None:
    top = await site.folder("without")
    seen = await site.see("storageItem", await empty_item(site, top), URL)
    assert (seen["downloadUrl"], seen["downloadUrlUnavailableReason"]) == (None, "NO_FILES")
    assert await files_in(site, "storageFolder", top) == {}


async def test_shared_items_are_in_the_archive(site: Site) -> None:
    """Of the folder that they are shared into, for those who do not see their home."""
    home, top = await site.folder("home"), await site.folder("shared into")
    uuids = await upload_items(site, home, [text("shared.txt", "shared into")])
    await site.done("shareStorageItems", {"itemUuids": uuids, "folderUuid": top}, "folder { uuid }")
    group = await site.group("readers")
    reader = await site.newcomer(group)
    await site.grant(top, group, "VIEWER")
    assert await files_in(site, "storageFolder", top, reader) == {"shared.txt": b"shared into"}
    url = await archive_url(site, "storageFolder", top, reader)
    await site.done("unshareStorageItems", {"itemUuids": uuids, "folderUuid": top}, "folder { uuid }")
    assert contents((await fetch(site, url)).content) == {}


async def test_files_seen_by_a_masked_folder_alone_are_listed_as_errors(site: Site) -> None:
    """Their home is not masked, but the reader does not see it."""
    home, top = await site.folder("open home"), await site.folder("masked place")
    uuids = await upload_items(site, home, [text("shared.txt", "masked place")])
    await site.done("shareStorageItems", {"itemUuids": uuids, "folderUuid": top}, "folder { uuid }")
    await mask(site, top)
    group = await site.group("masked readers")
    reader = await site.newcomer(group)
    await site.grant(top, group, "VIEWER")
    files = await files_in(site, "storageFolder", top, reader)
    assert files == {ERRORS: b"shared.txt: the folder is masked, and you have no `seesPhi` there\n"}
    assert await files_in(site, "storageFolder", top) == {"shared.txt": b"masked place"}


@pytest.mark.parametrize("is_known", [True, False])
async def test_rights_that_end_meanwhile_end_a_download(
    site: Site, monkeypatch: pytest.MonkeyPatch, is_known: bool
) -> None:
    """What is not yet sent stays unsent: a known archive breaks off, another lists the file."""
    monkeypatch.setattr(reading, "FRESH_SECONDS", 0.0)
    top = await site.folder("meanwhile")
    inner = await site.folder("inner", top)
    data = [secrets.token_bytes(40 << 20), b"in the inner folder"]
    await upload_items(site, top, [File("large.bin", "FILE", data[0])])
    await upload_items(site, inner, [File("small.bin", "FILE", data[1])])
    if not is_known:
        async with site.services.database.writing() as transaction:
            await transaction.execute(sa.update(stored_objects).values(crc32=None))
    group = await site.group("leaving")
    who = await site.newcomer(group)
    await site.grant(top, group, "VIEWER")
    url = await archive_url(site, "storageFolder", top, who)
    received = b""
    async with httpx.AsyncClient(timeout=30) as client:
        with suppress(httpx.RemoteProtocolError):
            async with client.stream("GET", url) as response:
                async for chunk in response.aiter_raw():
                    if not received:
                        taken = {"folderUuid": top, "groupUuids": [group]}
                        await site.done("removeStorageFolderGroups", taken, "folder { uuid }")
                    received += chunk
    assert data[1] not in received
    assert len(received) < 40 << 20
    assert (ERRORS.encode() in received) is not is_known


async def test_clients_that_leave_free_everything(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their temporary files are closed."""
    opened: list[ArchiveIndex] = []
    whole = ArchiveIndex.__init__

    def noting(self: ArchiveIndex) -> None:
        whole(self)
        opened.append(self)

    monkeypatch.setattr(ArchiveIndex, "__init__", noting)
    top = await site.folder("leaving")
    await upload_items(site, top, [File("large.bin", "FILE", secrets.token_bytes(24 << 20))])
    url = await archive_url(site, "storageFolder", top)
    async with httpx.AsyncClient(timeout=30) as client:
        response = await client.send(client.build_request("GET", url), stream=True)
        assert response.status_code == 200
        [index] = opened
        assert not index._file.closed
        await response.aclose()
    async with asyncio.timeout(20):
        while not index._file.closed:
            await asyncio.sleep(0.05)


async def test_small_files_are_read_ahead(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several at a time, past empty and large ones; the archive is the same, whole and in parts."""
    top = await site.folder("ahead")
    sizes = [0, 5, 0, 7, 3_000_000, 11, *range(1, 30), 2_000_000, 0, 13]
    files = {f"{number:02}.bin": secrets.token_bytes(size) for number, size in enumerate(sizes)}
    await upload_items(site, top, [File(name, "FILE", data) for name, data in files.items()])
    underway: list[int] = []
    whole = StoredFile.read

    async def noting(self: StoredFile, start: int, stop: int) -> bytes:
        underway.append(1)
        noted.append(len(underway))
        try:
            await asyncio.sleep(0.01)
            return await whole(self, start, stop)
        finally:
            underway.pop()

    noted: list[int] = []
    monkeypatch.setattr(StoredFile, "read", noting)
    url = await archive_url(site, "storageFolder", top)
    data = (await fetch(site, url)).content
    assert contents(data) == files
    assert 4 < max(noted) <= reading.AHEAD + 2
    assert len(noted) == sum(1 for size in sizes if size) + 2 + 1, "each chunk is read once"
    for start in range(0, len(data), len(data) // 12):
        part = await fetch(site, url, Range=f"bytes={start}-{start + 99}")
        assert part.content == data[start : start + 100]
