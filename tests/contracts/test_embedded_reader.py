"""Contract of SQLite's readers: what is quick runs on the event loop, and what is not in a thread."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.database.engine import Database

COUNT = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?) SELECT max(x) FROM n"
SLOW = 300_000


@pytest.fixture
async def counting(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    yield database
    await database.close()


async def test_a_statement_that_was_slow_once_is_back_on_the_event_loop_when_it_is_quick(
    counting: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    to_thread = asyncio.to_thread

    async def noted(function: Any, *arguments: Any) -> Any:
        threads.append(function.__name__)
        return await to_thread(function, *arguments)

    await counting.fetch("SELECT 1", ())  # opens the connection
    monkeypatch.setattr(asyncio, "to_thread", noted)
    assert await counting.fetch(COUNT, (SLOW,)) == [(SLOW,)]
    assert len(threads) == 1
    assert await counting.fetch(COUNT, (SLOW,)) == [(SLOW,)]
    assert len(threads) == 2  # at once, and still slow there
    # A busy machine may make even the shortest statement late: it is tried until it is not.
    for _ in range(100):
        before = len(threads)
        assert await counting.fetch(COUNT, (1,)) == [(1,)]
        if len(threads) == before:
            break
    assert len(threads) == before
    assert len(threads) > 2
