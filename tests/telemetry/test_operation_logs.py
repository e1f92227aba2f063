"""One line for each operation, from a real process: what it says, and which are left out."""

import asyncio
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.logs import Log, logged_site
from tests.fixtures.sites import UNKNOWN, Site
from tests.transports.serving import socket_to

FOLDERS = "query Folders { storageFolders { nodes { name } } }"
CONNECTIONS = ["storageFolders", "datasets", "cloudIntegrations", "uploadJobs", "groups", "jobs"]
HEX = re.compile(r"[0-9a-f]{32}")


def digest(document: str) -> str:
    """Return the SHA-256 of a document, as the log has it."""
    return hashlib.sha256(document.encode()).hexdigest()


async def ask(site: Site, log: Log, document: str, name: str, **variables: Any) -> dict[str, Any]:
    """Run an operation, and return its line in the log."""
    await site.body(document, variables)
    return await log.line("operation_ended", name=name)


async def test_each_operation_has_a_line(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with logged_site(request, tmp_path, log_queries=1.0) as (site, log, _):
        viewer = (await site.ask("{ viewer { user { uuid } } }"))["viewer"]["user"]["uuid"]
        line = await ask(site, log, FOLDERS, "Folders")
        assert HEX.fullmatch(line.pop("request_id")) and line.pop("milliseconds") > 0 and line.pop("timestamp")
        assert line == {
            "event": "operation_ended",
            "level": "info",
            "type": "query",
            "name": "Folders",
            "status": "ok",
            "viewer": viewer,
            "statements": 1,
            "executor": "compiled",
        }
        many = "".join(
            f"a{number}: {name} {{ __typename }} " for number, name in enumerate([*CONNECTIONS, *CONNECTIONS])
        )
        await site.ask(f"{{ {many} }}")
        assert (await log.line("operation_ended", fields=CONNECTIONS[:5]))["name"] is None
        line = await ask(site, log, 'query Lost { storageFolders(after: "lost") { totalCount } }', "Lost")
        assert (line["status"], line["codes"], line["executor"]) == ("errors", ["BAD_USER_INPUT"], "interpreted")
        assert line["not_compiled"] and line["level"] == "warning"
        refused = "mutation Refused($uuid: UUID!) { deleteStorageFolder(input: {folderUuid: $uuid}) "
        refused += "{ userErrors { code } } }"
        line = await ask(site, log, refused, "Refused", uuid=UNKNOWN)
        assert (line["type"], line["user_errors"], line["status"]) == ("mutation", ["NOT_FOUND"], "ok")
        await site.body("query Broken { nothing }")
        line = await log.line("operation_ended", status="refused")
        assert (line["codes"], line["type"], line["name"]) == (["GRAPHQL_VALIDATION_FAILED"], None, None)
        assert line["document"] == digest("query Broken { nothing }")


async def test_a_subscription_has_a_line_when_it_ends(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with logged_site(request, tmp_path, log_queries=1.0) as (site, log, _):
        folder = await site.folder("watched")
        document = f'subscription Watch {{ storageChanged(folderUuid: "{folder}") {{ latest }} }}'
        async with socket_to(f"{site.url.removeprefix('http://')}/graphql") as socket:
            await socket.initialise(site.headers()["Authorization"])
            await socket.subscribe("1", document)
            await socket.subscribe("2", FOLDERS)
            expected = {("1", "next"), ("2", "complete")}
            while expected:
                message = await socket.receive()
                expected.discard((message.get("id"), message["type"]))
            assert log.lines("operation_ended", name="Folders") and not log.lines("operation_ended", name="Watch")
        line = await log.line("operation_ended", name="Watch")
        assert (line["type"], line["status"]) == ("subscription", "ok") and line["events"] == 1


async def test_settings_choose_what_is_logged(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """A share of the successful queries, and all that fails or changes something."""
    async with logged_site(request, tmp_path, log_queries=0.25) as (site, log, _):
        for _ in range(20):
            await site.body(FOLDERS)
        await site.body("{ nothing }")
        await log.line("operation_ended", status="refused")
        assert len(log.lines("operation_ended", name="Folders")) == 5
        await site.folder("changed")
        assert log.lines("operation_ended", type="mutation", status="ok")


async def test_slow_operations_are_logged_with_their_document(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with logged_site(request, tmp_path, log_queries=0.0, log_slow_seconds=0.0) as (site, log, _):
        line = await ask(site, log, FOLDERS, "Folders")
        assert (line["slow"], line["level"]) == (True, "warning")
        assert line["document"] == digest(FOLDERS)


async def test_limits_that_are_hit_are_logged(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with logged_site(request, tmp_path) as (site, log, _):
        deep = "query Deep { storageFolders { nodes " + "{ parent " * 20 + "{ name }" + "}" * 20 + " } }"
        await site.body(deep)
        line = await log.line("limit_hit", limit="depth")
        viewer = (await site.ask("{ viewer { user { uuid } } }"))["viewer"]["user"]["uuid"]
        assert (line["allowed"], line["found"], line["viewer"], line["client"]) == (15, 23, viewer, "127.0.0.1")
        assert line["document"] == digest(deep)
        await site.client.post(f"{site.url}/graphql", json=[{"query": FOLDERS}] * 11, headers=site.headers())
        within = " { nodes " + "{ subfolders(first: 200) { nodes " * 3 + "{ name }" + " } }" * 3 + " }"
        await site.body("{ storageFolders(first: 200)" + within + " }")
        line = await log.line("limit_hit", limit="cost")
        assert (line["operation"], line["fields"]) == (None, ["storageFolders"])
        line = await log.line("limit_hit", limit="batch")
        assert (line["allowed"], line["found"]) == (10, 11)


async def test_the_process_logs_its_start_and_end(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    secret = "a secret of more than 32 characters"
    async with logged_site(request, tmp_path, jwt_secret=secret, log_format="json") as (_, log, server):
        line = await log.line("process_started")
        assert (line["command"], line["database"]) == ("serve", "sqlite")
        assert line["version"] and line["settings"]["log_format"] == "json"
        assert secret not in log.text and "jwt_secret" not in line["settings"]
        await asyncio.to_thread(server.stop)
        [stopped] = log.lines("process_stopped")
        assert stopped["command"] == "serve" and stopped["error"] is None
