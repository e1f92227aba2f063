"""`storegraph generate` fills an empty database with a realistic site, the same for each seed."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
import sqlalchemy as sa
from pydicom import Dataset
from sqlmodel import SQLModel

from gateway.catalog.ledger.dicom_series import SopKey, refresh_series
from gateway.catalog.ledger.dicom_studies import lock_studies_of, refresh_studies
from gateway.database.engine import Database
from gateway.database.searches import name_contains
from gateway.dicom.documents import unpack
from gateway.errors import DomainError, ErrorCode
from gateway.generate import fill
from gateway.generate.fill import generate
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.datasets import data_rows, datasets
from gateway.models.dicom import (
    dicom_headers,
    dicom_instances,
    dicom_series,
    dicom_studies,
    dicom_study_places,
    dicom_tags,
)
from gateway.models.folders import folders
from gateway.models.items import group_members, items
from tests.commands.test_command_line import run
from tests.fixtures.databases import open_database
from tests.fixtures.invariants import check_counters

FOLDERS, ITEMS = 260, 2_000


async def read_contents(url: str) -> dict[str, list[str]]:
    """Return every row of every table."""
    async with open_database(url) as database:
        tables = SQLModel.metadata.sorted_tables
        return {table.name: sorted(map(repr, await database.rows(sa.select(table), sa.Row))) for table in tables}


async def generate_contents(template: Path, file: Path, seed: int) -> dict[str, list[str]]:
    """Return the content that a seed generates in an empty database."""
    url = f"sqlite:///{shutil.copy(template, file)}"
    async with open_database(url) as database:
        await generate(database, 30, 400, seed)
    return await read_contents(url)


async def test_the_requested_numbers_are_generated(database: Database) -> None:
    await generate(database, FOLDERS, ITEMS, 7)
    await check_counters(database)
    generated = await database.rows(sa.select(folders.c.uuid, folders.c.parent_uuid, folders.c.path), sa.Row)
    below = Counter(row.parent_uuid for row in generated)
    assert len(generated) == FOLDERS
    roots = [row.uuid for row in generated if row.parent_uuid is None]
    assert len(roots) == 20
    assert {below[root] for root in roots} == {10}
    paths = {row.uuid: row.path for row in generated}
    assert all(row.path == paths.get(row.parent_uuid, "") + row.uuid.hex for row in generated)
    kinds = await database.rows(
        sa.select(items.c.item_type, sa.func.count().label("found")).group_by(items.c.item_type), sa.Row
    )
    assert {row.item_type for row in kinds} == set(StorageItemType)
    assert sum(row.found for row in kinds) == ITEMS
    assert await database.rows(sa.select(group_members), sa.Row)


async def test_generated_studies_are_those_that_their_instances_form(database: Database) -> None:
    """Derived again from the instances, series and studies stay as they were generated."""
    await generate(database, FOLDERS, 100, 7, instance_count=900)
    await check_counters(database)
    before = await study_rows(database)
    async with database.writing() as transaction:
        rows = await transaction.rows(sa.select(dicom_instances), sa.Row)
        await lock_studies_of(transaction, (), [row.uuid for row in before[0]])
        await refresh_series(transaction, {SopKey(row.series_uuid, row.sop_instance_uid) for row in rows})
        await refresh_studies(transaction, [row.uuid for row in before[0]])
    assert len(rows) == 900
    assert await study_rows(database) == before
    first = await database.rows(sa.select(dicom_tags).limit(1), sa.Row)
    assert Dataset.from_json(orjson.dumps(unpack(first[0].document)).decode()).Modality


async def study_rows(database: Database) -> list[list[sa.Row[Any]]]:
    """Return all rows of studies, places, series and headers, without the times of changes."""
    tables = (dicom_studies, dicom_study_places, dicom_series, dicom_headers)
    return [
        await database.rows(
            sa.select(*(column for column in table.c if column.name != "last_edited_at")).order_by(*table.primary_key),
            sa.Row,
        )
        for table in tables
    ]


async def test_mirror_datasets_use_the_items_of_their_folders(database: Database) -> None:
    await generate(database, FOLDERS, ITEMS, 7)
    mirrors = await database.rows(sa.select(datasets).where(datasets.c.backing_folder_uuid.is_not(None)), sa.Row)
    assert len(mirrors) == 3
    for mirror in mirrors:
        used = sa.select(data_rows.c.item_uuid).where(data_rows.c.dataset_uuid == mirror.uuid)
        lies = sa.select(items.c.uuid).where(items.c.folder_uuid == mirror.backing_folder_uuid, ~items.c.is_placeholder)
        assert uuids(await database.rows(used, sa.Row)) == uuids(await database.rows(lies, sa.Row)) != []


def uuids(rows: list[tuple[UUID]]) -> list[UUID]:
    """Return the values of the only column, sorted."""
    return sorted(row[0] for row in rows)


async def test_a_seed_is_deterministic_and_seeds_differ(embedded_template: Path, tmp_path: Path) -> None:
    first, again = [await generate_contents(embedded_template, tmp_path / f"{number}.db", 7) for number in range(2)]
    assert first == again
    other = await generate_contents(embedded_template, tmp_path / "other.db", 8)
    assert not set(other["items"]) & set(first["items"])


async def test_a_database_with_anything_in_it_is_refused(embedded_database: Database) -> None:
    await generate(embedded_database, 1, 1, 1)
    with pytest.raises(DomainError) as refusal:
        await generate(embedded_database, 1, 1, 1)
    assert refusal.value.code is ErrorCode.CONFLICT


class Interrupted(Exception):
    """Stands for a signal, or for a machine that fails."""


async def test_an_interrupted_generation_is_recognized(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows are committed in several transactions; the counters, written last, show that it is complete."""
    monkeypatch.setattr(fill, "ITEMS_PER_BATCH", 50)
    monkeypatch.setattr(fill, "BATCHES_PER_TRANSACTION", 2)
    reported = []

    def interrupt(count: int) -> None:
        reported.append(count)
        if len(reported) == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        await generate(database, 30, 400, 7, interrupt)
    [stored] = await database.rows(sa.select(sa.func.count().label("items")).select_from(items), sa.Row)
    assert 0 < reported[0] < reported[1] == stored.items < 400
    with pytest.raises(DomainError, match="`storegraph generate` was interrupted") as refusal:
        await generate(database, 30, 400, 7)
    assert refusal.value.code is ErrorCode.CONFLICT


