"""Uploads while others change what is there."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.transfer.events import FileOutcome
from gateway.transfer.site import Site as Client
from gateway.transfer.site import SiteError
from gateway.transfer.upload import UploadOptions, upload_tree
from tests.fixtures.sites import Site
from tests.fixtures.transfers import upload

pytestmark = pytest.mark.asyncio(loop_scope="module")


def before(client: Client, mutation: str, act: Callable[[], Awaitable[Any]]) -> None:
    """Let something be done once, before a client calls a mutation."""
    query, acts = client.query, [act]

    async def acting(document: str, **variables: Any) -> dict[str, Any]:
        if mutation in document and acts:
            await acts.pop()()
        return await query(document, **variables)

    client.query = acting  # type: ignore[method-assign] # the client has no hook


@pytest.mark.parametrize("leaves", [False, True])
async def test_two_uploads_of_one_tree_do_not_fail(site: Site, tree: Path, leaves: bool) -> None:
    """The files that the other has announced again are in progress."""
    name = f"two uploads {leaves}"
    await site.folder(name)
    async with Client(site.url, site.keys["admin"]) as client:
        before(client, "startUploadJob", lambda: upload(site, tree, name, leaf_folders_as_items=leaves))
        options = UploadOptions(leaf_folders_as_items=leaves)
        report = await upload_tree(client, [tree], f"/{name}", options)
    assert report.failures == {}
    assert report.counts == {FileOutcome.IN_PROGRESS: 7}
    assert await upload(site, tree, name, leaf_folders_as_items=leaves) == {FileOutcome.UNCHANGED: 7}


@pytest.mark.parametrize("mutation", ["importTree", "startUploadJob"])
async def test_a_target_that_is_deleted_ends_an_upload(site: Site, tree: Path, mutation: str) -> None:
    folder = await site.folder(f"deleted before {mutation}")

    async def delete() -> None:
        await site.done("deleteStorageFolder", {"folderUuid": folder, "recursive": True}, "__typename")

    async with Client(site.url, site.keys["admin"]) as client:
        before(client, mutation, delete)
        message = f"The folder /deleted before {mutation} was deleted meanwhile."
        with pytest.raises(SiteError, match=message):
            await upload_tree(client, [tree], f"/deleted before {mutation}")
