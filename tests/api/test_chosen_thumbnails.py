"""Pictures that are chosen as thumbnails of items (MID-MOD-04, MID-MOD-05)."""

from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.invariants import check_all
from tests.fixtures.items import upload_items
from tests.fixtures.revisions import add_files, empty_item, files_of, revise
from tests.fixtures.sites import UNKNOWN, Site
from tests.fixtures.thumbnails import picture, thumbnail
from tests.fixtures.uploading import File

pytestmark = pytest.mark.asyncio(loop_scope="module")
SELECTION = "item { uuid }"


def png(name: str, width: int, height: int, seed: int = 1) -> File:
    """Return a picture as a file of an item of several."""
    return File(name, "FILE", samples.png(width, height, seed), "image/png")


async def several(site: Site, folder: str) -> tuple[str, dict[str, str]]:
    """Create an item of two pictures and a text, and return it with its files by name."""
    item = await empty_item(site, folder)
    text = File("notes.txt", "FILE", b"text", "text/plain")
    await add_files(site, folder, item, [text, png("wide.png", 600, 300), png("high.png", 300, 600)])
    return item, {file["name"]: file["uuid"] for file in await files_of(site, item)}


async def choose(site: Site, item: str, file: str | None, who: str = "admin", **more: Any) -> None:
    """Choose a file as the thumbnail of an item."""
    given = {"itemUuid": item, "bitstreamUuid": file, **more}
    assert (await site.done("setThumbnail", given, SELECTION, who))["item"]["uuid"] == item


async def test_a_picture_of_an_item_is_its_thumbnail(shared_site: Site) -> None:
    """In all sizes, until another or none is chosen. Inventory: MID-MOD-04, MID-MOD-05."""
    site, folder = shared_site, await shared_site.folder("chosen")
    item, files = await several(site, folder)
    assert await thumbnail(site, item) == "NOT_DRAWABLE"
    await choose(site, item, files["wide.png"])
    assert (await picture(site, await thumbnail(site, item))).size == (256, 128)
    assert (await picture(site, await thumbnail(site, item, "LARGE"))).size == (600, 300)
    await choose(site, item, files["high.png"], expectedRevision=1)
    await choose(site, item, files["high.png"])
    assert (await picture(site, await thumbnail(site, item))).size == (128, 256)
    await check_all(site.services)
    await choose(site, item, None)
    assert await thumbnail(site, item) == "NOT_DRAWABLE"


async def test_the_choice_lasts_as_long_as_the_newest_revision_has_the_file(shared_site: Site) -> None:
    site, folder = shared_site, await shared_site.folder("lasting")
    item, files = await several(site, folder)
    await choose(site, item, files["wide.png"])
    await add_files(site, folder, item, [png("more.png", 10, 10, 2)])
    renamed = {"itemUuid": item, "bitstreamUuid": files["wide.png"], "name": "w.png"}
    await site.done("updateBitstream", renamed, SELECTION)
    assert (await picture(site, await thumbnail(site, item))).size == (256, 128)
    await revise(site, folder, item, [File("notes.txt", "FILE", b"2", "text/plain")])
    assert await thumbnail(site, item) == "NOT_DRAWABLE"
    await site.done("restoreItemRevision", {"itemUuid": item, "number": 1}, SELECTION)
    restored = {file["name"]: file["uuid"] for file in await files_of(site, item)}
    await choose(site, item, restored["high.png"])
    assert (await picture(site, await thumbnail(site, item))).size == (128, 256)
    deletion = {"itemUuid": item, "bitstreamUuids": [restored["high.png"]]}
    await site.done("deleteBitstreams", deletion, SELECTION)
    assert await thumbnail(site, item) == "NOT_DRAWABLE"
    await check_all(site.services)


async def test_the_only_file_of_an_item_can_be_chosen(shared_site: Site) -> None:
    """A file that was kept as it is has a thumbnail then; an image keeps its own."""
    site, folder = shared_site, await shared_site.folder("only")
    plain, image = await upload_items(
        site, folder, [png("a.png", 80, 40, 3), File("b.png", "IMAGE", samples.png(40, 80, 4), "image/png")]
    )
    for item, size in ((plain, (80, 40)), (image, (40, 80))):
        await choose(site, item, item)
        assert (await picture(site, await thumbnail(site, item))).size == size


async def test_other_files_are_refused(shared_site: Site) -> None:
    site, folder = shared_site, await shared_site.folder("refused")
    item, files = await several(site, folder)
    other, others = await several(site, folder)
    await revise(site, folder, other, [png("new.png", 10, 10, 5)])
    link = {"folderUuid": folder, "url": "https://files.example/a.png"}
    linked = (await site.done("createLinkItem", link, SELECTION))["item"]["uuid"]
    wrong = [
        (item, files["notes.txt"], "BAD_USER_INPUT"),
        (item, others["wide.png"], "NOT_FOUND"),
        (other, others["wide.png"], "NOT_FOUND"),
        (item, UNKNOWN, "NOT_FOUND"),
    ]
    for of, file, code in wrong:
        refused = await site.refused("setThumbnail", {"itemUuid": of, "bitstreamUuid": file})
        assert refused == [(code, "input.bitstreamUuid")]
    [(code, _)] = await site.refused("setThumbnail", {"itemUuid": linked, "bitstreamUuid": linked})
    assert code in ("BAD_USER_INPUT", "CONFLICT")
    assert await site.refused("setThumbnail", {"itemUuid": item}) == [("BAD_USER_INPUT", "input.bitstreamUuid")]
    stale = {"itemUuid": item, "bitstreamUuid": files["wide.png"], "expectedRevision": 7}
    assert await site.refused("setThumbnail", stale) == [("CONFLICT", "input.expectedRevision")]
    assert await thumbnail(site, item) == "NOT_DRAWABLE"


async def test_a_chosen_picture_is_hidden_where_identities_are(shared_site: Site) -> None:
    """It may show a face, or a name that is burnt in."""
    site, folder = shared_site, await shared_site.folder("masked")
    item, files = await several(site, folder)
    await choose(site, item, files["wide.png"])
    group = await site.group("viewers of chosen pictures")
    viewer = await site.newcomer(group)
    await site.grant(folder, group, "VIEWER")
    assert isinstance(await thumbnail(site, item, who=viewer), dict)
    await site.done("updateStorageFolder", {"folderUuid": folder, "phiPolicy": "MASKED"}, "folder { uuid }")
    assert await thumbnail(site, item, who=viewer) == "PHI_RESTRICTED"
