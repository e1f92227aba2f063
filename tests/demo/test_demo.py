"""The demo collection: its content, that it is created once, and that a partial one is completed."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from gateway.demo.collection import DemoResult, fill
from gateway.demo.contents import USERS
from gateway.models.changes import changes
from gateway.models.uploads import uploads
from gateway.transfer.site import SiteError
from tests.fixtures.dumps import OF_TASKS
from tests.fixtures.sites import Site

TREE = """
query {
  storageFolders(first: 20) {
    nodes {
      name
      items(first: 100) { nodes { name itemType isPlaceholder } }
      subfolders(first: 20) { nodes { name items(first: 100) { nodes { name itemType isPlaceholder } } } }
    }
  }
  datasets(first: 20) { nodes { title dataRowsCount backingFolder { name } } }
}
"""
KINDS = {
    "VIDEO": 2,
    "IMAGE": 10,
    "IMAGE_GROUP": 1,
    "DICOM_FILE": 25,
    "DICOM_SERIES": 1,
    "AUDIO": 3,
    "NIFTI": 1,
    "PDF": 1,
    "PLAIN_TEXT": 2,
}


def count_by_type(tree: dict[str, Any]) -> Counter[str]:
    """Return the number of items of each type in a tree; none may be a placeholder."""
    roots = tree["storageFolders"]["nodes"]
    folders = [*roots, *(below for root in roots for below in root["subfolders"]["nodes"])]
    items = [item for folder in folders for item in folder["items"]["nodes"]]
    assert not any(item["isPlaceholder"] for item in items)
    return Counter(item["itemType"] for item in items)


async def count_rows(site: Site) -> dict[str, int]:
    """Return the number of rows of every table except those that tasks fill at any time."""
    tables = [table for table in SQLModel.metadata.sorted_tables if table.name not in OF_TASKS]
    counts = [
        (await site.services.database.rows(sa.select(sa.func.count()).select_from(table), sa.Row))[0]
        for table in tables
    ]
    return {table.name: count[0] for table, count in zip(tables, counts, strict=True)}


async def test_every_kind_is_created_once_and_users_see_what_they_may(site: Site) -> None:
    collection = await fill(site.url, site.keys["admin"])
    site.keys |= collection.keys
    tree = await site.ask(TREE)
    assert count_by_type(tree) == KINDS
    datasets = {dataset["title"]: dataset for dataset in tree["datasets"]["nodes"]}
    assert datasets["Corners, training"]["dataRowsCount"] == 5
    assert datasets["Head phantoms"]["backingFolder"] == {"name": "Head CT"}
    assert datasets["Head phantoms"]["dataRowsCount"] == 26

    seen = "{ storageFolders { nodes { name viewerRole } } }"
    roles = {
        person.email.split("@")[0]: {
            folder["name"]: folder["viewerRole"]
            for folder in (await site.ask(seen, who=person.email))["storageFolders"]["nodes"]
        }
        for person in USERS
    }
    assert roles == {
        "curator": {"Field recordings": "ADMIN", "Radiology": "ADMIN", "Street scenes": "ADMIN"},
        "radiologist": {"Radiology": "USER", "Street scenes": "VIEWER"},
        "guest": {"Field recordings": "VIEWER", "Street scenes": "VIEWER"},
    }

    before = await count_rows(site)
    assert (await fill(site.url, site.keys["admin"])).keys == {}
    assert await count_rows(site) == before, "a second time adds nothing"


async def stop_demo(site: Site, moment: Callable[[], Awaitable[bool]]) -> bool:
    """Create the demo and stop it at some moment, as a kill would; return whether it was stopped before its end."""
    making = asyncio.create_task(fill(site.url, site.keys["admin"]))
    while not making.done() and not await moment():
        await asyncio.sleep(0)
    making.cancel()
    [ended] = await asyncio.gather(making, return_exceptions=True)
    assert isinstance(ended, DemoResult | asyncio.CancelledError)
    return not isinstance(ended, DemoResult)


@pytest.mark.parametrize("site", ["embedded"], indirect=True)
async def test_a_partial_collection_is_completed(site: Site) -> None:
    """Stopped during uploads, then after some more changes each time; finally it is complete without duplicates."""
    waiting = sa.select(uploads.c.item_uuid).where(uploads.c.unit_uuid.is_(None)).limit(1)

    async def is_sending() -> bool:
        return bool(await site.services.database.rows(waiting, sa.Row))

    assert await stop_demo(site, is_sending)
    times = 0
    while await stop_demo(site, partial(has_changed, site, (await count_rows(site))[changes.name] + 4 + 3 * times)):
        times += 1
    assert times > 3, "it was interrupted several times"
    assert count_by_type(await site.ask(TREE)) == KINDS
    counts = await count_rows(site)
    assert (counts["folders"], counts["groups"], counts["users"], counts["datasets"]) == (9, 3, 4, 2)
    assert counts["data_rows"] == 31


async def has_changed(site: Site, count: int) -> bool:
    """Return whether that many changes are in the journal."""
    return (await count_rows(site))[changes.name] >= count


async def test_a_site_that_refuses_or_is_unreachable_is_reported_in_one_line(site: Site) -> None:
    await site.user("somebody@example.org")
    with pytest.raises(SiteError, match="requires the site role ADMIN"):
        await fill(site.url, site.keys["somebody@example.org"])
    with pytest.raises(SiteError, match=r"No Storegraph site answers at http://127\.0\.0\.1:1/graphql"):
        await fill("http://127.0.0.1:1", "no-key")
