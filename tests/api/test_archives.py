"""Archives of folders, items, collections and studies, made as they are sent."""

import asyncio
import secrets
from contextlib import suppress
from itertools import pairwise

import httpx
import pytest
import sqlalchemy as sa

from tests.api.test_identity import mask, without_phi
from tests.fixtures.archives import ERRORS, URL, archive_site, archive_url, contents, error_of, fetch, files_in
from tests.fixtures.dicom_web import dicom, put
from tests.fixtures.items import upload_items
from tests.fixtures.revisions import add_files, empty_item, files_of, revise
from tests.fixtures.sites import Site, fresh_settings, serve_site
from tests.fixtures.uploading import File

__all__ = ["archive_site"]
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def site(archive_site: Site) -> Site:
    """Site shared by the module; tests use separate objects."""
    return archive_site


def text(name: str, content: str) -> File:
    return File(name, "FILE", content.encode())


async def tree(site: Site, name: str) -> str:
    """Create a folder with files in it and below it."""
    top = await site.folder(name)
    below = await site.folder("be/low", top)
    await site.folder("empty", top)
    await upload_items(site, top, [text("a.txt", f"{name} a"), text("B.bin", name * 5000)])
    await upload_items(site, below, [text("a.txt", f"{name} below"), text("con", f"{name} con")])
    return top


def expected(name: str) -> dict[str, bytes]:
    """Return what the archive of a tree holds."""
    return {
        "a.txt": f"{name} a".encode(),
        "B.bin": (name * 5000).encode(),
        "be_low/": b"",
        "be_low/a.txt": f"{name} below".encode(),
        "be_low/_con": f"{name} con".encode(),
        "empty/": b"",
    }


async def test_a_folder_is_an_archive_with_its_structure(site: Site) -> None:
    """Inventory: MID-SRV-16."""
    top = await tree(site, "structure")
    seen = await site.see("storageFolder", top, URL)
    assert (seen["downloadUrl"]["method"], seen["downloadUrl"]["headers"]) == ("GET", {})
    response = await fetch(site, seen["downloadUrl"]["url"])
    assert contents(response.content) == expected("structure")
    assert response.headers["content-type"] == "application/zip"
    assert 'filename="structure.zip"' in response.headers["content-disposition"]
    assert int(response.headers["content-length"]) == len(response.content)
    assert response.headers["accept-ranges"] == "bytes"


async def test_a_download_that_is_cut_goes_on(site: Site) -> None:
    """At ten random places: the parts are the whole, which has the announced length."""
    url = await archive_url(site, "storageFolder", await tree(site, "cut"))
    whole = await fetch(site, url)
    tag, size = whole.headers["etag"], len(whole.content)
    assert not tag.startswith("W/")
    cuts = sorted(secrets.randbelow(size - 2) + 1 for _ in range(10))
    parts = b""
    for start, stop in pairwise([0, *cuts, size]):
        part = await fetch(site, url, Range=f"bytes={start}-", If_Range=tag)
        assert (part.status_code, part.headers["etag"]) == (206, tag)
        assert part.headers["content-range"] == f"bytes {start}-{size - 1}/{size}"
        assert part.content == whole.content[start:]
        parts += part.content[: stop - start]
    assert parts == whole.content
    for given, status, wanted in (
        ("bytes=5-9", 206, whole.content[5:10]),
        ("bytes=-7", 206, whole.content[-7:]),
        (f"bytes={size}-", 416, b""),
        ("bytes=9-5", 200, whole.content),
        ("bytes=0-1,4-5", 200, whole.content),
    ):
        part = await fetch(site, url, Range=given)
        assert (part.status_code, part.content) == (status, wanted), given
    head = await site.client.head(url)
    assert (head.headers["content-length"], head.headers["etag"], head.content) == (str(size), tag, b"")
    assert (await fetch(site, url, If_None_Match=tag)).status_code == 304


async def test_a_changed_tree_is_sent_anew(site: Site) -> None:
    """What goes on with an old ETag gets the whole new archive."""
    top = await tree(site, "changed")
    url = await archive_url(site, "storageFolder", top)
    tag = (await fetch(site, url)).headers["etag"]
    await upload_items(site, top, [text("c.txt", "changed c")])
    again = await fetch(site, url, Range="bytes=10-", If_Range=tag)
    assert (again.status_code, again.headers["etag"] != tag) == (200, True)
    assert contents(again.content) == {**expected("changed"), "c.txt": b"changed c"}


