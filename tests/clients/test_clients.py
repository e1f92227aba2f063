"""Caching clients from npm: Apollo Client, urql with graphcache, Relay, graphql-ws and graphql-sse, as pages use them.

Their packages are installed in a directory of their own; `packages/package.json` has the versions.
"""

import asyncio
import json
import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from schema.api import api
from tests.docs.pages import blocks_of
from tests.fixtures.items import upload_items
from tests.fixtures.jobs import change_jobs, insert_job
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File

HERE = Path(__file__).parent / "packages"
pytestmark = [pytest.mark.long, pytest.mark.asyncio(loop_scope="module")]  # installs packages with npm


async def run(*command: str, directory: Path) -> str:
    """Run a command and return what it prints."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=directory, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(300):
        output, complaints = await process.communicate()
    assert process.returncode == 0, (output + complaints).decode()
    return output.decode()


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of the installed packages, with the artifacts of Relay's compiler."""
    directory = tmp_path_factory.mktemp("clients")
    shutil.copytree(HERE, directory, dirs_exist_ok=True)
    (directory / "schema.graphql").write_text(api.as_str())
    asyncio.run(run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", directory=directory))
    asyncio.run(run("npm", "run", "relay", directory=directory))
    return directory


@pytest_asyncio.fixture(loop_scope="module")
async def folder(shared_site: Site) -> str:
    """Folder of five text files."""
    folder = await shared_site.folder("clients")
    files = [File(f"{number}.txt", "PLAIN_TEXT", f"note {number}".encode()) for number in range(1, 6)]
    await upload_items(shared_site, folder, files)
    return folder


async def play(packages: Path, script: str, site: Site, folder: str) -> dict[str, Any]:
    """Let a client play its part, and return what it saw."""
    address = (f"{site.url}/graphql", site.keys["admin"], folder)
    seen: dict[str, Any] = json.loads(await run("node", script, *address, directory=packages))
    return seen


async def test_apollo_client_merges_pages_and_evicts_what_was_deleted(
    packages: Path, shared_site: Site, folder: str
) -> None:
    seen = await play(packages, "apollo.mjs", shared_site, folder)
    assert seen == {
        "pages": ["1.txt", "2.txt", "3.txt", "4.txt", "5.txt"],
        "persisted": ["PERSISTED_QUERY_NOT_SUPPORTED", "OK"],
        "optimistic": ["renaming", "renamed"],
        "evicted": ["renamed", "3.txt", "4.txt", "5.txt"],
        "evictedByEvent": ["3.txt", "4.txt", "5.txt"],
        "objectTypes": ["STORAGE_ITEM"],
        "viewer": "ADMIN",
        "empty": {
            "__typename": "StorageItemConnection",
            "totalCount": 3,
            "edges": [],
            "pageInfo": True,
        },
    }


async def test_graphcache_keeps_objects_by_their_ids(packages: Path, shared_site: Site, folder: str) -> None:
    """It knows the schema, and has nothing to complain about."""
    seen = await play(packages, "urql.mjs", shared_site, folder)
    assert seen == {
        "pages": ["1.txt", "2.txt", "3.txt", "4.txt", "5.txt"],
        "renamed": ["0.txt", "2.txt", "3.txt", "4.txt", "5.txt"],
        "deleted": ["0.txt", "3.txt", "4.txt", "5.txt"],
        "deletedByEvent": ["3.txt", "4.txt", "5.txt"],
        "unitsChanged": [0],
        "warnings": [],
    }


async def test_relay_deletes_edges_by_ids(packages: Path, shared_site: Site, folder: str) -> None:
    seen = await play(packages, "relay.mjs", shared_site, folder)
    assert seen == {
        "pages": ["1.txt", "2.txt", "3.txt", "4.txt", "5.txt"],
        "deleted": ["3.txt", "4.txt", "5.txt"],
        "folderDeleted": [True, False, 1],
        "viewer": "ADMIN",
        "refetched": "clients",
        "deletedByEvent": [None, "4.txt", "5.txt"],
    }


async def test_a_subscription_of_graphql_ws_survives_its_connection(
    packages: Path, shared_site: Site, folder: str
) -> None:
    seen = await play(packages, "socket.mjs", shared_site, folder)
    assert (seen["connections"], seen["failed"]) == (2, [])
    assert {"first", "while away", "after"} <= set(seen["names"])


async def test_a_subscription_of_graphql_sse_survives_its_connection(
    packages: Path, shared_site: Site, folder: str
) -> None:
    seen = await play(packages, "sse.mjs", shared_site, folder)
    assert {"first of sse", "missed by sse"} <= set(seen["names"])
    assert (seen["role"], seen["code"]) == ("ADMIN", "GRAPHQL_VALIDATION_FAILED")
    assert (seen["connections"], seen["failed"]) == (4, [])


@pytest.mark.parametrize("package", ["graphql-sse", "graphql-ws"])
async def test_the_job_monitor_of_the_docs_shows_every_job(packages: Path, shared_site: Site, package: str) -> None:
    """200 running jobs of three kinds with their rates and estimated ends, and then how they ended."""
    uuids = await insert_running_jobs(shared_site, package)
    sockets, sse = (block.text for block in blocks_of("docs/jobs.md", language="js"))
    begin, rest = sockets.split("const query")
    assert sockets.count("\n") <= 40
    (packages / "jobs.mjs").write_text(f"{begin if package == 'graphql-ws' else sse}const query{rest}")
    monitor = await asyncio.create_subprocess_exec(
        *("node", "jobs.mjs", f"{shared_site.url}/graphql", shared_site.keys["admin"]),
        cwd=packages,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert monitor.stdout is not None
        running = re.compile(r"(UPLOAD|CLOUD_SYNC|REENCODE)\t[^\t]+\t\d+/90\t\d+\.\d per second\tends 20\d\d-\S+Z?")
        async with asyncio.timeout(60):
            await show_last(monitor.stdout, running, len(uuids))
            await change_jobs(shared_site, *uuids, status="DONE", units_done_count=90, units_pending_count=0)
            await show_last(monitor.stdout, re.compile(r"\w+\t[^\t]+\t90/90\tSUCCEEDED"), len(uuids))
    finally:
        monitor.kill()
        await monitor.wait()


async def insert_running_jobs(site: Site, name: str) -> list[str]:
    """Insert 200 jobs of three kinds that have run for half a minute."""
    state: dict[str, Any] = {
        "started_at": datetime.now(UTC) - timedelta(seconds=30),
        "units_done_count": 30,
        "units_pending_count": 60,
    }
    top = await site.folder(f"{name} jobs")
    synced = [await site.folder(f"{number}", top) for number in range(40)]
    places = [*(("UPLOAD", top) for _ in range(100)), *(("CLOUD_SYNC", folder) for folder in synced)]
    uuids = [await insert_job(site, kind, folder, **state) for kind, folder in places]
    return uuids + [await insert_job(site, "REENCODE", **state) for _ in range(60)]


async def show_last(output: asyncio.StreamReader, pattern: re.Pattern[str], total: int) -> None:
    """Read the output of a monitor until its last lines, as many as there are jobs, match a pattern."""
    matching = 0
    while matching < total:
        line = (await output.readline()).decode().rstrip("\n")
        matching = matching + 1 if pattern.fullmatch(line) else 0
