"""Documents of frontends cost no more on a larger site: what the databases do for them is counted."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.auth.anonymous import anonymous_viewer
from gateway.context import Services, open_context
from gateway.database.engine import Database
from gateway.models.folders import folders
from gateway.models.metadata import metadata_keys
from resolvers.metadata_entries import metadata_vocabulary
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
    "last_names": "sorts all names with the text, of which a small site has few",
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
        # What is kept of a viewer for a minute is looked up by the first run, whose turn it is by chance.
        await statements_of(services, text, given)
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


@pytest.mark.parametrize("kind", ["embedded", "scaled"])
async def test_vocabulary_without_a_credential_costs_what_is_public(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with filled_site(kind, 4_000, request, tmp_path / "open", per_folder=10) as services:
        database, sent = services.database, []
        async with database.writing() as transaction:
            used = (await transaction.execute(sa.select(metadata_keys.c.folder_uuid).limit(1))).scalar_one()
            await transaction.execute(sa.update(folders).where(folders.c.uuid == used).values(is_public=True))
        rows = Database.rows

        async def noting(self: Database, statement: sa.Select[Any], kind: Any) -> Any:
            sent.append(statement.compile(dialect=self.sql_dialect, compile_kwargs={"literal_binds": True}).string)
            return await rows(self, statement, kind)

        monkeypatch.setattr(Database, "rows", noting)
        assert await metadata_vocabulary(open_context(services, anonymous_viewer(None), "work"))
        (statement,) = sent
        parameters: Any = () if database.is_embedded else {}
        assert 0 < await work_of(database, statement, parameters) < SMALL_WORK[database.dialect]
