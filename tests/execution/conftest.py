"""Both executors on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.execution.world import Both, both


@pytest.fixture
async def pair(database_url: str, tmp_path: Path) -> AsyncIterator[Both]:
    """Both executors over one small site, on each database."""
    async with both(database_url, tmp_path) as running:
        yield running
