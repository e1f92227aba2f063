"""A stage for each test, and an HTTP client of the application on it."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from tests.transports.serving import http_client
from tests.transports.toy import Stage


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[EventDict]]:
    """Collect the log events of the test."""
    with capture_logs() as logs:
        yield logs


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(stage) as client:
        yield client
