"""Fixtures of the contract tests."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import pytest_asyncio
from structlog.testing import capture_logs
from structlog.typing import EventDict

from gateway.database.engine import Database
from gateway.queues.base import Queue
from gateway.queues.open import open_queue
from tests.contracts.queueing import LEASE
from tests.fixtures.sites import open_client


@pytest.fixture
def queue(database: Database) -> Queue:
    """Return a queue in each database."""
    return open_queue(database, LEASE)


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    """Collect log entries during the test."""
    with capture_logs() as logged:
        yield logged


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """Return an HTTP client without credentials that ignores proxies."""
    async with open_client() as client:
        yield client
