"""Bytes of items in masked folders: no field gives them to viewers who see no identities there."""

from itertools import product
from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.files import FileServer
from tests.fixtures.items import upload_items
from tests.fixtures.reencoding import start_reencoding, wait_for_reencoding
from tests.fixtures.sites import Site
from tests.fixtures.thumbnails import thumbnail
from tests.fixtures.uploading import File, ingest

pytestmark = pytest.mark.asyncio(loop_scope="module")
ITEM = (
    "itemType name clientMetadata sha256 url signedUrl { url } signedUrlUnavailableReason "
    "thumbnail { url } thumbnailUnavailableReason "
    "... on VideoItem { rendition { width signedUrl { url } } } "
    "... on SceneItem { scene } "
    "... on DicomFileItem { dicomStudyUid instance { sopInstanceUid version signedUrl { url } thumbnail { url } } }"
)
PHI = "PHI_RESTRICTED"


@pytest.fixture(scope="module")
def site(fetching_site: Site) -> Site:
    """Site shared by the module; tests use separate folders."""
    return fetching_site


async def mask(site: Site, folder: str, policy: str = "MASKED") -> None:
    """Set a folder's policy."""
    await site.done("updateStorageFolder", {"folderUuid": folder, "phiPolicy": policy}, "folder { uuid }")


async def member(site: Site, folder: str, role: str, phi: bool) -> str:
    """Create a member of a group that has a role on a folder."""
    group = await site.group(role)
    given = {"folderUuid": folder, "groupUuids": [group], "role": role, "seesPhi": phi}
    await site.done("addStorageFolderGroups", given, "folder { uuid }")
    return await site.newcomer(group)


async def without_phi(site: Site, who: str) -> str:
    """Create an API key without `seesPhi` for a user, and return the name by which it is used."""
    made = await site.done("createApiKey", {"name": "k", "seesPhi": False}, "token", who)
    site.keys[f"{who} without phi"] = made["token"]
    return f"{who} without phi"


async def shown(site: Site, folder: str, who: str) -> list[dict[str, Any]]:
    """Return the items of a folder as a user sees them, in each of the ways that lead to them."""
    query = "query($u: UUID!) { storageFolder(uuid: $u) { items { nodes { __typename uuid ...F } } } }"
    fragment = f" fragment F on StorageItem {{ {ITEM} }}"
    data = await site.ask(query + fragment, {"u": folder}, who)
    nodes: list[dict[str, Any]] = data["storageFolder"]["items"]["nodes"]
    uuids = [node["uuid"] for node in nodes]
    listed = "query($u: [UUID!]!) { storageItems(uuids: $u) { __typename ... on StorageItem { uuid ...F } } }"
    again = (await site.ask(listed + fragment, {"u": uuids}, who))["storageItems"]
    single = "query($u: UUID!) { storageItem(uuid: $u) { __typename uuid ...F } }"
    once = [(await site.ask(single + fragment, {"u": uuid}, who))["storageItem"] for uuid in uuids]
    assert await bare(again) == await bare(once) == await bare(nodes)
    return nodes


