"""Commands and documents of the README and the docs run unchanged, except for addresses and keys."""

import json
import os
import re
import secrets
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from graphql import build_schema, parse, validate

from tests.docs.pages import Block, blocks, blocks_of
from tests.fixtures.demo import DemoSite
from tests.house.sources import ROOT
from tests.processes import free_ports, launch_command
from tests.servers import PostgresServer
from tests.servers import with_prefix as place_under

UPLOADS, BROWSERS = "docs/uploads.md", "docs/browsers.md"
DEPLOYING, CONTRIBUTING = "docs/deploying.md", "CONTRIBUTING.md"
LIMITS, OPERATING = "docs/limits.md", "docs/operating.md"
BACKUPS, CREDENTIALS = "docs/backups.md", "docs/credentials.md"


def run_bash(script: str, directory: Path, **environment: str) -> str:
    """Return the output of a bash script; it must succeed."""
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
    """Return a block as part of a script."""
    return block.text if block.language == "bash" else f"python <<'END'\n{block.text}END\n"


def walk(url: str, key: str, directory: Path) -> str:
    """Return the output of the upload and the subscription on a site."""
    script = "".join(map(as_bash, blocks_of(UPLOADS)))
    for written, real in {"http://127.0.0.1:8000": url, "sg_your_key": key}.items():
        assert script.count(written) == 1
        script = script.replace(written, real)
    return run_bash(script, directory)


def check_walk(output: str) -> None:
    """The job went from its first state to DONE, the item has its facts, and its bytes were downloaded."""
    assert "'status': 'DONE', 'unitsDoneCount': 1, 'unitErrors': []" in output
    assert '"mimeType": "text/plain"' in output
    assert '"fileSize": 19' in output
    assert output.endswith("Hello, Storegraph.\n")


def test_every_block_has_a_test() -> None:
    """A block added to a page needs a test that runs it, and then a location in this list."""
    known = {("README.md", heading, "graphql") for heading in ("Query", "Upload", "Watch")}
    known |= {("README.md", "Start", "bash"), (DEPLOYING, "Scaling out", "bash")}
    known |= {
        (UPLOADS, "Step by step", "bash"),
        (UPLOADS, "Watch the job", "bash"),
        (UPLOADS, "Watch the job", "python"),
    }
    known |= {
        ("docs/media.md", "Time series", "json"),
        ("docs/manifests.md", "JSON", "json"),
        ("docs/manifests.md", "CSV", "csv"),
    }
    known |= {(BROWSERS, "Rules for an S3 bucket", "json"), (BROWSERS, "Subscriptions without WebSocket", "bash")}
    known |= {
        (BACKUPS, heading, "bash")
        for heading in ("SQLite and the local disk", "Restoring", "PostgreSQL and S3", "Checking a site")
    }
    known |= {(DEPLOYING, "Behind a proxy", "nginx"), ("docs/jobs.md", "Following all jobs", "js")}
    headings = ("Tags", "PDFs and videos inside files", "Finding studies")
    known |= {("docs/dicom.md", heading, "graphql") for heading in headings}
    known |= {("docs/archives.md", heading, "graphql") for heading in ("Archives", "Manifests")}
    known |= {("docs/shared-spaces.md", "A walk", "bash"), ("docs/shared-spaces.md", "Trees from scripts", "python")}
    known |= {("docs/shared-spaces.md", heading, "graphql") for heading in ("Copies", "Paths and names")}
    known |= {("README.md", "Upload", "bash"), (CREDENTIALS, "API keys", "bash")}
    known |= {("docs/dicom.md", "From a directory of files to a study", "bash")}
    known |= {(LIMITS, "Rates", "graphql"), (OPERATING, "Metrics", "yaml"), (OPERATING, "Recipes", "bash")}
    known |= {(CONTRIBUTING, heading, "bash") for heading in ("Set up", "A fast loop", "Before you commit")}
    assert {(b.page, b.heading, b.language) for b in blocks() if b.language != "text"} == known


@pytest.mark.parametrize("block", blocks_of("README.md", "Query"), ids=lambda block: block.text.split()[1])
def test_queries_are_answered(block: Block, demo_site: DemoSite) -> None:
    [answer] = demo_site.ask(block.text).values()
    assert answer["nodes"]
    assert "[]" not in str(answer["nodes"][-1])


def test_a_key_is_limited_by_the_command(demo_site: DemoSite, tmp_path: Path) -> None:
    [block] = blocks_of(CREDENTIALS, "API keys")
    [folder, *_] = demo_site.ask("{ storageFolders { nodes { uuid } } }")["storageFolders"]["nodes"]
    data = str(demo_site.log.parent / "data")
    key = run_bash(block.text, tmp_path, STOREGRAPH_DATA_DIR=data, FOLDER=folder["uuid"]).strip()
    seen = replace(demo_site, key=key).ask("{ viewer { scopes folderUuid } storageFolders { nodes { uuid } } }")
    assert seen["viewer"] == {"scopes": ["READ_USER_INFO", "READ_DATA"], "folderUuid": folder["uuid"]}
    assert seen["storageFolders"]["nodes"] == [folder]


