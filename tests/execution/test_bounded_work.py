"""Documents of frontends cost no more on a larger site: what the databases do for them is counted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.auth.accounts import viewer_of_email
from gateway.context import Services, open_context
from gateway.database.engine import Database
from gateway.execution.compiled.executor import CompiledExecutor
from gateway.execution.operations import OperationRequest, Operations
from gateway.generate.fill import generate
from gateway.kinds.item_kinds import StorageItemType
from gateway.limits import Limits
from gateway.models.datasets import data_rows
from gateway.models.dicom import dicom_series, dicom_studies
from gateway.models.folders import folder_counters
from gateway.models.items import items
from gateway.wiring import open_services
from schema.api import api
from tests.fixtures.sites import fresh_settings
from tests.fixtures.work import work_of
from tests.house.sources import ROOT

DOCUMENTS = {each.stem: each.read_text() for each in sorted((ROOT / "tests" / "queries").glob("*.graphql"))}
SMALL, LARGE = 13_000, 39_000
"""Items of the two sites. Both have folders and datasets of the same size."""
PER_FOLDER, SUBFOLDERS, INSTANCES = 40, 2, 600
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


async def one(database: Database, statement: sa.Select[Any]) -> str:
    """Return the first value of a statement, as variables have it."""
    async with database.reading() as connection:
        return str((await connection.execute(statement.limit(1))).scalar_one())


async def variables_of(database: Database) -> dict[str, Any]:
    """Return objects that are alike on sites of any size, under the names of the documents' variables."""
    counted = folder_counters.c
    is_typical = counted.folders == SUBFOLDERS
    near = sa.select(counted.folder_uuid).where(is_typical).order_by(sa.func.abs(counted.files - PER_FOLDER))
    folder = await one(database, near.order_by(counted.folder_uuid))
    rows = sa.select(data_rows.c.dataset_uuid).group_by(data_rows.c.dataset_uuid).order_by(sa.func.count())
    scans = sa.select(dicom_series.c.folder_uuid).group_by(dicom_series.c.folder_uuid).order_by(sa.func.count())
    scanned = await one(database, scans)
    async with database.reading() as connection:
        few = list((await connection.execute(sa.select(items.c.uuid).order_by(items.c.uuid).limit(20))).scalars())
        listed = sa.select(dicom_studies.c.study_uid).order_by(dicom_studies.c.study_uid).limit(5)
        uids = list((await connection.execute(listed)).scalars())
    group = sa.select(items.c.uuid).where(items.c.item_type == StorageItemType.IMAGE_GROUP).order_by(items.c.uuid)
    return {
        "folder": folder,
        "pictures": folder,
        "dataset": await one(database, rows),
        "item": await one(database, group),
        "items": [str(uuid) for uuid in few],
        "text": "amber",
        "studies": scanned,
        "dicom": scanned,
        "study": uids[0],
        "uids": uids,
    }


@asynccontextmanager
async def filled_site(kind: str, size: int, request: pytest.FixtureRequest, path: Path) -> AsyncIterator[Services]:
    """Open a generated site of so many items and some DICOM instances."""
    path.mkdir()
    with fresh_settings(kind, request, path) as settings:
        async with open_services(settings) as services:
            await generate(services.database, size // PER_FOLDER, size, 7, instance_count=INSTANCES)
            async with services.database.writing() as transaction:
                await transaction.connection.exec_driver_sql("ANALYZE")
            yield services


async def statements_of(services: Services, text: str, variables: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the statements of a document that a member sends, with their parameters."""
    database, seen = services.database, []
    viewer = await viewer_of_email(database, "member01@example.org", None)
    assert viewer
    operations = Operations(api, Limits(), CompiledExecutor(api, database.sql_dialect, Limits().cost))
    fetch = database.fetch

    async def noting(statement: str, parameters: Any) -> list[tuple[Any, ...]]:
        seen.append((statement, parameters))
        return await fetch(statement, parameters)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "fetch", lambda _self, statement, parameters: noting(statement, parameters))
        request = OperationRequest(text, variables, request_id="work")
        answer = await operations.execute(request, open_context(services, viewer, "work"))
    assert not answer.errors, answer.errors
    return seen


async def work_by_document(services: Services) -> dict[str, int]:
    variables = await variables_of(services.database)
    done = {}
    for name, text in DOCUMENTS.items():
        if "$community" in text or "$job:" in text:
            continue  # generated sites have none
        given = {key: value for key, value in variables.items() if f"${key}:" in text}
        statements = await statements_of(services, text, given)
        done[name] = sum([await work_of(services.database, *each) for each in statements])
    return done


@pytest.mark.parametrize("kind", ["embedded", "scaled"])
async def test_work_does_not_grow_with_the_site(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with filled_site(kind, SMALL, request, tmp_path / "small") as services:
        small = await work_by_document(services)
    async with filled_site(kind, LARGE, request, tmp_path / "large") as services:
        large, dialect = await work_by_document(services), services.database.dialect
    print({name: (small[name], large[name]) for name in small})
    growing = {name for name in small if large[name] > MOST_GROWTH * small[name] + SMALL_WORK[dialect]}
    unexpected = growing - set(GROWING[dialect])
    assert not unexpected, {name: (small[name], large[name]) for name in unexpected}
