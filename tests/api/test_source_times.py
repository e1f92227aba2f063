"""When a file was last modified where it comes from."""

from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from gateway.media import samples
from tests.fixtures.clouds import Bucket, create_integration
from tests.fixtures.files import FileServer
from tests.fixtures.sites import Site
from tests.fixtures.syncing import create_linked_folder, run_sync
from tests.fixtures.uploading import (
    OPEN,
    File,
    announce,
    send,
    send_files,
    start_manifest_job,
    start_upload_job,
    wait_for_job,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIRST, SECOND = "2020-01-31T12:00:00Z", "2021-06-01T00:00:00.500000Z"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def integration(fetching_site: Site, customer: Bucket) -> str:
    """Integration with the customer's bucket."""
    return await create_integration(fetching_site, customer)


async def times(site: Site, folder: str) -> dict[str, Any]:
    """Return the times of the items in a folder, by name."""
    document = """query($u: UUID!) { storageFolder(uuid: $u) { items(filter: {includePlaceholders: true}) {
        nodes { name sourceModifiedAt } } } }"""
    nodes = (await site.ask(document, {"u": folder}))["storageFolder"]["items"]["nodes"]
    return {node["name"]: node["sourceModifiedAt"] for node in nodes}


async def test_a_client_says_it_when_announcing(shared_site: Site) -> None:
    """The placeholder has it, and the item, unless the entry says otherwise. Offsets become UTC."""
    site, folder = shared_site, await shared_site.folder("announced times")
    files = [File(name, OPEN, name.encode()) for name in "abc"]
    targets = await announce(site, folder, files[:2], sourceModifiedAt="2020-01-31T13:00:00+01:00")
    targets += await announce(site, folder, files[2:])
    for target, file in zip(targets, files, strict=True):
        await send(site, target, file.data)
    assert await times(site, folder) == {"a": FIRST, "b": FIRST, "c": None}
    a, b, c = (target["itemUuid"] for target in targets)
    entries = {
        "any": [{"placeholderUuid": a}, {"placeholderUuid": c}],
        "text": [{"placeholderUuid": b, "sourceModifiedAt": SECOND}],
    }
    await wait_for_job(site, await start_upload_job(site, folder, entries))
    assert await times(site, folder) == {"a": FIRST, "b": SECOND, "c": None}
    wrong = {"folderUuid": folder, "files": [{"name": "a", "fileSize": 1, "sourceModifiedAt": "2020-01-31"}]}
    assert await site.invalid("requestUploadUrls", wrong)


@pytest.mark.parametrize("format", ["json", "csv"])
async def test_manifests_say_it(shared_site: Site, format: str) -> None:
    site, folder = shared_site, await shared_site.folder(f"times in a {format} manifest")
    [uuid] = await send_files(site, folder, [File("a", OPEN, b"a")])

    def manifest(time: str) -> dict[str, Any]:
        entry = {"placeholderUuid": uuid, "sourceModifiedAt": time}
        forms: dict[str, Any] = {
            "json": {"any": [entry]},
            "csv": f"placeholderUuid,sourceModifiedAt\n{uuid},{time}\n",
        }
        return {format: forms[format]}

    place = {"json": "json.any.0", "csv": "csv.2"}[format]
    for wrong in ("yesterday", "2020-01-31T12:00:00"):
        refused = await site.refused("startUploadJob", {"folderUuid": folder, "manifest": manifest(wrong)})
        assert refused == [("BAD_USER_INPUT", f"input.manifest.{place}.sourceModifiedAt")]
    await wait_for_job(site, await start_manifest_job(site, folder, manifest(FIRST)))
    assert await times(site, folder) == {"a": FIRST}


async def test_servers_say_it_of_files_elsewhere(fetching_site: Site, file_server: FileServer) -> None:
    """Whether or not the file is read; what the client says wins."""
    site, folder = fetching_site, await fetching_site.folder("times of files elsewhere")
    url = file_server.add("time.png", samples.png())
    modified = datetime.fromtimestamp(int((file_server.directory / "time.png").stat().st_mtime), UTC)
    facts = {"mimeType": "image/png", "fileSize": len(samples.png()), "width": 1, "height": 1}
    entries = {
        "any": [{"objectUrl": url, "title": "read"}],
        "images": [
            {"objectUrl": url, "title": "declared", "imageMetadata": facts},
            {"objectUrl": url, "title": "said", "sourceModifiedAt": FIRST},
        ],
    }
    await wait_for_job(site, await start_upload_job(site, folder, entries))
    observed = modified.isoformat().replace("+00:00", "Z")
    assert await times(site, folder) == {"read": observed, "declared": observed, "said": FIRST}


async def test_stores_say_it_of_objects(fetching_site: Site, customer: Bucket, integration: str) -> None:
    """A sync keeps it up to date."""
    site = fetching_site
    customer.put("times/a.png", samples.png())
    folder = await create_linked_folder(site, integration, customer, "times/")

    async def said_and_actual() -> tuple[str, str]:
        head = customer.client.head_object(Bucket=customer.name, Key="times/a.png")
        return str((await times(site, folder))["a.png"])[:19], head["LastModified"].strftime("%Y-%m-%dT%H:%M:%S")

    await run_sync(site, folder)
    said, actual = await said_and_actual()
    assert said == actual
    customer.put("times/a.png", samples.png(seed=2))
    await run_sync(site, folder)
    said, actual = await said_and_actual()
    assert said == actual
