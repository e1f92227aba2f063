"""A site of real processes with a database and a store of its own, any of which may be stopped or killed."""

import os
import secrets
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg

from gateway.database.migrate import migrate
from gateway.settings import Settings
from tests.fixtures.children import children_of
from tests.fixtures.commands import KEY, Command
from tests.processes import free_ports
from tests.servers import Run, stopped_postgres, stopped_seaweedfs

GATEWAY = "tests.faults.stepped_gateway"
READERS = ("gateway.sandbox.probe_child", "gateway.sandbox.encode_child")


class Dependency:
    """A server that the gateway depends on."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._running = ExitStack()
        self.pid = 0

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        self.pid = self._running.enter_context(self._run())

    def stop(self, number: int | None = None) -> None:
        """Stop it properly, or by this signal."""
        if number:
            os.kill(self.pid, number)
            while _is_running(self.pid):
                time.sleep(0.02)
        self._running.close()


@dataclass
class FragileSite:
    """A site whose parts can be broken.

    Attributes:
        processes: the gateway's processes by name.
        directories: the working directory of each.
        postgres: its database server, unless the database is SQLite.
        store: its S3 server, unless the store is on disk.
    """

    settings: Settings
    processes: dict[str, Command] = field(default_factory=dict)
    directories: dict[str, Path] = field(default_factory=dict)
    postgres: Dependency | None = None
    store: Dependency | None = None

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return self.settings.public_url

    @property
    def key(self) -> str:
        """API key of its first admin."""
        return KEY

    def add(self, name: str, *arguments: str, directory: Path) -> None:
        """Start a process of the gateway."""
        directory.mkdir(exist_ok=True)
        self.directories[name] = directory
        self.processes[name] = Command(self.settings, directory, *arguments, module=GATEWAY)
        self.processes[name].begin()

    def end(self) -> None:
        """Kill all processes of the gateway."""
        for process in self.processes.values():
            process.kill()

    def step_clock(self, name: str, seconds: float) -> None:
        """Let the clock of a process differ from the machine's by so many seconds."""
        (self.directories[name] / "clock-step").write_text(str(seconds))

    def readers(self) -> list[int]:
        """Return the process ids of the children that read and encode media."""
        parents = [process.pid for process in self.processes.values()]
        return sorted(child for parent in parents for module in READERS for child in children_of(parent, module))

    def wait_until_ready(self, seconds: float = 180) -> None:
        """Wait until it says that it can serve."""
        deadline = time.monotonic() + seconds
        while True:
            for process in self.processes.values():
                process.check()
            try:
                answer = httpx.get(f"{self.url}/readyz", trust_env=False)
                if answer.is_success:
                    return
                reason = answer.text
            except httpx.TransportError as error:
                reason = repr(error)
            assert time.monotonic() < deadline, reason
            time.sleep(0.1)


@contextmanager
def fragile_site(backend: str, template: Path, directory: Path, **more: object) -> Iterator[FragileSite]:
    """Run a site with a server, and on PostgreSQL two workers; `template` is a migrated SQLite file to copy."""
    [port] = free_ports(1)
    more = {"data_dir": directory / "data", "public_url": f"http://127.0.0.1:{port}", "lease_seconds": 4.0, **more}
    (directory / "data").mkdir(mode=0o700)
    with ExitStack() as stack:
        if backend == "embedded":
            file = shutil.copy(template, directory / "data" / "storegraph.db")
            site = FragileSite(Settings.model_validate({"database_url": f"sqlite:///{file}", **more}))
        else:
            site = stack.enter_context(_on_servers(more))
        stack.callback(site.end)
        site.add("server", "serve", "--port", str(port), directory=directory / "server")
        site.wait_until_ready()
        for name in ("worker", "other worker") if backend == "scaled" else ():
            site.add(name, "work", directory=directory / name)
        yield site


@contextmanager
def _on_servers(more: dict[str, object]) -> Iterator[FragileSite]:
    """Yield a site without processes on PostgreSQL and S3 servers that run."""
    with stopped_postgres() as (url, run_postgres), stopped_seaweedfs() as (objects, run_store):
        postgres, store = Dependency(run_postgres), Dependency(run_store)
        postgres.start()
        store.start()
        with psycopg.connect(url, autocommit=True) as connection:
            # The server of the tests may lose what it has acknowledged if it is killed.
            connection.execute("ALTER DATABASE postgres SET synchronous_commit = on")
        migrate(url)
        given = {"database_url": url, "objects_url": objects, "secret_key": secrets.token_hex(32), **more}
        try:
            yield FragileSite(Settings.model_validate(given), postgres=postgres, store=store)
        finally:
            postgres.stop()
            store.stop()


def _is_running(pid: int) -> bool:
    """Return whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill_child_of(parent: int, words: bytes) -> bool:
    """Kill a child process whose command line has these words, and return whether there was one."""
    for entry in Path("/proc").iterdir():
        try:
            its_parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if its_parent == parent and words in (entry / "cmdline").read_bytes():
                os.kill(int(entry.name), signal.SIGKILL)
                return True
        except (OSError, IndexError, ValueError):
            continue
    return False
