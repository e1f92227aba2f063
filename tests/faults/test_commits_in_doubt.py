"""A connection that is lost during a commit: the answer says that the outcome is unknown, and only then."""

import asyncio
import random
import secrets
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs
from structlog.typing import EventDict

from gateway.database.outages import CommitUnknown, leaves_doubt
from gateway.models.folders import FolderRecord, folders
from tests.faults.test_kill import check_units, mixed_files
from tests.fixtures.invariants import check_all
from tests.fixtures.proxies import Link, Proxy, behind_proxy
from tests.fixtures.sites import Site, fresh_settings, serve_embedded
from tests.fixtures.uploading import LISTS, send_files, start_upload_job, wait_for_job

COMMIT = b"\x0bCOMMIT\0"
"""A simple query in PostgreSQL's protocol, of 11 bytes."""
CREATE = (
    "mutation($name: String!, $key: String) { createStorageFolder(input: {name: $name, idempotencyKey: $key}) "
    "{ folder { uuid } userErrors { code } } }"
)


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[EventDict]]:
    """Collect the log events of the test."""
    with capture_logs() as logs:
        yield logs


@pytest.fixture
async def proxied(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Site, Proxy]]:
    """Site without a worker whose connections to PostgreSQL pass through a proxy."""
    with fresh_settings("scaled", request, tmp_path) as settings:
        async with behind_proxy(settings, works=False) as site_and_proxy:
            yield site_and_proxy


async def is_stored(site: Site, name: str) -> bool:
    rows = await site.services.database.rows(sa.select(folders).where(folders.c.name == name), FolderRecord)
    return bool(rows)


def codes(body: dict[str, object]) -> list[str]:
    errors: list[dict[str, dict[str, str]]] = body.get("errors", [])  # type: ignore[assignment]  # JSON
    return [error["extensions"]["code"] for error in errors]


@pytest.mark.parametrize("is_committed", [True, False])
async def test_a_connection_that_is_lost_after_the_commit_was_sent_leaves_doubt(
    proxied: tuple[Site, Proxy], logs: list[EventDict], is_committed: bool
) -> None:
    """The same request with its idempotency key runs once, whatever has happened before."""
    site, proxy = proxied
    committing: set[Link] = set()

    def see_commit(link: Link, data: bytes) -> bool:
        if COMMIT not in data or committing:
            return True
        committing.add(link)
        if not is_committed:
            link.cut()
        return is_committed

    def cut_before_answer(link: Link, _data: bytes) -> bool:
        if link in committing:
            link.cut()
        return link not in committing

    proxy.on_request, proxy.on_response = see_commit, cut_before_answer
    name, key = f"in doubt {is_committed}", secrets.token_hex(8)
    body = await site.body(CREATE, {"name": name, "key": key})
    assert committing
    assert codes(body) == ["COMMIT_UNKNOWN"]
    assert await is_stored(site, name) is is_committed
    again = await site.ask(CREATE, {"name": name, "key": key})
    assert again["createStorageFolder"]["userErrors"] == []
    assert again["createStorageFolder"]["folder"]
    assert not [event for event in logs if event.get("exc_info")]
    assert [event["event"] for event in logs].count("commit_unknown") == 1


async def test_a_connection_that_is_lost_before_leaves_none(proxied: tuple[Site, Proxy]) -> None:
    """At any statement of the transaction before its commit, also if the server has just closed the connection."""
    site, proxy = proxied
    await site.folder("first")
    seen: list[int] = []

    def count(link: Link, _data: bytes) -> bool:
        seen.append(id(link))
        return True

    proxy.on_request = count
    await site.folder("second")
    assert len(seen) > 5
    for number in range(1, len(seen)):
        remaining = number

        def cut_at(link: Link, data: bytes) -> bool:
            nonlocal remaining
            remaining -= 1
            if remaining == 0 and COMMIT not in data:
                link.cut()
                return False
            return True

        proxy.on_request = cut_at
        body = await site.body(CREATE, {"name": f"cut {number}"})
        proxy.on_request = lambda _link, _data: True
        assert codes(body) in ([], ["UNAVAILABLE"]), number
        assert await is_stored(site, f"cut {number}") == (codes(body) == [])


async def test_a_commit_is_not_sent_on_a_connection_that_the_server_has_closed(proxied: tuple[Site, Proxy]) -> None:
    site, _ = proxied
    database = site.services.database

    async def write_after_the_server_has_closed() -> None:
        async with database.writing() as transaction:
            [mine] = await transaction.rows(sa.select(sa.func.pg_backend_pid().label("pid")), sa.Row)
            await database.rows(sa.select(sa.func.pg_terminate_backend(mine.pid, 2_000)), sa.Row)
            await asyncio.sleep(0.2)  # the proxy passes it on

    with pytest.raises(sa.exc.OperationalError):
        await write_after_the_server_has_closed()


@pytest.mark.long  # half a minute, as tasks are retried after growing delays
async def test_tasks_are_not_done_twice(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Every fifth commit of a site loses its connection while a job runs: before it is executed, or after."""
    chance = random.Random(1)
    lost: Counter[bool] = Counter()
    committing: set[Link] = set()

    def see_commit(link: Link, data: bytes) -> bool:
        if COMMIT not in data or chance.random() > 0.2:
            return True
        is_committed = chance.random() < 0.5
        lost[is_committed] += 1
        committing.add(link)
        if not is_committed:
            link.cut()
        return is_committed

    def cut_before_answer(link: Link, _data: bytes) -> bool:
        if link in committing:
            link.cut()
        return link not in committing

    files = mixed_files(40)
    with fresh_settings("scaled", request, tmp_path) as settings:
        async with behind_proxy(settings) as (site, proxy):
            folder = await site.folder("in doubt")
            uuids = await send_files(site, folder, files)
            wanted: dict[str, list[dict[str, str]]] = {}
            for file, uuid in zip(files, uuids, strict=True):
                wanted.setdefault(LISTS[file.item_type], []).append({"placeholderUuid": uuid})
            job = await start_upload_job(site, folder, wanted, ignoreErrors=True)
            proxy.on_request, proxy.on_response = see_commit, cut_before_answer
            await wait_for_job(site, job)
            await check_units(site, job, files, uuids)
            await check_all(site.services)
    assert min(lost[True], lost[False]) > 1, lost


async def test_an_error_of_the_disk_during_a_commit_leaves_doubt(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite may have written the commit before the disk failed; a lock that it did not get leaves no doubt."""
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR_FSYNC
    async with serve_embedded(request, tmp_path) as site:
        with monkeypatch.context() as patch:
            patch.setattr("aiosqlite.Connection.commit", _raise(error))
            assert codes(await site.body(CREATE, {"name": "in doubt"})) == ["COMMIT_UNKNOWN"]
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            assert codes(await site.body(CREATE, {"name": "not committed"})) == ["UNAVAILABLE"]
        await site.folder("afterwards")


def _raise(error: Exception) -> object:
    async def commit(_self: object) -> None:
        raise error

    return commit


def test_errors_that_the_database_answers_leave_none() -> None:
    assert not leaves_doubt(sa.exc.IntegrityError("COMMIT", {}, sqlite3.IntegrityError()))
    assert not leaves_doubt(CommitUnknown())
