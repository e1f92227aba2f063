"""The command line, run in a process of its own."""

import asyncio
import json
import os
import re
import socket
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.__main__ import cli
from tests.fixtures.sites import open_client
from tests.house.sources import ROOT
from tests.processes import free_ports

SECRET = "0123456789abcdef0123456789abcdef"


def environment(directory: Path, more: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process: settings of this process are left out, bytecode is cached."""
    dropped = ("STOREGRAPH_", "PYTHONDONTWRITEBYTECODE")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    own = {"STOREGRAPH_DATA_DIR": str(directory), "STOREGRAPH_MIN_FREE_BYTES": "0"}
    return {**inherited, "PYTHONPATH": str(ROOT), **own, **more}


async def started(directory: Path, *arguments: str, **settings: str) -> Process:
    """Yield a running `storegraph` command."""
    command = (sys.executable, "-X", "dev", "-W", "error", "-m", "gateway", *arguments)
    return await asyncio.create_subprocess_exec(
        *command, stdout=PIPE, stderr=PIPE, cwd=directory, env=environment(directory, settings)
    )


async def run(directory: Path, *arguments: str, **settings: str) -> tuple[int, str, str]:
    """Run a `storegraph` command to its end; return exit code, output and errors."""
    process = await started(directory, *arguments, **settings)
    output, errors = await process.communicate()
    # In development mode asyncio reports slow steps, which are normal on a busy machine.
    logged = re.sub(r'^{.*"event":"Executing <.*\n', "", errors.decode(), flags=re.MULTILINE)
    return process.returncode or 0, output.decode(), logged


@asynccontextmanager
async def serving(directory: Path, **settings: str) -> AsyncIterator[tuple[str, str]]:
    """Yield the URL of a new server and its output until it responds; it must exit cleanly when stopped."""
    port = free_ports(1)[0]
    shown = {"STOREGRAPH_LOG_FORMAT": "console", **settings}
    process = await started(directory, "serve", "--port", str(port), **shown)
    assert process.stdout is not None
    output = [(await process.stdout.readline()).decode()]
    if not settings.get("STOREGRAPH_ADMIN_KEY"):
        output.append((await process.stdout.readline()).decode())
    try:
        yield f"http://127.0.0.1:{port}", "".join(output)
    finally:
        process.terminate()
        _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert "Traceback" not in errors.decode()


async def owner_of(url: str, key: str) -> str:
    """Return the user of a key; empty if the key is invalid."""
    async with open_client() as client:
        answer = await client.post(
            f"{url}/graphql",
            json={"query": "{ viewer { user { email } } }"},
            headers={"Authorization": f"Bearer {key}"},
        )
    return str(answer.json()["data"]["viewer"]["user"]["email"]) if answer.status_code == 200 else ""


async def test_serve_creates_a_database_and_an_admin_and_prints_the_key_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as (url, output):
        key = re.findall(r"sg_\S+", output)[0]
        assert await owner_of(url, key) == "admin@localhost"
        async with open_client() as client:
            assert (await client.get(f"{url}/healthz")).json() == {"status": "ok"}
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    code, listed, _ = await run(tmp_path, "key", "list")
    assert code == 0
    assert "admin@localhost" in listed
    assert key not in listed


async def test_the_greeting_is_an_event_of_a_log_of_json_and_a_generated_key_is_not(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{(port := free_ports(1)[0])}"
    process = await started(tmp_path, "serve", "--port", str(port), STOREGRAPH_LOG_FORMAT="json")
    assert process.stdout is not None
    printed = (await process.stdout.readline()).decode()
    process.terminate()
    more, log = await process.communicate()
    [key] = re.findall(r"sg_\S+", printed)
    lines = [json.loads(line) for line in log.decode().splitlines() if line.startswith("{")]
    [greeting] = [line for line in lines if line["event"] == "site_available"]
    assert greeting["address"] == f"{address}/graphql"
    assert key not in log.decode() and not more


async def test_everything_that_serve_creates_is_private(tmp_path: Path) -> None:
    """Also what an earlier version created for all."""
    data = tmp_path / "new" / "data"
    before = os.umask(0)
    try:
        for _ in range(2):
            async with serving(tmp_path, STOREGRAPH_DATA_DIR=str(data), STOREGRAPH_ADMIN_KEY=SECRET) as (url, _):
                assert await owner_of(url, SECRET) == "admin@localhost"
                created = [path for path in (tmp_path / "new").rglob("*") if path.name != "__pycache__"]
                modes = {path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777 for path in created}
                assert "new/data/storegraph.db-wal" in modes
                assert set(modes.values()) == {0o600, 0o700}, modes
            (data / "storegraph.db").chmod(0o644)
            (data / "objects" / "content").chmod(0o755)
    finally:
        os.umask(before)


async def test_first_admin_is_not_created_while_the_port_is_in_use(tmp_path: Path) -> None:
    """Otherwise the key would be lost: it is printed once the server listens, and never again."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, errors = await run(tmp_path, "serve", "--port", str(port))
    assert code == 1
    assert errors.startswith(f"Cannot listen at 127.0.0.1, port {port}: ")
    assert "--port" in errors
    async with serving(tmp_path) as (url, output):
        assert await owner_of(url, re.findall(r"sg_\S+", output)[0]) == "admin@localhost"


async def test_commands_do_not_create_a_database(tmp_path: Path) -> None:
    for command in (("key", "list"), ("key", "create", "--user", "a@example.org"), ("work",)):
        code, _, errors = await run(tmp_path, *command)
        assert (code, errors.strip()) == (
            1,
            f"There is no database at {tmp_path}/storegraph.db. Run: storegraph serve, or storegraph migrate",
        )
    assert list(tmp_path.iterdir()) == []


async def test_the_first_admin_key_may_be_set_and_others_are_created_listed_and_revoked(tmp_path: Path) -> None:
    async with serving(tmp_path, STOREGRAPH_ADMIN_KEY=SECRET) as (url, output):
        assert await owner_of(url, SECRET) == "admin@localhost"
        assert SECRET not in output
        code, key, _ = await run(tmp_path, "key", "create", "--user", "ADMIN@localhost", "--name", "mine")
        assert code == 0
        assert await owner_of(url, key.strip()) == "admin@localhost"
        _, listed, _ = await run(tmp_path, "key", "list", "--user", "admin@localhost")
        uuid = next(line.split("\t")[0] for line in listed.splitlines() if "\tmine\t" in line)
        assert (await run(tmp_path, "key", "revoke", uuid))[0] == 0
        async with asyncio.timeout(5):
            while await owner_of(url, key.strip()):
                await asyncio.sleep(0.2)


async def test_a_key_for_an_unknown_user_is_refused_in_one_line(tmp_path: Path, embedded_url: str) -> None:
    nobody = ("key", "create", "--user", "nobody@example.org")
    code, _, errors = await run(tmp_path, *nobody, STOREGRAPH_DATABASE_URL=embedded_url)
    assert (code, errors.strip()) == (1, "There is no active user nobody@example.org.")


async def test_a_key_is_for_known_scopes_and_a_visible_folder(tmp_path: Path) -> None:
    async with serving(tmp_path, STOREGRAPH_ADMIN_KEY=SECRET):
        create = ("key", "create", "--user", "admin@localhost")
        unknown = "00000000-0000-7000-8000-000000000000"
        code, _, errors = await run(tmp_path, *create, "--folder", unknown)
        assert (code, errors.strip()) == (1, f"admin@localhost sees no folder {unknown}.")
        code, _, errors = await run(tmp_path, *create, "--scope", "READ_DATA", "--scope", "EVERYTHING")
        assert code == 2 and "EVERYTHING" in errors


async def test_invalid_settings_are_named(tmp_path: Path) -> None:
    code, _, errors = await run(tmp_path, "serve", STOREGRAPH_ADMIN_KEY="short", STOREGRAPH_PART_SIZE="7")
    assert code == 2
    assert "STOREGRAPH_ADMIN_KEY:" in errors
    assert "STOREGRAPH_PART_SIZE:" in errors
    code, _, errors = await run(tmp_path, "migrate", STOREGRAPH_DATABASE_URL="mysql://localhost/x")
    assert code == 1
    assert errors.startswith("STOREGRAPH_DATABASE_URL: ")


async def test_serve_refuses_an_outdated_postgresql_and_names_the_command_to_run(
    tmp_path: Path, postgres_server: object
) -> None:
    url = postgres_server.create_database()  # type: ignore[attr-defined]  # the fixture's own type is not available here
    settings = {"STOREGRAPH_DATABASE_URL": url, "STOREGRAPH_SECRET_KEY": SECRET}
    code, _, errors = await run(tmp_path, "serve", **settings)
    assert code == 1
    assert "storegraph migrate" in errors
    assert (await run(tmp_path, "migrate", **settings))[0] == 0
    async with serving(tmp_path, STOREGRAPH_ADMIN_KEY=SECRET, **settings) as (site, _):
        assert await owner_of(site, SECRET) == "admin@localhost"


@pytest.mark.parametrize("backend", ["embedded", "postgres"])
async def test_concurrent_migrations_wait_for_each_other(
    request: pytest.FixtureRequest, tmp_path: Path, backend: str
) -> None:
    settings = {}
    if backend == "postgres":
        settings["STOREGRAPH_DATABASE_URL"] = request.getfixturevalue("postgres_server").create_database()
    results = await asyncio.gather(*(run(tmp_path, "migrate", **settings) for _ in range(2)))
    assert results == [(0, "The database is up to date.\n", "")] * 2


async def test_no_command_runs_on_a_newer_database(tmp_path: Path, embedded_url: str) -> None:
    path = embedded_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for command in ("serve", "work", "migrate"):
        code, _, errors = await run(tmp_path, command, STOREGRAPH_DATABASE_URL=embedded_url)
        assert (code, errors.strip()) == (
            1,
            "The database was migrated by a newer version of Storegraph than this one. "
            "Run that version or a later one.",
        )


async def test_postgresql_needs_the_secret(tmp_path: Path, postgres_url: str) -> None:
    code, _, errors = await run(tmp_path, "work", STOREGRAPH_DATABASE_URL=postgres_url)
    assert code == 1
    assert "STOREGRAPH_SECRET_KEY" in errors


@pytest.mark.parametrize("command", ["serve", "bytes", "work", "migrate", "schema", "key", "demo", "generate"])
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_schema_prints_the_sdl() -> None:
    result = CliRunner().invoke(cli, ["schema"])
    assert result.output == (ROOT / "schema" / "schema.graphql").read_text()


async def test_a_misspelt_limit_is_refused(tmp_path: Path) -> None:
    code, _, errors = await run(tmp_path, "serve", STOREGRAPH_LIMITS='{"depht": 3}')
    assert code == 2
    assert "depht" in errors.lower()


async def test_an_unknown_log_level_is_rejected(tmp_path: Path) -> None:
    code, _, errors = await run(tmp_path, "migrate", STOREGRAPH_LOG_LEVEL="verbose")
    assert (code, errors.startswith("STOREGRAPH_LOG_LEVEL: ")) == (2, True)
    assert "'debug', 'info', 'warning' or 'error'" in " ".join(errors.split())
    assert (await run(tmp_path, "migrate", STOREGRAPH_LOG_LEVEL="WARNING"))[0] == 0


async def test_invalid_json_in_settings_is_refused_in_one_line_each(tmp_path: Path) -> None:
    names = [f"STOREGRAPH_{name}" for name in ("FETCH_PORTS", "FETCH_ALLOWED", "ALLOWED_ORIGINS", "LIMITS")]
    code, _, errors = await run(tmp_path, "migrate", **dict.fromkeys(names, "127.0.0.1"))
    message = 'Expected JSON: a list such as ["a", "b"], or an object such as {"a": 1}.'
    assert (code, errors.splitlines()) == (2, [f"{name}: {message}" for name in names])


async def test_a_misspelt_setting_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    """A misspelt name would have no effect; variables of clients and of the tests are not settings."""
    for wrong, meant in (("DATABSE_URL", "DATABASE_URL"), ("LIMITS__TOKENS", "LIMITS"), ("part_sise", "PART_SIZE")):
        code, _, errors = await run(tmp_path, "migrate", **{f"STOREGRAPH_{wrong}": ""})
        message = f"STOREGRAPH_{wrong.upper()}: Unknown setting. Did you mean STOREGRAPH_{meant}?"
        assert (code, " ".join(errors.split())) == (2, message)
    harmless = {"STOREGRAPH_TEST_ANYTHING": "x", "storegraph_log_level": "error", "STOREGRAPH_LIMITS": '{"depth": 9}'}
    of_clients = {"STOREGRAPH_URL": "http://127.0.0.1:8000", "STOREGRAPH_API_KEY": "sg_key"}
    assert (await run(tmp_path, "migrate", **harmless, **of_clients))[0] == 0
