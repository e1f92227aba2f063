"""The demo collection: what is in it, that it is made once, and that a half-made one is completed."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel

from gateway.demo.client import DemoError
from gateway.demo.collection import DemoResult, fill
from gateway.demo.contents import USERS
from gateway.models.changes import changes
from gateway.models.queue import queued_tasks
from gateway.models.uploads import uploads
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
    "DICOM_FILE": 24,
    "DICOM_SERIES": 1,
    "AUDIO": 3,
    "NIFTI": 1,
    "PDF": 1,
    "PLAIN_TEXT": 2,
}


def kinds(tree: dict[str, Any]) -> Counter[str]:
    """How many items of each type lie in a tree; none may be a placeholder."""
    roots = tree["storageFolders"]["nodes"]
    folders = [*roots, *(below for root in roots for below in root["subfolders"]["nodes"])]
    found = [item for folder in folders for item in folder["items"]["nodes"]]
    assert not any(item["isPlaceholder"] for item in found)
    return Counter(item["itemType"] for item in found)


async def rows(site: Site) -> dict[str, int]:
    """How many rows every table has, that of the queue apart."""
    tables = [table for table in SQLModel.metadata.sorted_tables if table is not queued_tasks]
    counts = [
        (await site.services.database.rows(sa.select(sa.func.count()).select_from(table), sa.Row))[0]
        for table in tables
    ]
    return {table.name: count[0] for table, count in zip(tables, counts, strict=True)}


async def test_every_kind_comes_in_once_and_each_sees_what_he_may(site: Site) -> None:
    collection = await fill(site.url, site.keys["admin"])
    site.keys |= collection.keys
    tree = await site.ask(TREE)
    assert kinds(tree) == KINDS
    datasets = {dataset["title"]: dataset for dataset in tree["datasets"]["nodes"]}
    assert datasets["Corners, training"]["dataRowsCount"] == 5
    assert datasets["Head phantoms"]["backingFolder"] == {"name": "Head CT"}
    assert datasets["Head phantoms"]["dataRowsCount"] == 25

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

    before = await rows(site)
    assert (await fill(site.url, site.keys["admin"])).keys == {}
    assert await rows(site) == before, "a second time adds nothing"


async def cut_off(site: Site, moment: Callable[[], Awaitable[bool]]) -> bool:
    """Make the demo and end it at a moment, as a kill would; whether it was ended before it was whole."""
    making = asyncio.create_task(fill(site.url, site.keys["admin"]))
    while not making.done() and not await moment():
        await asyncio.sleep(0)
    making.cancel()
    [ended] = await asyncio.gather(making, return_exceptions=True)
    assert isinstance(ended, DemoResult | asyncio.CancelledError)
    return not isinstance(ended, DemoResult)


@pytest.mark.parametrize("site", ["embedded"], indirect=True)
async def test_what_was_left_half_made_is_completed(site: Site) -> None:
    """Ended while files are sent, then each time some changes later; at last it is whole and nothing is double."""
    waiting = sa.select(uploads.c.item_uuid).where(uploads.c.unit_uuid.is_(None)).limit(1)

    async def is_sending() -> bool:
        return bool(await site.services.database.rows(waiting, sa.Row))

    assert await cut_off(site, is_sending)
    times = 0
    while await cut_off(site, partial(has_changed, site, (await rows(site))[changes.name] + 4 + 3 * times)):
        times += 1
    assert times > 3, "it was ended several times before"
    assert kinds(await site.ask(TREE)) == KINDS
    counts = await rows(site)
    assert (counts["folders"], counts["groups"], counts["users"], counts["datasets"]) == (9, 3, 4, 2)
    assert counts["data_rows"] == 30


async def has_changed(site: Site, count: int) -> bool:
    """Whether so many changes have been recorded by now."""
    return (await rows(site))[changes.name] >= count


async def test_a_site_that_refuses_or_is_not_there_is_told_in_a_line(site: Site) -> None:
    await site.user("somebody@example.org")
    with pytest.raises(DemoError, match="Only site admins may do this"):
        await fill(site.url, site.keys["somebody@example.org"])
    with pytest.raises(DemoError, match=r"No Storegraph site answers at http://127\.0\.0\.1:1/graphql"):
        await fill("http://127.0.0.1:1", "no-key")
