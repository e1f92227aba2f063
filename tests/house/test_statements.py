"""The number of SQL statements of a document is stated in its first line, for any number of rows."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.media import samples
from tests.fixtures.communities import crowded_community
from tests.fixtures.items import upload_items
from tests.fixtures.sites import Site, fresh_settings, serve_site
from tests.fixtures.studies import study_uid, upload_dicom
from tests.fixtures.syncing import attach_job_to_sync
from tests.fixtures.thumbnails import thumbnail
from tests.fixtures.uploading import File, send_files, start_upload_job, upload, wait_for_job
from tests.house.sources import ROOT

DOCUMENTS = sorted((ROOT / "tests" / "queries").glob("*.graphql"))
FEW, MANY = 2, 12


@dataclass
class Counted:
    """A site with a small tree and a large one."""

    site: Site
    variables: dict[int, dict[str, Any]]


@contextmanager
def statements(site: Site) -> Iterator[list[str]]:
    """Collect the SQL statements of the block.

    Left out are those that begin and end transactions, the look-up and checks of credentials, the
    note of their last use and the number of names with a text, which depend on the time, and those by which a
    process reads the clocks of the queue and of the database.
    """
    seen: list[str] = []

    def note(statement: str) -> None:
        left_out = r"^(BEGIN|COMMIT|ROLLBACK)|api_keys\.revoked_at IS NULL|SET last_used_at|FROM queue_clock"
        left_out += r"|AS first_names|_names_index WHERE name_key MATCH \S+ LIMIT|^SELECT clock_timestamp\(\) AS \w+$"
        if not re.search(left_out, statement):
            seen.append(statement)

    with site.services.database.observing_statements(note):
        yield seen


async def tree(site: Site, size: int) -> dict[str, Any]:
    """Create a folder with `size` files and `size` subfolders; return variables for the documents."""
    top = await site.folder(f"page-{size}")
    below = [await site.folder(f"page-{size} below {number}", top) for number in range(size)]
    files = [File(f"page-{size}-{number}.txt", "PLAIN_TEXT", samples.text(number)) for number in range(size)]
    job, *others = await asyncio.gather(*(upload(site, folder, files) for folder in [top, *below]))
    listed = "query($u: UUID!) { storageFolder(uuid: $u) { items { nodes { uuid } } } }"
    nodes = (await site.ask(listed, {"u": top}))["storageFolder"]["items"]["nodes"]
    uuids = [node["uuid"] for node in nodes]
    entries = {"entries": [{"element": "dc", "qualifier": "title", "value": "a text"}]}
    for uuid in uuids:
        await site.done("setStorageItemMetadata", {"itemUuid": uuid, **entries}, "item { uuid }")
    groups = [{"grid": {"layoutContents": uuids}}, *({"carousel": {"layoutContents": [uuid]}} for uuid in uuids)]
    await site.done("createDataGroups", {"folderUuid": top, "groups": groups}, "results { item { uuid } }")
    around = {
        "dataset": await create_dataset(site, size, uuids),
        "item": await create_image_group(site, top, size),
        "job": job["uuid"],
        "pictures": await create_pictures(site, size),
        **await create_studies(site, size),
        "dicom": await create_study(site, size),
        "community": {"uuid": await crowded_community(site, size)},
    }
    await grant_roles(site, top, size)
    for each in others:
        await attach_job_to_sync(site, each["uuid"], top)
    return {"folder": top, "items": uuids, "text": f"page-{size}", **around}


async def create_dataset(site: Site, size: int, items: list[str]) -> str:
    """Create a dataset with these items."""
    payload = await site.done("createDataset", {"title": f"set {size}"}, "dataset { uuid }")
    uuid: str = payload["dataset"]["uuid"]
    await site.done("linkItemsToDataset", {"datasetUuid": uuid, "itemUuids": items}, "dataset { uuid }")
    return uuid


async def create_pictures(site: Site, size: int) -> str:
    """Create a folder of `size` images, whose thumbnails are made."""
    folder = await site.folder(f"pictures-{size}")
    files = [File(f"{number}.png", "IMAGE", samples.png(8, 8, number)) for number in range(size)]
    for uuid in await upload_items(site, folder, files):
        assert isinstance(await thumbnail(site, uuid), dict)
    return folder


async def create_study(site: Site, size: int) -> str:
    """Create a folder with a DICOM study of `size` instances in two series."""
    folder = await site.folder(f"dicom-{size}")
    slices = [samples.dicom_file(series=1 + number % 2, instance_number=number) for number in range(size)]
    await upload(site, folder, [File(f"{number}.dcm", "DICOM_FILE", data) for number, data in enumerate(slices)])
    return folder


async def create_studies(site: Site, size: int) -> dict[str, Any]:
    """Create a folder of studies, one of which has `size` series of two instances with two versions each."""
    folder, numbers = await site.folder(f"studies-{size}"), [100 * size + number for number in range(size)]
    series = [samples.dicom_file(numbers[0], number, position) for number in range(size) for position in (1, 2)]
    files = [*series, *(samples.dicom_file(number) for number in numbers[1:])]
    uuids = await upload_dicom(site, folder, [*files, *series])
    for uuid in uuids:
        assert isinstance(await thumbnail(site, uuid), dict)
    for number, uuid in zip(numbers, uuids[::-1], strict=False):
        attached = {"folderUuid": folder, "studyUid": study_uid(number), "itemUuid": uuid}
        await site.done("addStudyAttachment", attached, "study { id }")
    uids = [study_uid(number) for number in numbers]
    return {"studies": folder, "study": uids[0], "uids": uids}


async def create_image_group(site: Site, folder: str, size: int) -> str:
    """Create an image group of `size` images."""
    frames = [File(f"{number}.png", "IMAGE", samples.png(8, 8, number)) for number in range(size)]
    images = [{"placeholderUuid": uuid} for uuid in await send_files(site, folder, frames)]
    job = await wait_for_job(site, await start_upload_job(site, folder, {"imageGroups": [{"images": images}]}))
    uuid: str = job["itemsWithNames"][0]["itemUuid"]
    return uuid


async def grant_roles(site: Site, folder: str, size: int) -> None:
    """Grant a role on the folder to `size` groups."""
    groups = [await site.group(f"group {size} {number}") for number in range(size)]
    given = {"folderUuid": folder, "groupUuids": groups, "role": "VIEWER"}
    await site.done("addStorageFolderGroups", given, "folder { uuid }")


@pytest.fixture(params=["embedded", "scaled"])
async def counted(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Counted]:
    """Create trees of two sizes, on a site without a worker, so that only requests execute SQL."""
    with fresh_settings(request.param, request, tmp_path, execution="compiled") as settings:
        async with serve_site(settings) as site:
            keys, variables = site.keys, {size: await tree(site, size) for size in (FEW, MANY)}
        async with serve_site(settings, works=False) as site:
            site.keys.update(keys)
            yield Counted(site, variables)


async def test_statements_do_not_grow_with_rows(counted: Counted) -> None:
    counts = {
        (document.name, size): await statements_of(counted.site, document.read_text(), variables)
        for document in DOCUMENTS
        for size, variables in counted.variables.items()
    }
    print(counts)
    embedded = counted.site.services.database.is_embedded
    assert counts == {
        (document.name, size): stated_count(document, embedded) for document in DOCUMENTS for size in counted.variables
    }


@pytest.mark.parametrize("backend", ["embedded", "scaled"])
async def test_a_total_beside_facets_takes_no_statement(
    request: pytest.FixtureRequest, tmp_path: Path, backend: str
) -> None:
    facets = "facets(by: [{attribute: OWNER}]) { otherCount }"
    with fresh_settings(backend, request, tmp_path, execution="compiled") as settings:
        async with serve_site(settings, works=False) as site:
            counts = [
                await statements_of(site, f'{{ searchStorageItems(filter: {{search: "a"}}) {{ {fields} }} }}', {})
                for fields in (facets, f"totalCount {facets}")
            ]
    assert counts[0] == counts[1]


def stated_count(document: Path, embedded: bool) -> int:
    """Return the number in the first line; on SQLite a lookup and a page are not joined."""
    served, *on_sqlite = re.findall(r"\d+", document.read_text().partition("\n")[0])
    return int(on_sqlite[0] if embedded and on_sqlite else served)


async def statements_of(site: Site, text: str, variables: dict[str, Any]) -> int:
    """Return the number of statements that a document executes."""
    named = {name: value for name, value in variables.items() if f"${name}:" in text}
    with statements(site) as seen:
        await site.ask(text, named)
    return len(seen)
