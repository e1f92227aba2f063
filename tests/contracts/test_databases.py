"""Contract of databases: reading and writing, and migrations that match the row classes."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlmodel import SQLModel

import gateway.models  # noqa: F401 - fills the metadata
from gateway.clock import now
from gateway.database.dialects import as_key_array, blocking_url, in_bound_keys, in_keys
from gateway.database.dialects import database_url as engine_url
from gateway.database.engine import Database, Transaction
from gateway.database.migrate import DatabaseVersion, check_current, database_version, is_ours, migrate
from gateway.ids import uuid7
from gateway.models.people import groups
from gateway.settings import NotConfigured
from tests.fixtures.databases import open_database
from tests.processes import free_ports
from tests.servers import PostgresServer

WRITERS = 8
ODD = ["", "a", '"', "\\", '\\"', "{}", "{a,b}", ",", "NULL", "'", "ü 🦊", " a ", "%s", "(keys)"]


async def add(transaction: Transaction, name: str) -> None:
    row = {"uuid": uuid7(), "name": name, "name_key": name, "description": "", "created_at": now()}
    await transaction.execute(sa.insert(groups).values(row))


async def names(database: Database) -> list[str]:
    return [row.name for row in await database.rows(sa.select(groups.c.name).order_by(groups.c.name_key), sa.Row)]


async def test_writes_are_committed_at_the_end_of_the_block(database: Database) -> None:
    async with database.writing() as transaction:
        await add(transaction, "a")
    assert await names(database) == ["a"]


async def test_exception_rolls_back(database: Database) -> None:
    done: list[str] = []

    async def fail() -> None:
        async with database.writing() as transaction:
            transaction.on_commit(lambda: done.append("committed"))
            await add(transaction, "a")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await names(database) == []
    assert done == []


async def test_cancellation_rolls_back(database: Database) -> None:
    inside = asyncio.Event()

    async def write() -> None:
        async with database.writing() as transaction:
            await add(transaction, "a")
            inside.set()
            await asyncio.Event().wait()

    writing = asyncio.create_task(write())
    await inside.wait()
    writing.cancel()
    await asyncio.wait([writing])
    async with database.writing() as transaction:
        await add(transaction, "b")
    assert await names(database) == ["b"]


async def test_commit_actions_run_in_order_after_the_commit(database: Database) -> None:
    done: list[str] = []
    async with database.writing() as transaction:
        transaction.on_commit(lambda: done.append("first"))
        transaction.on_commit(lambda: done.append("second"))
        await add(transaction, "a")
        assert done == []
    assert done == ["first", "second"]


async def test_commit_hooks_run_within_the_transaction(database: Database) -> None:
    async def hook(transaction: Transaction) -> None:
        await add(transaction, "by the hook")

    database.before_commit(hook)
    async with database.writing() as transaction:
        await add(transaction, "a")
    with suppress(ZeroDivisionError):
        async with database.writing() as transaction:
            raise ZeroDivisionError
    assert await names(database) == ["a", "by the hook"]


async def test_statement_hooks_see_every_statement_while_they_are_registered(database: Database) -> None:
    seen: list[str] = []
    await database.fetch("SELECT 1", ())
    with database.observing_statements(seen.append):
        await database.fetch("SELECT 2", ())
        await database.rows(sa.select(sa.literal_column("3")), sa.Row)
    await database.fetch("SELECT 4", ())
    assert [text for text in seen if text.startswith("SELECT")] == ["SELECT 2", "SELECT 3"]


async def test_uncommitted_rows_are_not_visible(database: Database) -> None:
    async with database.writing() as transaction:
        await add(transaction, "a")
        assert await names(database) == []


async def test_reading_block_sees_one_snapshot(database: Database) -> None:
    count = sa.select(sa.func.count()).select_from(groups)
    async with database.reading() as connection:
        assert await connection.scalar(count) == 0
        async with database.writing() as transaction:
            await add(transaction, "a")
        assert await connection.scalar(count) == 0
    assert await names(database) == ["a"]


async def test_reading_block_writes_nothing(database: Database) -> None:
    row = {"uuid": uuid7(), "name": "a", "name_key": "a", "description": "", "created_at": now()}
    async with database.reading() as connection:
        with suppress(sa.exc.DBAPIError):  # refused immediately is fine too
            await connection.execute(sa.insert(groups).values(row))
    assert await names(database) == []


@pytest.mark.parametrize("keys", [ODD, [key for key in ODD if not {'"', "\\"} & set(key)]], ids=["odd", "plain"])
async def test_keys_with_any_characters_match(database: Database, keys: list[str]) -> None:
    """With the engine, and with the driver alone."""
    async with database.writing() as transaction:
        for name in [*keys, "another"]:
            await add(transaction, name)
    statement = sa.select(groups.c.name).where(in_bound_keys(groups.c.name, "keys"))
    compiled = statement.compile(dialect=database.sql_dialect)
    by_engine = await database.rows(statement, sa.Row, parameters={"keys": keys})
    text = as_key_array(database.dialect, keys)
    by_driver = await database.fetch(str(compiled), (text,) if compiled.positional else {"keys": text})
    assert {row.name for row in by_engine} == {row[0] for row in by_driver} == set(keys)


async def test_keys_of_any_type_match(database: Database) -> None:
    async with database.writing() as transaction:
        await add(transaction, "a")
    [uuid] = [row.uuid for row in await database.rows(sa.select(groups.c.uuid), sa.Row)]
    length = sa.func.length(groups.c.name, type_=sa.Integer())
    for column, keys in (
        (groups.c.uuid, [uuid]),
        (groups.c.uuid, [uuid7(), None, uuid]),
        (length, [1]),
        (length, [None, 1]),
    ):
        rows = await database.rows(sa.select(groups.c.uuid).where(in_keys(column, keys)), sa.Row)
        assert [row.uuid for row in rows] == [uuid], keys
    for none in ([], [None]):
        assert not await database.rows(sa.select(groups.c.uuid).where(in_keys(groups.c.uuid, none)), sa.Row)


async def test_concurrent_writers_lose_no_updates(database: Database) -> None:
    await start_counter(database)
    await asyncio.gather(*(count_up(database, 5) for _ in range(WRITERS)))
    assert await counter(database) == 5 * WRITERS


async def test_writers_of_other_processes_lose_no_updates(database: Database) -> None:
    """`Database` objects share nothing, like processes."""
    await start_counter(database)
    async with AsyncExitStack() as stack:
        url = database.url.render_as_string(hide_password=False)
        others = [await stack.enter_async_context(open_database(url)) for _ in range(WRITERS)]
        await asyncio.gather(*(count_up(other, 3) for other in others))
    assert await counter(database) == 3 * WRITERS


async def start_counter(database: Database) -> None:
    async with database.writing() as transaction:
        await add(transaction, "counter")
        await transaction.execute(sa.update(groups).values(description="0"))


async def count_up(database: Database, times: int) -> None:
    """Increment the counter by a read and a write: SQLite has one writer, PostgreSQL locks the row."""
    for _ in range(times):
        async with database.writing() as transaction:
            row = await transaction.single(sa.select(groups.c.description).with_for_update(), sa.Row)
            await asyncio.sleep(0)
            await transaction.execute(sa.update(groups).values(description=str(int(row.description) + 1)))


async def counter(database: Database) -> int:
    [row] = await database.rows(sa.select(groups.c.description), sa.Row)
    return int(row.description)


@pytest.fixture(params=["embedded", "postgres"])
def empty_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of an empty database."""
    if request.param == "embedded":
        yield f"sqlite:///{tmp_path_factory.mktemp('empty') / 'new' / 'storegraph.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create_database()
    yield url
    server.drop_database(url)


