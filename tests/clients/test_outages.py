"""graphql-ws, as pages use it, while PostgreSQL is stopped."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.clients.test_clients import packages
from tests.faults.test_outages import Server, cluster, fragile
from tests.fixtures.sites import Site

__all__ = ["cluster", "fragile", "packages"]
pytestmark = pytest.mark.long  # installs packages with npm


async def test_subscriptions_of_graphql_ws_live_through_an_outage(fragile: tuple[Site, Server], packages: Path) -> None:
    """One from before, one that is begun meanwhile on the same socket, and one on a new socket."""
    site, server = fragile
    folder = await site.folder("watched")
    process = await asyncio.create_subprocess_exec(
        *("node", "outage.mjs", f"{site.url}/graphql", site.keys["admin"], folder),
        cwd=packages,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    assert process.stderr
    try:
        async with asyncio.timeout(60):
            assert await process.stderr.readline() == b"watching\n"
            server.stop()
            await asyncio.sleep(5)  # until credentials have to be checked again
            process.stdin.write(b"stopped\n")
            await asyncio.sleep(3)
            server.start()
            process.stdin.write(b"started\n")
            assert await process.stderr.readline() == b"watching again\n"
            await site.folder("afterwards", folder)
            process.stdin.write(b"changed\n")
            seen = json.loads(await process.stdout.read())
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    assert seen == {"failed": [], "closed": [1013]}
