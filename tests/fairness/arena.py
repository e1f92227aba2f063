"""A gateway of its own process over generated items, a member who attacks it, and another who suffers."""

import asyncio
import json
import secrets
import socket
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import sqlalchemy as sa

from gateway.catalog.api_keys import create_key
from gateway.database.engine import Database
from gateway.models.folders import folders
from gateway.settings import Settings
from tests.fixtures.commands import Command
from tests.house.sources import ROOT
from tests.processes import launch_command

ATTACKER, INNOCENT = "member01@example.org", "member02@example.org"


@dataclass
class Arena:
    """A running gateway and the keys of two members."""

    url: str
    attacker: str
    innocent: str
    folders: list[str]

    async def run(self, document: str, seconds: float = 60) -> tuple[float, dict[str, Any]]:
        """Run a document of the attacker; return its time in seconds and its answer."""
        headers = {"authorization": f"Bearer {self.attacker}"}
        async with httpx.AsyncClient(headers=headers, trust_env=False, timeout=seconds) as client:
            began = time.perf_counter()
            response = await client.post(f"{self.url}/graphql", json={"query": document})
            return time.perf_counter() - began, response.json()

    async def pages(self, seconds: float) -> list[float]:
        """Return how long pages of the innocent client took, sorted."""
        command = launch_command([sys.executable, "-m", "tests.fairness.innocent"])
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        task = {"url": self.url, "key": self.innocent, "folders": self.folders, "seconds": seconds}
        printed, _ = await process.communicate(json.dumps(task).encode())
        return sorted(json.loads(printed))

    async def pages_under_attack(self, documents: Sequence[str], seconds: float, number: int = 12) -> list[float]:
        """Return the same while the attacker runs documents at once, each again and again."""

        async def attack(document: str) -> None:
            while True:
                await self.run(document)

        attacks = [asyncio.create_task(attack(documents[count % len(documents)])) for count in range(number)]
        try:
            await asyncio.sleep(1)
            return await self.pages(seconds)
        finally:
            for each in attacks:
                each.cancel()
            await asyncio.wait(attacks)


def p95(latencies: Sequence[float]) -> float:
    """Return the latency that 95 % of the sorted latencies do not exceed."""
    return latencies[int(len(latencies) * 0.95)]


@asynccontextmanager
async def open_arena(database_url: str) -> AsyncIterator[Arena]:
    """Serve a generated database until the block ends."""
    database = Database(database_url)
    try:
        attacker, innocent = [
            await create_key(database, email, f"arena {secrets.token_hex(2)}") for email in (ATTACKER, INNOCENT)
        ]
        rows = await database.rows(sa.select(folders.c.uuid).order_by(folders.c.uuid).limit(20), sa.Row)
    finally:
        await database.close()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with TemporaryDirectory(prefix="storegraph-arena-") as directory:
        url = f"http://127.0.0.1:{port}"
        settings = Settings(
            database_url=database_url,
            data_dir=Path(directory),
            public_url=url,
            secret_key=secrets.token_hex(32),
            access_log=False,
            log_operations=0.0,
        )
        with Command(settings, Path(directory), "serve", "--port", str(port)) as server:
            await _wait_for(f"{url}/healthz", server)
            yield Arena(url, attacker, innocent, [str(row.uuid) for row in rows])


async def _wait_for(url: str, server: Command) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient(trust_env=False) as client:
        while True:
            server.check()
            try:
                if (await client.get(url)).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)
