"""The plans of the hand-written statements that our server is compared with."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from gateway.auth.viewer import Viewer
from gateway.settings import Settings
from gateway.wiring import open_services
from tests.speed.contenders import SECRET
from tests.speed.databases import Filled
from tests.speed.operations import operation
from tests.speed.peers.floor import ANSWERS
from tests.speed.peers.site import Row, Site


class ExplainingSite(Site):
    """A site that keeps the statements of a route with their plans."""

    explained: list[str]

    async def rows(self, text: str, viewer: Viewer | None = None, /, **values: Any) -> list[Row]:
        """Return all rows of a statement."""
        explain = "EXPLAIN QUERY PLAN" if self.embedded else "EXPLAIN (ANALYZE, BUFFERS)"
        plan = await super().rows(f"{explain} {text}", viewer, **values)
        self.explained.append("\n".join([text, *(f"  {row[-1]}" for row in plan)]))
        return await super().rows(text, viewer, **values)


def explain_floor(filled: Filled, operations: Sequence[str]) -> str:
    """Return the statements of each hand-written route, and how the database runs them."""

    async def explain(settings: Settings) -> str:
        parts = []
        async with open_services(settings) as services:
            site = ExplainingSite(services)
            viewer = (await site.authenticate(f"Bearer {filled.key}")).viewer
            for name in operations:
                site.explained = []
                body = orjson.loads(operation(name, filled.variables[name]).bodies[0])
                await ANSWERS[body["operationName"]](site, viewer, body["variables"])
                parts += [f"## {name}", *site.explained]
        return "\n\n".join(parts)

    with TemporaryDirectory(prefix="storegraph-speed-") as directory:
        return asyncio.run(explain(Settings(database_url=filled.url, data_dir=Path(directory), secret_key=SECRET)))
