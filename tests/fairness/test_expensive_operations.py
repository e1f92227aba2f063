"""Twelve expensive operations of one member hardly slow down the pages of another.

Each operation is expensive alone and within the limits, so that this is about shares and not about
query plans.
"""

import asyncio

import pytest

from gateway.database.engine import Database
from gateway.generate.fill import generate
from tests.fairness.__main__ import search
from tests.fairness.arena import Arena, open_arena, p95
from tests.speed.databases import prepare_database

FACETS = "facets(by: [{attribute: ITEM_TYPE}, {attribute: MIME_TYPE}, {attribute: CREATED_MONTH}]) { otherCount }"
SLOWEST = (
    "{ searchStorageItems(first: 700, filter: {isInDataset: false}, orderBy: {field: DURATION})"
    f" {{ totalCount {FACETS} nodes {{ uuid name }} }} }}",
    '{ searchStorageItems(first: 1, filter: {any: [{search: "e"}, {width: {from: 1}}, {fileSize: {from: 10}}]},'
    f" orderBy: {{field: NATURAL_NAME}}) {{ totalCount {FACETS} nodes {{ uuid }} }} }}",
    "{ storageFolders(first: 3) { nodes { descendantItems(first: 100,"
    ' filter: {not: {search: "zzzz"}}, orderBy: {field: SIZE, direction: DESC})'
    f" {{ totalCount {FACETS} nodes {{ uuid name fileSize }} }} }} }} }}",
)
"""Documents of the kinds that a search over the schema found to be the slowest on both databases."""
MOST, EXPENSIVE = 4.0, 5.0
"""Times as long as an idle page: what pages may take under attack, and what each operation takes at least."""
ATTEMPTS = 5
"""Attempts, since other work on the machine delays pages, too."""


async def attack(arena: Arena, documents: list[str], seconds: float) -> float:
    """Return how much longer pages take under attack: the ratio of the latencies that 95 % do not exceed."""
    await arena.pages(0.5)  # warms up what is cached
    ratios = []
    for _ in range(ATTEMPTS):
        idle = await arena.pages(seconds)
        busy = await arena.pages_under_attack(documents, seconds)
        ratios.append(p95(busy) / p95(idle))
        print(f"p95 idle {p95(idle) * 1000:.1f} ms, under attack {p95(busy) * 1000:.1f} ms: {ratios[-1]:.2f} times")
        if ratios[-1] < MOST:
            break
    return min(ratios)


@pytest.mark.long
async def test_pages_of_others_stay_quick(database_url: str) -> None:
    database = Database(database_url)
    try:
        await generate(database, 100, 10_000, seed=7)
    finally:
        await database.close()
    async with open_arena(database_url) as arena:
        idle = await arena.pages(1)
        for document in SLOWEST:
            took, answer = await arena.run(document)
            assert "errors" not in answer, answer["errors"]
            assert took > EXPENSIVE * idle[len(idle) // 2], (document, took)
        assert await attack(arena, list(SLOWEST), 2) < MOST


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["postgresql", "sqlite"])
def test_pages_of_others_stay_quick_whatever_the_schema_allows(kind: str) -> None:
    """The operations are the three slowest of a search over the schema, on 100,000 items."""

    async def run(url: str) -> float:
        async with open_arena(url) as arena:
            idle = await arena.pages(2)
            slowest = (await search(arena, 120, seed=1))[:3]
            print("\n".join(f"{took:.2f} s alone: {document}" for took, document in slowest))
            assert slowest[-1][0] > EXPENSIVE * idle[len(idle) // 2]
            return await attack(arena, [document for _, document in slowest], 8)

    with prepare_database(kind, 100_000) as filled:
        assert asyncio.run(run(filled.url)) < MOST
