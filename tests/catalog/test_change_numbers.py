"""Changes are followed by numbers in the order of their commits: none is missed, and none comes twice."""

import asyncio
from collections.abc import AsyncIterator
from random import Random
from uuid import UUID

import pytest
import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.models.changes import change_places
from tests.fixtures.clocks import part_clocks
from tests.fixtures.sites import Site
from tests.fixtures.watching import subscribe

pytestmark = pytest.mark.asyncio(loop_scope="module")

WRITERS, ROUNDS, FOLLOWERS = 6, 8, 4
WATCH = """subscription($folder: UUID!, $recursive: Boolean!, $after: BigInt) {
  storageChanged(folderUuid: $folder, recursive: $recursive, after: $after) { latest changes { uuid objectUuid } }
}"""


JOURNALS = """query($u: UUID!) { storageFolder(uuid: $u) {
  journal(first: 1000) { nodes { uuid } }
  descendantJournal(first: 1000) { nodes { uuid } }
} }"""


def uuids(journal: dict[str, list[dict[str, str]]]) -> list[str]:
    return [change["uuid"] for change in journal["nodes"]]


async def write(site: Site, folders: list[str], random: Random) -> None:
    """Commit changes of folders in transactions of all lengths, some of which are rolled back."""
    for _ in range(ROUNDS):
        try:
            async with site.services.database.writing() as transaction:
                for _ in range(random.randint(1, 3)):
                    folder = UUID(random.choice(folders))
                    entry = JournalEntry("CANCEL", "StorageFolder", folder, folder)
                    await journal.append(transaction, None, [entry])
                    await asyncio.sleep(random.random() / 100)
                if random.random() < 0.2:
                    raise ZeroDivisionError
        except ZeroDivisionError:
            pass


async def batches(site: Site, folder: str, recursive: bool, random: Random) -> AsyncIterator[dict[str, object]]:
    """Yield the events of a client that connects again and again, and resumes after its last event."""
    after = None
    while True:
        variables = {"folder": folder, "recursive": recursive, "after": after}
        async with subscribe(site, {"query": WATCH, "variables": variables}) as [watch]:
            wanted = random.randint(1, 4)
            seen = 0
            while seen < wanted:
                await watch.until(lambda watch, seen=seen: len(watch.states) > seen, 30)
                for event in watch.states[seen:]:
                    after = event["latest"]
                    yield event
                seen = len(watch.states)


async def placed(site: Site, folders: list[str]) -> list[str]:
    """Return the changes in folders in the order of their numbers."""
    chosen = (
        sa.select(change_places.c.change_uuid, change_places.c.sequence)
        .distinct()
        .where(change_places.c.folder_uuid.in_([UUID(folder) for folder in folders]))
        .order_by(change_places.c.sequence)
    )
    rows = await site.services.database.rows(chosen, sa.Row)
    assert len({row.sequence for row in rows}) == len(rows)
    return [str(row.change_uuid) for row in rows]


@pytest.mark.parametrize("are_apart", [False, True], ids=["one clock", "clocks apart"])
async def test_followers_get_each_change_once_in_order(
    shared_site: Site, monkeypatch: pytest.MonkeyPatch, are_apart: bool
) -> None:
    """Whoever resumes, watches one folder or a tree, or shares the stream of another.

    The clocks of the writers do not matter, and journals have the same order.
    """
    site, random = shared_site, Random(7)
    if are_apart:
        part_clocks(monkeypatch, random)
    top = await site.folder("numbered")
    below = [await site.folder(f"{number}", top) for number in range(3)]
    tree = [top, *below]
    before = {False: await placed(site, [top]), True: await placed(site, tree)}
    received: list[list[str]] = [[] for _ in range(FOLLOWERS)]
    started = [asyncio.Event() for _ in range(FOLLOWERS)]

    async def follow(number: int) -> None:
        async for event in batches(site, top, number % 2 == 1, Random(number)):
            started[number].set()
            received[number] += [change["uuid"] for change in event["changes"]]  # type: ignore[attr-defined]

    following = [asyncio.create_task(follow(number)) for number in range(FOLLOWERS)]
    try:
        await asyncio.gather(*(each.wait() for each in started))
        await asyncio.gather(*(write(site, tree, Random(random.random())) for _ in range(WRITERS)))
        expected = {False: (await placed(site, [top])), True: (await placed(site, tree))}
        for number, changes in enumerate(received):
            recursive = number % 2 == 1
            new = expected[recursive][len(before[recursive]) :]
            async with asyncio.timeout(30):
                while len(changes) < len(new) and not following[number].done():
                    await asyncio.sleep(0.02)
            assert changes == new
            assert new
        listed = (await site.ask(JOURNALS, {"u": top}))["storageFolder"]
        assert uuids(listed["journal"]) == expected[False][::-1]
        assert uuids(listed["descendantJournal"]) == expected[True][::-1]
    finally:
        for task in following:
            task.cancel()
        await asyncio.wait(following)


async def test_numbers_of_changes_have_no_gaps(shared_site: Site) -> None:
    numbers = await shared_site.services.database.rows(
        sa.select(change_places.c.sequence).distinct().order_by(change_places.c.sequence), sa.Row
    )
    assert [row.sequence for row in numbers] == list(range(1, len(numbers) + 1))