def test_empty_database_is_current_once_migrated(empty_url: str) -> None:
    for _ in range(2):
        migrate(empty_url)
        assert database_version(empty_url) is DatabaseVersion.CURRENT


def test_older_and_newer_databases_are_told_apart(database_url: str) -> None:
    """A newer one is also left alone by migrations."""
    set_revision(database_url, "9999")
    for check in (check_current, migrate):
        with pytest.raises(NotConfigured, match="was migrated by a newer version of Storegraph"):
            check(database_url)
    set_revision(database_url, "0001")
    with pytest.raises(NotConfigured, match=r"is behind this version\. Run: storegraph migrate"):
        check_current(database_url)


def set_revision(url: str, revision: str) -> None:
    engine = sa.create_engine(blocking_url(engine_url(url)))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = :new"), {"new": revision})
    engine.dispose()


def test_a_database_that_cannot_be_opened_is_reported_in_one_sentence(tmp_path: Path) -> None:
    for url in (f"postgresql://nobody@127.0.0.1:{free_ports(1)[0]}/x", f"sqlite:///{tmp_path}"):
        with pytest.raises(NotConfigured, match=r"^Cannot open the database: [^\n]+$"):
            check_current(url)


def test_migrated_schema_equals_the_row_classes(database_url: str) -> None:
    assert differences(database_url) == []


def test_missing_column_is_detected(database_url: str) -> None:
    engine = sa.create_engine(blocking_url(engine_url(database_url)), poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE groups DROP COLUMN description"))
    engine.dispose()
    assert [difference[0] for difference in differences(database_url)] == ["add_column"]


def differences(url: str) -> list[tuple[object, ...]]:
    """Return the operations of a migration that Alembic would generate."""
    engine = sa.create_engine(blocking_url(engine_url(url)), poolclass=sa.NullPool)
    options = {"compare_type": True, "include_object": is_ours}
    with engine.connect() as connection:
        operations: list[tuple[object, ...]] = compare_metadata(
            MigrationContext.configure(connection, opts=options), SQLModel.metadata
        )
    engine.dispose()
    return operations
