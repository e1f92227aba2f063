"""Journals of public folders: strangers read nothing there of what has become private since."""

from typing import Any

import pytest

from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File

pytestmark = pytest.mark.asyncio(loop_scope="module")
JOURNALS = """query($u: UUID!) { storageFolder(uuid: $u) {
  journal(first: 100) { totalCount nodes { action before after } }
  descendantJournal(first: 100) { totalCount nodes { action before after } } } }"""


async def told(site: Site, folder: str, who: str) -> str:
    """Return all that both journals of a folder tell a user."""
    journals: dict[str, Any] = (await site.ask(JOURNALS, {"u": folder}, who))["storageFolder"]
    for journal in journals.values():
        assert journal["totalCount"] == len(journal["nodes"])
    return str(journals)


async def public_folder(site: Site) -> tuple[str, str, str]:
    """Create a public folder, and return it with a stranger and with somebody who was given it."""
    top, team = await site.folder("public"), await site.group("given")
    await site.grant(top, team, "VIEWER")
    await site.done("setStorageFolderVisibility", {"folderUuid": top, "visibility": "PUBLIC"}, "folder { uuid }")
    return top, await site.newcomer(), await site.newcomer(team)


async def test_entries_end_with_the_visibility_of_their_object(shared_site: Site) -> None:
    """Both of folders that are made private and of items that are moved into them."""
    site = shared_site
    top, stranger, given = await public_folder(site)
    hidden = await site.folder("P-hidden", top)
    item, kept = await upload_items(
        site, top, [File(name, "PLAIN_TEXT", name.encode()) for name in ("I-moved", "I-kept")]
    )
    assert {name in await told(site, top, stranger) for name in ("P-hidden", "I-moved", "I-kept")} == {True}
    await site.done("setStorageFolderVisibility", {"folderUuid": hidden, "visibility": "PRIVATE"}, "folder { uuid }")
    await site.done("moveStorageItems", {"itemUuids": [item], "newParentUuid": hidden}, "results { uuid }")
    seen = await told(site, top, stranger)
    assert "P-hidden" not in seen and "I-moved" not in seen and "I-kept" in seen
    seen = await told(site, top, given)
    assert "P-hidden" in seen and "I-moved" in seen and "INGEST" in seen
    await site.done("deleteStorageItems", {"itemUuids": [item, kept]}, "results { uuid }")
    seen = await told(site, top, stranger)
    assert "I-moved" not in seen and "DELETE" in seen and "INGEST" not in seen
