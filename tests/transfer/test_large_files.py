"""Files that are sent in parts: what has arrived is not sent again after an interruption."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from gateway.transfer.events import FileOutcome, TransferReport
from gateway.transfer.site import Site as Client
from gateway.transfer.upload import UploadOptions, upload_tree
from tests.fixtures.sites import Site, fresh_settings, serve_site

pytestmark = pytest.mark.asyncio(loop_scope="module")

PART = 5 << 20
SIZE = 2 * PART + 7


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["embedded", "scaled"])
async def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Site where files of more than 5 MiB are sent in parts."""
    with fresh_settings(request.param, request, tmp_path_factory.mktemp("site"), part_size=PART) as settings:
        async with serve_site(settings) as running:
            yield running


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Directory with a large file, whose bytes no other test has, and a small one."""
    top = tmp_path / "big"
    top.mkdir()
    seed = hashlib.sha256(str(tmp_path).encode()).digest()
    (top / "a.bin").write_bytes((seed * (SIZE // 32 + 1))[:SIZE])
    (top / "b.txt").write_bytes(seed)
    return top


class Interrupted(Exception):
    """Raised in the place of a kill."""


async def upload(site: Site, tree: Path, folder: str, stop_at: str = "", **options: Any) -> TransferReport:
    """Upload a tree; end before the first mutation named `stop_at`, as if the process was killed."""
    async with Client(site.url, site.keys["admin"], attempts=1) as client:
        mutate = client.mutate

        async def stopping(mutation: str, selection: str, **input: Any) -> dict[str, Any]:
            if mutation == stop_at:
                raise Interrupted
            return await mutate(mutation, selection, **input)

        client.mutate = stopping  # type: ignore[method-assign] # the client has no hook
        return await upload_tree(client, [tree], f"/{folder}", UploadOptions(**options))


def break_part(client: Client, number: int) -> None:
    """Let a client lose its connection when it sends a part."""
    sent = 0

    async def breaking(request: httpx.Request) -> None:
        nonlocal sent
        if request.method == "PUT" and request.headers["Content-Length"] != "32":
            sent += 1
            if sent == number:
                raise httpx.ConnectError("The store is away.")

    client.http.event_hooks = {"request": [breaking]}


async def check(site: Site, tree: Path, folder: str) -> None:
    """Check that the large file is there, once, as its first revision."""
    document = """query($path: String!) { resourceByPath(path: $path) {
      ... on StorageFolder { items(filter: {includePlaceholders: true}) {
        nodes { name sha256 isPlaceholder revisionNumber } } } } }"""
    nodes = (await site.ask(document, {"path": f"/{folder}/big"}))["resourceByPath"]["items"]["nodes"]
    assert nodes == [
        {
            "name": path.name,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "isPlaceholder": False,
            "revisionNumber": 1,
        }
        for path in sorted(tree.iterdir())
    ]


@pytest.mark.parametrize("stop_at", ["startUploadJob", "completeUploadParts"])
async def test_whole_uploads_go_straight_to_their_job(site: Site, tree: Path, stop_at: str) -> None:
    """Killed after the last part has arrived, before or after the parts were combined."""
    folder = f"stopped at {stop_at}"
    await site.folder(folder)
    with pytest.raises(Interrupted):
        await upload(site, tree, folder, stop_at)
    report = await upload(site, tree, folder, metadata={"big/a.bin": {"given": "late"}})
    assert (report.counts, report.failures) == ({FileOutcome.SENT: 2, FileOutcome.METADATA_CHANGED: 1}, {})
    assert report.moved <= 32
    await check(site, tree, folder)
    document = "query($path: String!) { resourceByPath(path: $path) { ... on StorageItem { clientMetadata } } }"
    item = (await site.ask(document, {"path": f"/{folder}/big/a.bin"}))["resourceByPath"]
    assert item["clientMetadata"] == {"given": "late"}


@pytest.mark.parametrize("leaves", [False, True])
async def test_parts_that_have_arrived_are_not_sent_again(site: Site, tree: Path, leaves: bool) -> None:
    """A store that cannot be reached costs no bytes; other files become items at once."""
    folder = f"store away {leaves}"
    await site.folder(folder)
    options = UploadOptions(leaf_folders_as_items=leaves)
    async with Client(site.url, site.keys["admin"], attempts=1) as client:
        break_part(client, 2)
        report = await upload_tree(client, [tree], f"/{folder}", options)
    assert report.counts == {FileOutcome.SENT: 1, FileOutcome.FAILED: 1}
    assert report.failures["big/a.bin"].endswith("The store is away. Run the command again to send the rest.")
    report = await upload(site, tree, folder, leaf_folders_as_items=leaves)
    assert (report.counts, report.failures) == ({FileOutcome.SENT: 1, FileOutcome.UNCHANGED: 1}, {})
    assert report.moved == SIZE - PART
    if not leaves:
        await check(site, tree, folder)


async def test_a_part_is_missing_from_a_new_revision(site: Site, tree: Path) -> None:
    """The old bytes stay until all new ones have arrived."""
    await site.folder("large revision")
    await upload(site, tree, "large revision")
    content = (tree / "a.bin").read_bytes()
    (tree / "a.bin").write_bytes(content[::-1])
    async with Client(site.url, site.keys["admin"], attempts=1) as client:
        break_part(client, 2)
        report = await upload_tree(client, [tree], "/large revision")
    assert list(report.failures) == ["big/a.bin"]
    report = await upload(site, tree, "large revision")
    assert (report.counts, report.failures) == ({FileOutcome.SENT: 1, FileOutcome.UNCHANGED: 1}, {})
    assert report.moved == SIZE - PART


async def test_new_items_leave_nothing_of_those_that_failed(site: Site, tree: Path) -> None:
    """The next upload with `--allow-duplicates` could not go on with them."""
    folder = await site.folder("failed duplicates")
    async with Client(site.url, site.keys["admin"], attempts=1) as client:
        break_part(client, 2)
        options = UploadOptions(allow_duplicates=True)
        report = await upload_tree(client, [tree], "/failed duplicates", options)
    assert list(report.failures) == ["big/a.bin"]
    document = "query($folder: UUID!) { pendingUploads(folderUuid: $folder) { totalCount } }"
    assert (await site.ask(document, {"folder": folder}))["pendingUploads"]["totalCount"] == 0