async def test_unknown_checksums_are_made_as_it_is_sent(site: Site) -> None:
    """The archive then has no length and no ranges."""
    top = await tree(site, "unknown")
    async with site.services.database.writing() as transaction:
        size = len("unknown") * 5000
        await transaction.execute(
            sa.text("UPDATE stored_objects SET crc32 = NULL WHERE file_size = :size"), [{"size": size}]
        )
    url = await archive_url(site, "storageFolder", top)
    response = await fetch(site, url, Range="bytes=5-")
    assert (response.status_code, contents(response.content)) == (200, expected("unknown"))
    assert "content-length" not in response.headers
    assert response.headers["accept-ranges"] == "none"


async def test_larger_trees_are_streamed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a number of entries on, an archive is not listed beforehand."""
    monkeypatch.setattr("gateway.archives.endpoint.MAX_SEALED", 2)
    url = await archive_url(site, "storageFolder", await tree(site, "large"))
    response = await fetch(site, url)
    assert (contents(response.content), "content-length" in response.headers) == (expected("large"), False)


async def test_rights_are_checked_when_it_is_used(site: Site) -> None:
    """A URL shows what its viewer sees then: less if folders were hidden since, nothing without any."""
    top = await tree(site, "revoked")
    private = await site.folder("private", top)
    await upload_items(site, private, [text("secret.txt", "revoked secret")])
    group = await site.group("revoked")
    who = await site.newcomer(group)
    await site.grant(private, group, "VIEWER")
    for folder, visibility in ((top, "PUBLIC"), (private, "PRIVATE")):
        wanted = {"folderUuid": folder, "visibility": visibility}
        await site.done("setStorageFolderVisibility", wanted, "folder { uuid }")
    url = await archive_url(site, "storageFolder", top, who)
    both = {**expected("revoked"), "private/": b"", "private/secret.txt": b"revoked secret"}
    assert contents((await fetch(site, url)).content) == both
    taken = {"folderUuid": private, "groupUuids": [group]}
    await site.done("removeStorageFolderGroups", taken, "folder { uuid }")
    assert contents((await fetch(site, url)).content) == expected("revoked")
    hidden = {"folderUuid": top, "visibility": "PRIVATE"}
    await site.done("setStorageFolderVisibility", hidden, "folder { uuid }")
    assert error_of(await fetch(site, url)) == (404, "NOT_FOUND")


async def test_it_ends_with_the_key_that_requested_it(site: Site) -> None:
    top = await tree(site, "key")
    made = await site.done("createApiKey", {"name": "short"}, "token apiKey { uuid }")
    site.keys["short"] = made["token"]
    url = await archive_url(site, "storageFolder", top, "short")
    assert (await fetch(site, url)).status_code == 200
    await site.done("revokeApiKey", {"apiKeyUuid": made["apiKey"]["uuid"]}, "apiKey { uuid }")
    async with asyncio.timeout(10):
        while True:
            with suppress(httpx.RemoteProtocolError):  # it ended meanwhile
                if (response := await fetch(site, url)).status_code != 200:
                    break
    assert error_of(response) in [(403, "FORBIDDEN"), (401, "UNAUTHENTICATED")]
    assert error_of(await fetch(site, url)) == (403, "FORBIDDEN")


async def test_urls_stand_for_what_was_signed(site: Site) -> None:
    """Another object, name or credential has another signature."""
    top, other = await tree(site, "signed"), await site.folder("other")
    url = await archive_url(site, "storageFolder", top)
    for forged in (
        url.replace(top.replace("-", ""), other.replace("-", "")),
        url.replace("name=signed", "name=forged"),
        url.replace("holder=key.", "holder=user."),
        url.split("&signature")[0],
        url.replace("/folder/", "/item/"),
    ):
        assert forged != url
        assert error_of(await fetch(site, forged)) == (403, "FORBIDDEN"), forged
    assert error_of(await fetch(site, url.replace("/folder/", "/nothing/"))) == (404, "NOT_FOUND")


async def test_a_link_alone_has_no_archive(site: Site) -> None:
    """`signedUrl` gives it. Once there is a file besides, the archive has that, and says what the link is."""
    top = await site.folder("links")
    link = {"folderUuid": top, "url": "https://files.example/a.bin"}
    item = (await site.done("createLinkItem", link, "item { uuid }"))["item"]["uuid"]
    seen = await site.see("storageItem", item, f"{URL} signedUrl {{ url }}")
    assert (seen["downloadUrl"], seen["downloadUrlUnavailableReason"]) == (None, "LINK")
    assert seen["signedUrl"]["url"] == link["url"]
    await add_files(site, top, item, [text("b.bin", "beside a link")])
    files = await files_in(site, "storageItem", item)
    assert files == {"b.bin": b"beside a link", ERRORS: b"a.bin: the file is a link to https://files.example/a.bin\n"}
    [beside] = [file["uuid"] for file in await files_of(site, item) if file["name"] == "b.bin"]
    await site.done("deleteBitstreams", {"itemUuid": item, "bitstreamUuids": [beside]}, "item { uuid }")
    assert (await site.see("storageItem", item, URL))["downloadUrlUnavailableReason"] == "LINK"


async def test_masked_files_are_listed_as_errors(site: Site) -> None:
    """Without `seesPhi`, no byte of a masked folder is in the archive, but all others are."""
    top = await tree(site, "masked")
    ward = await site.folder("ward", top)
    uuids = await upload_items(site, ward, [text("scan.dcm", "identity")])
    await mask(site, ward)
    who = await without_phi(site, "admin")
    files = await files_in(site, "storageFolder", top, who)
    report = files.pop(ERRORS).decode()
    assert report == "ward/scan.dcm: the folder is masked, and you have no `seesPhi` there\n"
    assert files == {**expected("masked"), "ward/": b""}
    assert (await files_in(site, "storageFolder", top))["ward/scan.dcm"] == b"identity"
    seen = await site.see("storageItem", uuids[0], URL, who)
    assert (seen["downloadUrl"], seen["downloadUrlUnavailableReason"]) == (None, "PHI_RESTRICTED")


async def test_a_file_named_like_the_report_gives_way(site: Site) -> None:
    top = await site.folder("reports")
    await upload_items(site, top, [text("errors.TXT", "not a report"), text("x", "x of reports")])
    assert await files_in(site, "storageFolder", top) == {"errors (1).TXT": b"not a report", "x": b"x of reports"}


async def test_lost_bytes_break_it_off_or_are_listed(site: Site) -> None:
    """A known archive cannot leave out a file; one that is streamed lists it."""
    top = await site.folder("lost")
    await upload_items(site, top, [text("gone.txt", "bytes that go"), text("good.txt", "bytes that stay")])
    rows = await site.services.database.rows(
        sa.text("SELECT key FROM stored_objects WHERE file_size = :size").bindparams(size=len("bytes that go")), sa.Row
    )
    await site.services.store.delete([row.key for row in rows])
    url = await archive_url(site, "storageFolder", top)
    with pytest.raises(httpx.RemoteProtocolError):
        await fetch(site, url)
    async with site.services.database.writing() as transaction:
        await transaction.execute(sa.text("UPDATE stored_objects SET crc32 = NULL"))
    files = contents((await fetch(site, url)).content)
    assert files.pop(ERRORS).decode().startswith("gone.txt: ")
    assert files == {"good.txt": b"bytes that stay"}


async def test_groups_collections_and_single_files(site: Site) -> None:
    """A group has its members, a collection its items with a directory for each group."""
    top = await site.folder("kinds")
    first, second = await upload_items(site, top, [text("1.txt", "kinds 1"), text("2.txt", "kinds 2")])
    wanted = [{"grid": {"name": "pair", "layoutContents": [second, first]}}]
    made = await site.done("createDataGroups", {"folderUuid": top, "groups": wanted}, "results { item { uuid } }")
    group = made["results"][0]["item"]["uuid"]
    pair = {"2.txt": b"kinds 2", "1.txt": b"kinds 1"}
    assert await files_in(site, "storageItem", group) == pair
    assert await files_in(site, "storageItem", first) == {"1.txt": b"kinds 1"}
    created = {"topLevelFolderUuid": top, "name": "picked"}
    collection = (await site.done("createCollection", created, "collection { uuid }"))["collection"]["uuid"]
    added = {"collectionUuid": collection, "itemUuids": [first, group]}
    await site.done("addCollectionItems", added, "collection { uuid }")
    assert await files_in(site, "collection", collection) == {
        "1.txt": b"kinds 1",
        "pair/2.txt": b"kinds 2",
        "pair/1.txt": b"kinds 1",
    }


async def test_an_item_that_began_without_a_file_is_a_directory(site: Site) -> None:
    """Manifests agree with archives. Others stay files, by the names of their items, whatever those of the files."""
    top = await site.folder("began")
    place, other = await empty_item(site, top, "place"), await empty_item(site, top, "same")
    await add_files(site, top, place, [text("c.txt", "began c")])
    await add_files(site, top, other, [text("same", "began same")])
    [file] = await upload_items(site, top, [text("a.txt", "began a")])
    await revise(site, top, file, [text("second.txt", "began second")])
    await site.done("duplicateStorageItem", {"itemUuid": file, "name": "copy.txt"}, "item { uuid }")
    await site.done("duplicateStorageItem", {"itemUuid": place, "name": "copy of place"}, "item { uuid }")
    await site.done("updateStorageItem", {"itemUuid": file, "name": "renamed.txt"}, "item { uuid }")
    await site.done("updateStorageItem", {"itemUuid": place, "name": "renamed place"}, "item { uuid }")
    inside = await files_in(site, "storageFolder", top)
    assert inside == {
        "renamed.txt": b"began second",
        "copy.txt": b"began second",
        "renamed place/c.txt": b"began c",
        "copy of place/c.txt": b"began c",
        "same/same": b"began same",
    }
    manifest = await site.see("storageFolder", top, "downloadManifest { nodes { path item { isDirectory } } }")
    nodes = manifest["downloadManifest"]["nodes"]
    assert {node["path"]: node["item"]["isDirectory"] for node in nodes} == {path: "/" in path for path in inside}
    assert await files_in(site, "storageItem", place) == {"c.txt": b"began c"}
    assert await files_in(site, "storageItem", file) == {"renamed.txt": b"began second"}


async def test_a_study_has_a_directory_for_each_series(site: Site) -> None:
    """Inventory: AMB-STUDY-21."""
    folder = await site.folder("study")
    data = {(series, number): dicom(7, series, number) for series in (1, 2) for number in (1, 2)}
    await put(site, folder, [*data.values()])
    document = f"query($u: String!, $f: UUID!) {{ dicomStudy(studyUid: $u, folderUuid: $f) {{ {URL} }} }}"
    seen = (await site.ask(document, {"u": "1.2.3.7", "f": folder}))["dicomStudy"]
    files = contents((await fetch(site, seen["downloadUrl"]["url"])).content)
    assert sorted(files.values()) == sorted(data.values())
    assert len({name.split("/")[0] for name in files}) == 2


async def test_users_have_a_number_of_slots(site: Site) -> None:
    """A download holds one until its response was sent, or its client has gone."""
    top = await tree(site, "slots")
    url = await archive_url(site, "storageFolder", top)
    limit = site.services.settings.limits.archives_per_viewer
    for _ in range(3 * limit):
        assert (await fetch(site, url)).status_code == 200
    async with httpx.AsyncClient() as client:
        big = await site.folder("big")
        await upload_items(site, big, [File("big.bin", "FILE", secrets.token_bytes(24 << 20))])
        slow = await archive_url(site, "storageFolder", big)
        open_ones = [await client.send(client.build_request("GET", slow), stream=True) for _ in range(limit)]
        refused = await fetch(site, url)
        assert error_of(refused) == (429, "LIMIT_EXCEEDED")
        assert refused.headers["retry-after"]
        for response in open_ones:
            await response.aclose()
    for _ in range(200):
        if (again := await fetch(site, url)).status_code == 200:
            break
    assert again.status_code == 200


async def test_without_a_process_there_is_no_url(request: pytest.FixtureRequest, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """With objects in S3, archives need `storegraph bytes`, and a gateway serves none."""
    with fresh_settings("scaled", request, tmp_path) as settings:
        async with serve_site(settings, works=False) as site:
            folder = await site.folder("unserved")
            seen = await site.see("storageFolder", folder, URL)
            assert (seen["downloadUrl"], seen["downloadUrlUnavailableReason"]) == (None, "NOT_SERVED")
            response = await site.client.get(f"{site.url}/archives/folder/{folder}")
            assert response.status_code == 404