async def bare(nodes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return items without what may differ from request to request: signatures and thumbnails."""
    return [
        {
            name: value.get("url") is not None if isinstance(value, dict) and "url" in value else value
            for name, value in node.items()
            if name not in ("rendition", "instance", "thumbnail", "thumbnailUnavailableReason")
        }
        for node in nodes
    ]


def all_urls(value: Any) -> list[str]:
    """Return all URLs anywhere in an answer but those of Storegraph's own store."""
    if isinstance(value, dict):
        return [url for inner in value.values() for url in all_urls(inner)]
    if isinstance(value, list):
        return [url for inner in value for url in all_urls(inner)]
    return [value] if isinstance(value, str) and "http" in value else []


async def fill(site: Site, folder: str, file_server: FileServer) -> None:
    """Add a picture, a video with a rendition, a DICOM file, a scene and a file elsewhere."""
    files = [
        File("picture.png", "IMAGE", samples.png(seed=5)),
        File("film", "VIDEO", samples.webm()),
        File("slice", "DICOM_FILE", samples.dicom_file()),
    ]
    picture, film, _ = await upload_items(site, folder, files)
    await wait_for_reencoding(site, await start_reencoding(site, [film], force=True))
    url = file_server.add("elsewhere.png", samples.png(seed=6))
    await ingest(site, folder, {"images": [{"objectUrl": url}]})
    await thumbnail(site, picture)


async def test_bytes_are_for_those_who_see_identities(site: Site, file_server: FileServer) -> None:
    """Roles, grants, credentials and policies: bytes are withheld where, and only where, all say so.

    Everything else stays: names, metadata, digests and the UIDs of DICOM.
    """
    folder = await site.folder("scans")
    await fill(site, folder, file_server)
    for policy in ("OPEN", "MASKED", "OPEN"):
        await mask(site, folder, policy)
        for role, phi, has_key in product(("VIEWER", "USER", "ADMIN", "SITE"), (True, False), (True, False)):
            who = "admin" if role == "SITE" else await member(site, folder, role, phi)
            user = who if has_key else await without_phi(site, who)
            sees = policy == "OPEN" or (has_key and (phi or role == "SITE"))
            nodes = await shown(site, folder, user)
            assert len(nodes) == 4
            case = policy, role, phi, has_key
            for node in nodes:
                assert (node["signedUrl"] is not None) == sees, (case, node)
                assert node["signedUrlUnavailableReason"] == (None if sees else PHI), (case, node)
                assert sees or node["thumbnailUnavailableReason"] == PHI, (case, node)
                assert node["name"]
            assert bool(all_urls(nodes)) == sees, (case, nodes)
            by_type = {node["itemType"]: node for node in nodes}
            assert by_type["DICOM_FILE"]["sha256"]
            assert by_type["DICOM_FILE"]["dicomStudyUid"]
            assert by_type["DICOM_FILE"]["instance"]["sopInstanceUid"]
            assert by_type["VIDEO"]["rendition"]["width"]


async def test_grants_above_and_below_count(site: Site) -> None:
    """One on a folder above lets see identities below, one below does not let see them above."""
    top = await site.folder("top")
    inner = await site.folder("inner", top)
    for folder in (top, inner):
        await upload_items(site, folder, [File("n", "PLAIN_TEXT", b"n")])
    await mask(site, top)
    group = await site.group("g")
    who = await site.newcomer(group)
    for folder, phi in ((top, False), (inner, True)):
        given = {"folderUuid": folder, "groupUuids": [group], "role": "VIEWER", "seesPhi": phi}
        await site.done("addStorageFolderGroups", given, "folder { uuid }")
    assert [(await shown(site, folder, who))[0]["signedUrlUnavailableReason"] for folder in (top, inner)] == [PHI, None]
    above = await member(site, top, "VIEWER", True)
    assert [(await shown(site, folder, above))[0]["signedUrlUnavailableReason"] for folder in (top, inner)] == [
        None
    ] * 2
    await site.done("removeStorageFolderGroups", {"folderUuid": inner, "groupUuids": [group]}, "folder { uuid }")
    assert (await shown(site, inner, who))[0]["signedUrlUnavailableReason"] == PHI


async def test_urls_of_files_elsewhere_are_withheld_everywhere(site: Site, file_server: FileServer) -> None:
    """In items, in units of jobs and in journals: whoever knows such a URL has the bytes."""
    folder = await site.folder("elsewhere")
    good, bad = file_server.add("a.png", samples.png(seed=7)), file_server.add("b.png", b"no picture")
    wanted = {"images": [{"objectUrl": good}, {"objectUrl": bad}]}
    started = {"folderUuid": folder, "items": wanted, "ignoreErrors": True}
    job = (await site.done("startUploadJob", started, "uploadJob { uuid }"))["uploadJob"]["uuid"]
    await site.wait_while("PENDING", "uploadJob", job)
    item = (await shown(site, folder, "admin"))[0]["uuid"]
    moved = file_server.add("c.png", samples.png(seed=7))
    migration = {"items": [{"match": {"itemUuid": item}, "newUrl": moved}]}
    selection = "results { items { ... on StorageItem { url signedUrl { url } } } }"
    assert all_urls(await site.done("migrateStorageItems", migration, selection)) == [moved] * 2
    document = (
        "query($u: UUID!, $j: UUID!) { storageFolder(uuid: $u) { journal { nodes { before after } } "
        "items { nodes { url } } } "
        "uploadJob(uuid: $j) { units { nodes { objectUrls } } unitErrors { objectUrls } } }"
    )
    who = await member(site, folder, "USER", False)
    values = {"u": folder, "j": job}
    seen = await site.ask(document, values, who)
    assert sorted(all_urls(seen)) == sorted([good, bad, bad, good, moved, moved])
    await mask(site, folder)
    assert all_urls(await site.ask(document, values, who)) == []
    assert sorted(all_urls(await site.ask(document, values))) == sorted(all_urls(seen))
    back = {"items": [{"match": {"itemUuid": item}, "newUrl": moved}]}
    assert all_urls(await site.done("migrateStorageItems", back, selection, who)) == []
