"""The README says what is so: each of its blocks is run, and its tables are those of the code."""

import os
import re
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.docs.readme import TEXT, Block, blocks, command_table, limits_table, settings_table, under
from tests.fixtures.demo import DemoSite
from tests.house.sources import ROOT
from tests.processes import free_ports, launch
from tests.servers import PostgresServer
from tests.servers import under as place_under

WALK = ("Upload", "Watch")


def ran(script: str, directory: Path, **environment: str) -> str:
    """What a bash script prints; it must succeed."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith("STOREGRAPH_")}
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=directory,
        env={**bare, "PATH": path, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def as_bash(block: Block) -> str:
    """A block as part of a script."""
    return block.text if block.language == "bash" else f"python <<'END'\n{block.text}END\n"


def walk(url: str, key: str, directory: Path) -> str:
    """What the upload and the subscription print at a site."""
    script = "".join(map(as_bash, under(*WALK)))
    for written, real in {"http://127.0.0.1:8000": url, "sg_your_key": key}.items():
        assert script.count(written) == 1
        script = script.replace(written, real)
    return ran(script, directory)


def check_walk(said: str) -> None:
    """The job went from here to DONE, the item has its facts, and the bytes came back."""
    assert "'status': 'DONE', 'unitsDoneCount': 1, 'unitErrors': []" in said
    assert '"mimeType": "text/plain"' in said
    assert '"fileSize": 19' in said
    assert said.endswith("Hello, Storegraph.\n")


def test_no_block_is_forgotten() -> None:
    known = {("Start", "bash"), ("Ask", "graphql"), ("Scale", "bash"), ("Work on it", "bash")}
    known |= {("Manifests", "json"), ("Manifests", "csv")}
    known |= {(heading, language) for heading in WALK for language in ("bash", "python")}
    assert {(block.heading, block.language) for block in blocks()} == known - {("Upload", "python")}


@pytest.mark.parametrize("block", under("Ask"), ids=lambda block: block.text.split()[1])
def test_documents_are_answered(block: Block, demo_site: DemoSite) -> None:
    [answer] = demo_site.ask(block.text).values()
    assert answer["nodes"]
    assert "[]" not in str(answer["nodes"][-1])


def test_upload_and_subscription_on_the_embedded_default(demo_site: DemoSite, tmp_path: Path) -> None:
    check_walk(walk(demo_site.url, demo_site.key, tmp_path))


def test_upload_and_subscription_scaled_out(postgres_server: PostgresServer, s3_server: str, tmp_path: Path) -> None:
    """The commands of "Scale" are run as they stand, but for addresses and the port."""
    [block] = under("Scale")
    database, port = postgres_server.create_database(), free_ports(1)[0]
    written = dict(re.findall(r'export (\w+)="(.*)"', block.text))
    real = {"STOREGRAPH_DATABASE_URL": database, "STOREGRAPH_OBJECTS_URL": place_under(s3_server, secrets.token_hex(4))}
    script = block.text.replace("--port 8000", f"--port {port}")
    for name, value in real.items():
        script = script.replace(written[name], value)
    key = secrets.token_hex(16)
    try:
        with running_script(script, tmp_path, {"STOREGRAPH_ADMIN_KEY": key}):
            wait_for(f"http://127.0.0.1:{port}", tmp_path / "log")
            check_walk(walk(f"http://127.0.0.1:{port}", key, tmp_path))
    finally:
        postgres_server.drop_database(database)


@contextmanager
def running_script(script: str, directory: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """A script whose last commands go on in the background, until the block ends."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = launch(["/bin/bash", "-euo", "pipefail", "-c", f"{script}\ntrap 'kill $(jobs -p); wait' TERM; wait"])
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=20)


def wait_for(url: str, log: Path, seconds: float = 60) -> None:
    """Wait until a site answers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return _check(httpx.get(f"{url}/healthz"))
        except httpx.TransportError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


def _check(response: httpx.Response) -> None:
    assert response.json() == {"status": "ok"}


def test_start_and_test_commands_are_the_same_but_for_what_they_install() -> None:
    """They are run where nothing is installed yet, by `.ci/run` and by hand; here they are only held together."""
    start, test = (shlex.split(block.text) for block in under("Start"))
    assert start[-3:] == [".venv/bin/storegraph", "serve", "--demo"]
    assert test[-1:] == [".venv/bin/pytest"]
    extra = {"chromium", "curl", "jq", "libatomic1", "requirements-dev.txt"}
    assert [word for word in test[:-1] if word not in extra] == [w for w in start[:-3] if w != "requirements.txt"]


def test_ci_runs_exactly_the_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert f"\n(\n{under('Start')[1].text})\n" in script, "in parentheses, so that a failure within && is one"


def test_the_long_tests_are_found(tmp_path: Path) -> None:
    [block] = under("Work on it")
    command = block.text.replace(
        ".venv/bin/pytest", f"{sys.executable} -m pytest -q --collect-only -n 0 tests/transports"
    )
    assert "test_outside_suites.py" in ran(f"cd {ROOT}\n{command}", tmp_path)


@pytest.mark.parametrize("table", [settings_table, limits_table, command_table], ids=lambda table: table.__name__)
def test_tables_are_those_of_the_code(table: Any) -> None:
    assert f"\n\n{table()}\n\n" in TEXT


def test_what_is_named_in_the_text_is_there() -> None:
    prose = re.sub(r"^```.*?^```$", "", TEXT, flags=re.M | re.S)
    commands = re.findall(r"`storegraph ((?:key )?[a-z]+)", prose)
    usages = set(re.findall(r"\| `storegraph ((?:key )?[a-z]+)", command_table()))
    assert set(commands) == usages
    files = re.findall(r"`((?:\.ci|tests|schema|resolvers|gateway)/\w*|\w+\.txt|[A-Z]\w+file|NOTICE)`", prose)
    pictures = re.findall(r"!\[.*\]\((.*)\)", prose)
    assert len(files) > 6
    assert [name for name in [*files, *pictures] if not (ROOT / name).exists()] == []
    variables = set(re.findall(r"STOREGRAPH_\w+", prose))
    assert variables == set(re.findall(r"STOREGRAPH_\w+", settings_table()))
