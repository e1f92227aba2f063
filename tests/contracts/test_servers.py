"""The servers that tests start: they behave as tests expect, and end with them."""

import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from tests.servers import PostgresServer, with_prefix

OWNER = """
import os, signal, sys, time
from pathlib import Path
from tests.processes import run_server
signal.signal(signal.SIGINT, signal.default_int_handler)  # it is ignored in what a script starts in the background
with run_server(["/bin/sleep", "600"], lambda: True, directory=Path(sys.argv[1])):
    print(Path("/proc/self/task").joinpath(str(os.getpid()), "children").read_text(), flush=True)
    time.sleep(600)
"""


def test_databases_are_copies_of_their_template(postgres_server: PostgresServer) -> None:
    template = postgres_server.create_database()
    with psycopg.connect(template) as connection:
        connection.execute("CREATE TABLE seen AS SELECT 1 AS number")
    copy = postgres_server.create_database(template)
    with closing(psycopg.connect(copy)) as connection:
        assert connection.execute("SELECT number FROM seen").fetchall() == [(1,)]
        postgres_server.drop_database(copy)  # although a client is connected
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(copy)
    postgres_server.drop_database(template)


def test_prefix_follows_the_bucket() -> None:
    assert with_prefix("s3://b?region=r", "x") == "s3://b/x?region=r"
    assert with_prefix("s3://b/a/?region=r", "x") == "s3://b/a/x?region=r"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent died")
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_with_the_tests(tmp_path: Path, end: signal.Signals) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as owner:
        assert owner.stdout is not None
        child = int(owner.stdout.readline())
        time.sleep(0.2)  # the launcher becomes the command
        owner.send_signal(end)
        owner.wait(timeout=10)
    deadline = time.monotonic() + 5
    while _lives(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _lives(child)


def _lives(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it ended before it was opened or read
        return False
