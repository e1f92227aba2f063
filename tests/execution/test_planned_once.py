"""PostgreSQL plans the statements of documents once, and not anew for each key."""

from pathlib import Path
from typing import Any

import pytest

from gateway.context import Services
from gateway.database.served_reader import ServedReader
from tests.fixtures.sized_sites import DOCUMENTS, add_jobs_and_community, filled_site, statements_of, variables_of

SIZE = 13_000
TIMES = 20
"""A reader prepares a statement after five uses, and PostgreSQL decides after five more."""
LATEST = "SELECT generic_plans FROM pg_prepared_statements ORDER BY prepare_time DESC LIMIT 1"
_ROWS = "a page is a small part of the rows of a dataset"
_KINDS = "kinds are rare or frequent, and a page is a small part of the site"
_WALK = "walks a small part of the site"
PLANNED_EACH_TIME = {
    "advanced_search": _WALK,
    "dataset_page": _ROWS,
    "dataset_rows": _ROWS,
    "datasets_overview": _ROWS,
    "jpegs_below": _WALK,
    "large_files_below": _WALK,
    "largest_videos": _KINDS,
    "media_by_name": _KINDS,
    "newest_images": _KINDS,
    "recent_edits": _WALK,
}
"""Documents of which PostgreSQL expects less for the values of a request, and why."""


async def planned_each_time(services: Services, text: str, given: dict[str, Any]) -> list[str]:
    """Return the statements of a document that are planned for each execution."""
    reader = await ServedReader.open(services.database.url, None)
    found = []
    for statement, parameters in await statements_of(services, text, given):
        for _ in range(TIMES):
            await reader.fetch(statement, parameters)
        [(generic,)] = await reader.fetch(LATEST, None)
        if not int(generic):
            found.append(statement)
    await reader.close()
    return found


async def test_statements_of_documents_are_planned_once(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    found = {}
    async with filled_site("scaled", SIZE, request, tmp_path / "site") as services:
        await add_jobs_and_community(services.database)
        variables = await variables_of(services.database)
        for name, text in DOCUMENTS.items():
            given = {key: value for key, value in variables.items() if f"${key}:" in text}
            if statements := await planned_each_time(services, text, given):
                found[name] = statements
    unexpected = found.keys() - PLANNED_EACH_TIME.keys()
    assert not unexpected, {name: found[name] for name in unexpected}
