"""The databases that are measured on: generated, and cached where they are files."""

import asyncio
import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_folder
from gateway.catalog.api_keys import create_key
from gateway.database.engine import Database
from gateway.database.migrate import migrate
from gateway.gc_tuning import relax_gc
from gateway.generate.fill import generate
from gateway.kinds.enums import SiteRole
from gateway.models.people import users
from tests.house.sources import ROOT
from tests.servers import postgres
from tests.speed.history import add_history
from tests.speed.operations import variables
from tests.speed.packages import CACHE
from tests.speed.usage import postmaster_of
from tests.speed.viewers import SpeedViewer

SEED = 7
PER_FOLDER = 100


@dataclass(frozen=True)
class Filled:
    """A database with this many items, the API key of a viewer, and the variables of each operation."""

    url: str
    key: str
    items: int
    variables: dict[str, list[dict[str, Any]]]

    @property
    def embedded(self) -> bool:
        """Return whether the database is SQLite."""
        return self.url.startswith("sqlite")

    @cached_property
    def postmaster(self) -> int | None:
        """Return the process ID of PostgreSQL's main process, if it runs on this machine."""
        if self.embedded:
            return None
        with psycopg.connect(self.url) as connection:
            return postmaster_of(connection.info.backend_pid)


@contextmanager
def prepare_database(kind: str, items: int, viewer: SpeedViewer = SpeedViewer.EVERYTHING) -> Iterator[Filled]:
    """Yield a database of that kind with this many items, 100 per folder on average."""

    with copy_database(kind, f"{items}-{generator_digest()}", partial(generate_site, items=items)) as [url]:
        yield asyncio.run(prepare_viewer(url, items, viewer))


@contextmanager
def copy_database(kind: str, label: str, generate: Callable[[str], None], number: int = 1) -> Iterator[list[str]]:
    """Yield the URLs of several databases with the same rows.

    `generate` fills the empty database at a URL. A SQLite file is cached under `label`, so that it
    is generated once.
    """
    if kind == "sqlite":
        file = CACHE / f"{label}.db"
        if not file.exists():
            CACHE.mkdir(parents=True, exist_ok=True)
            draft = file.with_suffix(f".{os.getpid()}.draft")
            try:
                generate(f"sqlite:///{draft}")
                draft.rename(file)
            finally:
                draft.unlink(missing_ok=True)
        with TemporaryDirectory(prefix="storegraph-speed-") as directory:
            names = [Path(directory, f"{count}.db") for count in range(number)]
            yield [f"sqlite:///{shutil.copy(file, name)}" for name in names]
    else:
        with postgres() as server:
            first = server.create_database()
            generate(first)
            with psycopg.connect(first, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
            yield [first, *(server.create_database(first) for _ in range(number - 1))]
            server.drop_all()


def generator_digest() -> str:
    """Return a digest of what makes a cached file stale: what fills it, and the tables."""
    digest = hashlib.sha256()
    for package in ("generate", "models"):
        for source in sorted((ROOT / "gateway" / package).rglob("*.py")):
            digest.update(source.read_bytes())
    for name in ("history", "viewers"):
        digest.update((ROOT / "tests" / "speed" / f"{name}.py").read_bytes())
    return digest.hexdigest()[:12]


def generate_site(url: str, items: int) -> None:
    """Fill an empty database with this many items."""
    print(f"Generating {items:,} items …", flush=True)
    asyncio.run(_generate(url, items))


async def _generate(url: str, items: int) -> None:
    await asyncio.to_thread(migrate, url)
    relax_gc()
    database = Database(url)
    try:
        await generate(database, items // PER_FOLDER, items, SEED)
        await add_history(database)
    finally:
        await database.close()


async def prepare_viewer(url: str, items: int, viewer: SpeedViewer) -> Filled:
    """Return a database with an API key of a viewer, and variables of what they see."""
    await asyncio.to_thread(migrate, url)  # a cached file may be older than the last migration
    database = Database(url)
    try:
        key = await create_key(database, viewer, f"speed {secrets.token_hex(2)}")
        [user] = await database.rows(sa.select(users.c.uuid).where(users.c.email == viewer), sa.Row)
        seen = sees_folder(Viewer(user.uuid, SiteRole.MEMBER))
        return Filled(url, key, items, await variables(database, seen))
    finally:
        await database.close()


async def read_variables(url: str) -> dict[str, list[dict[str, Any]]]:
    """Return the variables of each operation for a database that this tree can read."""
    database = Database(url)
    try:
        return await variables(database, sa.true())
    finally:
        await database.close()
