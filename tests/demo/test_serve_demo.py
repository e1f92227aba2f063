"""`serve --demo` as users run it: it prints where to go, can be stopped at any time, and completes on the next run."""

import asyncio
import re
import signal
from pathlib import Path

import pytest

from gateway.demo.contents import USERS
from gateway.demo.run import QUERIES, run_demo
from tests.commands.test_command_line import run, started
from tests.fixtures.demo import DemoSite
from tests.processes import free_ports


def test_it_prints_addresses_and_keys(demo_site: DemoSite) -> None:
    output = demo_site.log.read_text()
    assert f"{demo_site.url}/graphql" in output
    keys = dict(re.findall(r"(\S+@demo\.example) .*(sg_\S+)$", output, re.MULTILINE))
    assert keys.keys() == {person.email for person in USERS}
    for email, key in keys.items():
        response = DemoSite(demo_site.url, key, demo_site.log).ask("{ viewer { user { email } } }")
        assert response["viewer"]["user"]["email"] == email
    for query in QUERIES:
        assert query in output, "so that it can be pasted"
        assert all(field["nodes"] for field in demo_site.ask(query).values())


async def test_the_second_run_says_that_keys_are_shown_only_once(
    demo_site: DemoSite, capsys: pytest.CaptureFixture[str]
) -> None:
    await run_demo(demo_site.url, demo_site.key)
    output = capsys.readouterr().out
    assert "exists already" in output
    assert "shown only once" in output
    assert "sg_" not in output


async def test_an_interrupted_run_revokes_its_key_and_the_next_run_continues(tmp_path: Path) -> None:
    arguments = ("serve", "--demo", "--port", str(free_ports(1)[0]))
    first = await started(tmp_path, *arguments)
    assert first.stdout is not None
    while "API key" not in (await first.stdout.readline()).decode():
        pass
    await asyncio.sleep(1)
    first.send_signal(signal.SIGINT)
    output, errors = await first.communicate()
    assert (first.returncode, "demo data" in output.decode()) == (0, False)
    assert "Traceback" not in errors.decode(), errors.decode()
    _, keys, _ = await run(tmp_path, "key", "list")
    [passing] = [line for line in keys.splitlines() if "temporary admin key" in line]
    assert len(re.findall(r"\d\d:\d\d:\d\d", passing)) == 2, "when it was made, and when it was revoked"

    second = await started(tmp_path, *arguments)
    assert second.stdout is not None
    while (line := (await second.stdout.readline()).decode()) and "demo data" not in line:
        pass
    assert line == "The demo data is ready. Its users and their API keys:\n"
    second.terminate()
    await second.communicate()
    assert second.returncode == 0


async def test_an_unreachable_site_is_reported_in_one_line(tmp_path: Path) -> None:
    code, output, errors = await run(tmp_path, "demo", "--url", "http://127.0.0.1:1", "--key", "none")
    assert (code, output) == (1, "")
    assert errors.endswith("No Storegraph site answers at http://127.0.0.1:1/graphql: All connection attempts failed\n")
    assert "Traceback" not in errors
