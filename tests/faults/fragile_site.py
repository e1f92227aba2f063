"""A site of real processes with a database and a store, or a small disk, of its own, any of which may fail."""

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
from tests.faults.invariants import violations
from tests.fixtures.children import children_of
from tests.fixtures.commands import KEY, Command
from tests.fixtures.small_disks import SmallDisk, small_disk
from tests.processes import free_ports
from tests.servers import Run, stopped_postgres, stopped_seaweedfs

GATEWAY = "tests.faults.stepped_gateway"
MEBIBYTES = 96
"""Size of the disk of a site without servers."""
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
        directory: where its processes have their logs and clocks.
        processes: the gateway's processes by name.
        postgres: its database server, unless the database is SQLite.
        store: its S3 server, unless the store is on disk.
        disk: the disk that has its database and store, unless these are servers.
    """

    settings: Settings
    directory: Path
    processes: dict[str, Command] = field(default_factory=dict)
    postgres: Dependency | None = None
    store: Dependency | None = None
    disk: SmallDisk | None = None

    @property
    def url(self) -> str:
        """Where clients reach it."""
        return self.settings.public_url

    @property
    def key(self) -> str:
        """API key of its first admin."""
        return KEY

    def add(self, name: str, *arguments: str) -> None:
        """Start a process of the gateway."""
        clock, enter = str(self.directory / name), self.disk.enter if self.disk else ()
        process = Command(self.settings, self.directory, clock, *arguments, module=GATEWAY, enter=enter)
        self.processes[name] = process
        process.begin()

    def violations(self) -> list[str]:
        """Return what is wrong with it."""
        return violations(self.readable())

    def readable(self) -> Settings:
        """Return settings by which the tests can read its database and store: on a disk, a copy of the database."""
        if not self.disk:
            return self.settings
        for process in self.processes.values():
            process.signal(signal.SIGSTOP)
        try:
            for suffix in ("", "-wal"):
                copy = self.directory / f"copy.db{suffix}"
                copy.unlink(missing_ok=True)
                if (file := self.disk.outside / f"storegraph.db{suffix}").exists():
                    shutil.copy(file, copy)
        finally:
            for process in self.processes.values():
                process.signal(signal.SIGCONT)
        (self.directory / "copy.db-shm").unlink(missing_ok=True)
        places = {"database_url": f"sqlite:///{self.directory}/copy.db", "data_dir": self.disk.outside}
        return self.settings.model_copy(update=places)

    def end(self) -> None:
        """Kill all processes of the gateway."""
        for process in self.processes.values():
            process.kill()

    def step_clock(self, name: str, seconds: float) -> None:
        """Let the clock of a process differ from the machine's by so many seconds."""
        (self.directory / name).write_text(str(seconds))

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
    more = {"public_url": f"http://127.0.0.1:{port}", "lease_seconds": 4.0, **more}
    with (_on_disk if backend == "embedded" else _on_servers)(template, directory, more) as site:
        try:
            site.add("server", "serve", "--port", str(port))
            site.wait_until_ready()
            for name in ("worker", "other worker") if backend == "scaled" else ():
                site.add(name, "work")
            yield site
        finally:
            site.end()


@contextmanager
def _on_disk(template: Path, directory: Path, more: dict[str, object]) -> Iterator[FragileSite]:
    """Yield a site without processes on a small disk."""
    with small_disk(MEBIBYTES, directory) as disk:
        shutil.copy(template, disk.outside / "storegraph.db")
        yield FragileSite(Settings.model_validate({"data_dir": disk.inside, **more}), directory, disk=disk)


@contextmanager
def _on_servers(_template: Path, directory: Path, more: dict[str, object]) -> Iterator[FragileSite]:
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
        settings = Settings.model_validate({"data_dir": directory, **given})
        try:
            yield FragileSite(settings, directory, postgres=postgres, store=store)
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
