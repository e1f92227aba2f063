"""A fixture with both executors, on each database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.execution.world import Both, both


@pytest.fixture
async def pair(database_url: str, tmp_path: Path) -> AsyncIterator[Both]:
    """Yield both executors over one small site, on each database."""
    async with both(database_url, tmp_path) as running:
        yield running