def test_a_client_learns_what_it_may_spend(demo_site: DemoSite) -> None:
    [block] = blocks_of(LIMITS, "Rates")
    rates = demo_site.ask(block.text)["rateLimit"]
    assert rates["limit"] > rates["remaining"] > 0


def test_prometheus_needs_only_a_key(demo_site: DemoSite) -> None:
    """The configuration leaves the path at the default of Prometheus."""
    [block] = blocks_of(OPERATING, "Metrics")
    assert "metrics_path" not in block.text
    bearer = {"Authorization": f"Bearer {demo_site.key}"}
    assert "storegraph_operations_total" in httpx.get(f"{demo_site.url}/metrics", headers=bearer, trust_env=False).text


def test_the_upload_mutation_announces_a_file(demo_site: DemoSite) -> None:
    [block] = [block for block in blocks_of("README.md", "Upload") if block.language == "graphql"]
    [folder, *_] = demo_site.ask("{ storageFolders { nodes { uuid } } }")["storageFolders"]["nodes"]
    answer = demo_site.ask(block.text, {"folder": folder["uuid"]})["requestUploadUrls"]
    assert answer["userErrors"] == []
    assert answer["targets"][0]["url"]


def test_the_subscription_is_valid() -> None:
    """The upload walkthrough runs it in Python."""
    [block] = blocks_of("README.md", "Watch")
    assert validate(build_schema((ROOT / "schema" / "schema.graphql").read_text()), parse(block.text)) == []


def test_a_subscription_is_followed_with_curl(demo_site: DemoSite, tmp_path: Path) -> None:
    [block] = blocks_of(BROWSERS, "Subscriptions without WebSocket")
    [folder, *_] = demo_site.ask("{ storageFolders { nodes { uuid } } }")["storageFolders"]["nodes"]
    script = f"({block.text}) | head -n 5"  # curl fails once its reader has gone, and so would the pipeline
    output = run_bash(
        f"set +o pipefail; {script}", tmp_path, URL=demo_site.url, KEY=demo_site.key, FOLDER=folder["uuid"]
    )
    assert "event: next\ndata: {" in output


def test_upload_and_subscription_on_the_embedded_default(demo_site: DemoSite, tmp_path: Path) -> None:
    check_walk(walk(demo_site.url, demo_site.key, tmp_path))


def test_upload_and_subscription_scaled_out(postgres_server: PostgresServer, s3_server: str, tmp_path: Path) -> None:
    """The commands of "Scaling out" run unchanged, except for addresses and the port."""
    [block] = blocks_of(DEPLOYING, "Scaling out")
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
    """Run a script whose last commands continue in the background, until the block ends."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = launch_command(
        ["/bin/bash", "-euo", "pipefail", "-c", f"{script}\ntrap 'kill $(jobs -p); wait' TERM; wait"]
    )
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
    """Wait until a site responds."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return _check(httpx.get(f"{url}/healthz"))
        except httpx.TransportError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


def _check(response: httpx.Response) -> None:
    assert response.json() == {"status": "ok"}


def test_start_and_test_commands_differ_only_in_what_they_install() -> None:
    """They install packages, so `.ci/run` runs them; here their texts are compared."""
    start, test = (shlex.split(block.text) for block in blocks_of("README.md", "Start"))
    assert start[-3:] == [".venv/bin/storegraph", "serve", "--demo"]
    assert test[-1:] == [".venv/bin/pytest"]
    extra = {"chromium", "curl", "jq", "libatomic1", "nginx-light", "requirements-dev.txt"}
    assert [word for word in test[:-1] if word not in extra] == [w for w in start[:-3] if w != "requirements.txt"]


def test_ci_runs_exactly_the_test_command() -> None:
    _start, test = blocks_of("README.md", "Start")
    script = (ROOT / ".ci" / "run").read_text()
    assert f"\n(\n{test.text})\n" in script, "in parentheses, so that a failure within && fails the run"


# One process imports the tests once for all commands.
COLLECT = """
import json, sys
import pytest
for arguments in json.loads(sys.argv[1]):
    assert pytest.main(["-q", "--collect-only", "-n", "0", *arguments]) == 0, arguments
"""
SAMPLE = "tests/faults"
"""Tests with and without the mark `long`, collected for commands that run those of all directories."""


def test_the_commands_for_contributors_find_their_tests(tmp_path: Path) -> None:
    """All except those that install: tests are collected rather than run, other tools print their versions."""
    commands = [
        line for block in blocks_of(CONTRIBUTING) for line in block.text.splitlines() if "pip install" not in line
    ]
    collected, versions = [], []
    for command in (part for line in commands for part in line.split(" && ")):
        tool, *arguments = shlex.split(command)
        if tool == ".venv/bin/pytest":
            has_path = any(word.startswith("tests/") for word in arguments)
            collected.append(arguments if has_path else [*arguments, SAMPLE])
        else:
            versions.append(f"{Path(tool).name} --version\n")
    assert (len(commands), len(collected), len(versions)) == (7, 7, 3)
    find = shlex.join([sys.executable, "-c", COLLECT, json.dumps(collected)])
    run_bash(f"cd {ROOT}\n{''.join(versions)}{find}", tmp_path)