async def indexes(database: Database) -> list[tuple[str, str]]:
    """Return the name and definition of each index and trigger."""
    sqlite = "SELECT name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') ORDER BY name"
    postgresql = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"
    async with database.reading() as connection:
        rows = await connection.execute(sa.text(sqlite if database.is_embedded else postgresql))
        return [(row[0], row[1]) for row in rows]


async def test_names_are_indexed_at_the_end(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Indexes and SQLite's triggers are dropped while rows are loaded, and are there again afterwards."""
    monkeypatch.setattr(fill, "ITEMS_PER_BATCH", 50)
    before = await indexes(database)
    await generate(database, 3, 200, 7)
    assert await indexes(database) == before
    rows = await database.rows(sa.select(items.c.uuid, items.c.name_key), sa.Row)
    for row in rows[::20]:
        search = sa.select(items.c.uuid).where(name_contains(items.c.name_key, row.name_key[-12:]))
        assert [match.uuid for match in await database.rows(search, sa.Row)] == [row.uuid]
    async with database.writing() as transaction:
        renamed = sa.update(items).where(items.c.uuid == rows[0].uuid)
        await transaction.execute(renamed.values(name="Xylophone", name_key="xylophone"))
    search = sa.select(items.c.uuid).where(name_contains(items.c.name_key, "xylophone"))
    assert [match.uuid for match in await database.rows(search, sa.Row)] == [rows[0].uuid]


async def test_the_command_prints_the_next_step(tmp_path: Path) -> None:
    arguments = ("generate", "--folders", "25", "--items", "100", "--seed", "3")
    code, output, _ = await run(tmp_path, *arguments)
    assert code == 0
    hint = next(line for line in output.splitlines() if line.startswith("storegraph key create"))
    assert (await run(tmp_path, *hint.split()[1:]))[0] == 0
    code, _, errors = await run(tmp_path, *arguments)
    assert (code, errors.strip()) == (
        1,
        "The database is not empty. `storegraph generate` needs an empty one.",
    )
