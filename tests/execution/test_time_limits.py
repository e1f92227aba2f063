"""An operation that exceeds the time limit says which lists it was reading, and how it would take less time."""

import asyncio
import re
from typing import Any

import pytest

from gateway.auth.accounts import viewer_of_email
from gateway.context import open_context
from gateway.database.engine import Database
from gateway.execution.compiled.executor import CompiledExecutor
from gateway.execution.operations import OperationRequest, Operations
from gateway.limits import Limits
from schema.api import api
from tests.fixtures.sites import Site

DOCUMENT = """
  query($folder: UUID!) {
    storageFolder(uuid: $folder) {
      files: items(first: 1) { nodes { name } }
      subfolders(first: 1) { nodes { name } }
    }
    datasets { totalCount }
  }
"""
SLOW = {"items": r"FROM items\b", "subfolders": r"parent_uuid", "datasets": r"FROM datasets\b"}


@pytest.mark.parametrize("slow", SLOW)
async def test_lists_that_are_being_read_are_named(site: Site, monkeypatch: pytest.MonkeyPatch, slow: str) -> None:
    database, folder = site.services.database, await site.folder("slow")
    viewer = await viewer_of_email(database, "admin@localhost", None)
    assert viewer
    fetch = Database.fetch

    async def slowly(self: Database, statement: str, parameters: Any) -> list[tuple[Any, ...]]:
        if re.search(SLOW[slow], statement):
            await asyncio.sleep(600)
        return await fetch(self, statement, parameters)

    monkeypatch.setattr(Database, "fetch", slowly)
    limits = Limits(seconds=2)
    operations = Operations(api, limits, CompiledExecutor(api, database.sql_dialect, limits.cost))
    request = OperationRequest(DOCUMENT, {"folder": folder}, request_id="slow")
    answer = await operations.execute(request, open_context(site.services, viewer, "slow"))
    [error] = answer.errors
    assert error["extensions"]["code"] == "TIMEOUT"
    assert re.search(rf"time limit of 2 seconds\. It was reading [\w, ]*\b{slow}\b[\w, ]*: narrow", error["message"])
