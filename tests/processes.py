"""Child processes of the tests. They end with the test process, even if it is killed."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

# Runs in a fresh interpreter rather than as `preexec_fn`, which is unsafe with threads. The order matters:
# changing the user clears the death signal.
_LAUNCHER = """
import ctypes, os, pwd, sys
parent, death, user, *command = sys.argv[1:]
if user:
    account = pwd.getpwnam(user)
    os.setgroups([]); os.setgid(account.pw_gid); os.setuid(account.pw_uid)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, int(death), 0, 0, 0)
if os.getppid() != int(parent):
    sys.exit("the tests are gone")
os.execv(command[0], command)
"""


class DidNotStart(Exception):
    """Raised if a server is not ready in time; the message ends with its log."""


def launch_command(
    command: Sequence[str | Path], *, user: str = "", stop: signal.Signals = signal.SIGKILL
) -> list[str]:
    """Return a command line that runs `command` as `user` and signals it when the tests die.

    To the kernel, the parent is the thread that starts the process: start it from the main thread.
    """
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), str(int(stop)), user]
    return [*launcher, *map(str, command)]


@contextmanager
def run_server(
    command: Sequence[str | Path],
    ready: Callable[[], bool],
    *,
    directory: Path,
    env: Mapping[str, str] | None = None,
    user: str = "",
    stop: signal.Signals = signal.SIGKILL,
) -> Iterator[int]:
    """Run a server in its own process group and yield its process id once it is ready."""
    with (directory / "server.log").open("w+b") as log:
        process = subprocess.Popen(
            launch_command(command, user=user, stop=stop),
            cwd=directory,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _wait(process, ready, directory / "server.log")
            yield process.pid
        finally:
            _end(process, stop)


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise DidNotStart(f"{process.args!r}\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    for each in (stop, signal.SIGKILL):
        try:
            os.killpg(process.pid, each)
            process.wait(timeout=5)
        except ProcessLookupError:
            process.wait()
        except subprocess.TimeoutExpired:
            continue
        return


def free_ports(count: int) -> list[int]:
    """Return ports that are free together with those 10,000 above them.

    Outgoing connections never use them.
    """
    # Each worker of a run has its own range, so that two never choose the same port.
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 4
    candidates = random.sample(range(11_000 + worker * 2_500, 13_500 + worker * 2_500), 50 * count)
    return [port for port in candidates if _is_free(port) and _is_free(port + 10_000)][:count]


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
