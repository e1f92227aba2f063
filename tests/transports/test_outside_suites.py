"""External suites from npm: the audits of graphql-http, and the client of graphql-ws."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.transports.serving import serve
from tests.transports.toy import Stage

HERE = Path(__file__).parent / "outside"

pytestmark = pytest.mark.long  # installs packages with npm


async def run(*command: str, directory: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=directory, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, complaints = await process.communicate()
    assert process.returncode == 0, complaints.decode()
    return output.decode()


@pytest.fixture(scope="module")
def suites(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of the installed suites."""
    directory = tmp_path_factory.mktemp("outside")
    shutil.copytree(HERE, directory, dirs_exist_ok=True)
    asyncio.run(run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", directory=directory))
    return directory


@pytest.fixture
async def address(stage: Stage) -> AsyncIterator[str]:
    async with serve(stage) as address:
        yield address


async def test_every_audit_of_graphql_http_passes(suites: Path, address: str) -> None:
    output = await run("node", "audit.mjs", f"http://{address}", "Bearer ada", directory=suites)
    audits = [json.loads(line) for line in output.splitlines()]
    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert len(audits) == 61


async def test_the_client_of_graphql_ws_works(suites: Path, address: str) -> None:
    output = await run("node", "client.mjs", f"ws://{address}", "Bearer ada", directory=suites)
    seen: dict[str, Any] = json.loads(output)
    assert seen.pop("closedBefore") == []
    assert seen == {
        "query": [{"data": {"hello": "Hello, world!"}}],
        "mutation": [{"data": {"rename": "x"}}],
        "subscription": [{"data": {"events": {"number": number}}} for number in range(2)],
        "syntax": [{"refused": ["GRAPHQL_PARSE_FAILED"]}],
        "validation": [{"refused": ["GRAPHQL_VALIDATION_FAILED"]}],
        "resolution": [{"refused": ["OPERATION_RESOLUTION_FAILURE"]}],
        "long": [{"data": {"events": {"number": number}}} for number in range(4)],
    }
