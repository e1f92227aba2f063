"""Documents of frontends cost no more on a larger site: what the databases do for them is counted."""

from pathlib import Path

import pytest

from gateway.context import Services
from tests.fixtures.sized_sites import DOCUMENTS, add_jobs_and_community, filled_site, statements_of, variables_of
from tests.fixtures.work import work_of

SMALL, LARGE = 13_000, 39_000
"""Items of the two sites. Both have folders and datasets of the same size."""
MOST_GROWTH = 1.6
SMALL_WORK = {"sqlite": 5_000, "postgresql": 1_000}
"""Steps of SQLite, and rows that PostgreSQL reads, that are little in any case."""
_ON_BOTH = {
    "advanced_search": "facets and the total count what matches, up to the limit of counts",
    "search": "the total counts what matches, up to the limit of counts",
    "newest_images": "likewise",
    "search_all": "likewise",
    "search_newest": "likewise",
}
GROWING = {
    "sqlite": _ON_BOTH,
    "postgresql": _ON_BOTH
    | {
        "recent_edits": "tests the first rows of the whole site",
    },
}
"""Documents whose work grows with the site, by database, and why."""


async def work_by_document(services: Services) -> dict[str, int]:
    variables = await variables_of(services.database)
    done = {}
    for name, text in DOCUMENTS.items():
        given = {key: value for key, value in variables.items() if f"${key}:" in text}
        statements = await statements_of(services, text, given)
        done[name] = sum([await work_of(services.database, *each) for each in statements])
    return done


@pytest.mark.parametrize("kind", ["embedded", "scaled"])
async def test_work_does_not_grow_with_the_site(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with filled_site(kind, SMALL, request, tmp_path / "small") as services:
        await add_jobs_and_community(services.database)
        small = await work_by_document(services)
    async with filled_site(kind, LARGE, request, tmp_path / "large") as services:
        await add_jobs_and_community(services.database)
        large, dialect = await work_by_document(services), services.database.dialect
    print({name: (small[name], large[name]) for name in small})
    growing = {name for name in small if large[name] > MOST_GROWTH * small[name] + SMALL_WORK[dialect]}
    unexpected = growing - set(GROWING[dialect])
    assert not unexpected, {name: (small[name], large[name]) for name in unexpected}
