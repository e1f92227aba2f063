"""One stage for each test, and a client of the application that plays on it."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.transports.serving import http_client
from tests.transports.toy import Stage


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(stage) as client:
        yield client
