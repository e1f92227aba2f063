"""The databases that are measured on: generated, and kept in the cache where they are files."""

import asyncio
import hashlib
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from gateway.catalog.api_keys import create_key
from gateway.database.engine import Database
from gateway.database.migrate import migrate
from gateway.generate.fill import generate
from tests.house.sources import ROOT
from tests.servers import postgres
from tests.speed.operations import variables
from tests.speed.packages import CACHE

SEED = 7
PER_FOLDER = 100
VIEWER = "member01@example.org"
"""A member, whose groups see all roots: he sees everything, and every statement has to find that out."""


@dataclass(frozen=True)
class Filled:
    """A database with so many items, the key of a viewer, and what operations are asked with there."""

    url: str
    key: str
    items: int
    variables: dict[str, list[dict[str, Any]]]

    @property
    def embedded(self) -> bool:
        """Whether it is SQLite."""
        return self.url.startswith("sqlite")


@contextmanager
def filled(kind: str, items: int) -> Iterator[Filled]:
    """A database of that kind with so many items, 100 in each folder on average."""
    if kind == "sqlite":
        with TemporaryDirectory(prefix="storegraph-speed-") as directory:
            file = shutil.copy(_generated_file(items), directory)
            yield asyncio.run(_ready(f"sqlite:///{file}", items))
    else:
        with postgres() as server:
            url = server.create_database()
            print(f"generating {items:,} items …", flush=True)
            asyncio.run(_generate(url, items))
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
            yield asyncio.run(_ready(url, items))
            server.drop_all()


def _generated_file(items: int) -> Path:
    """A file that is made again when what makes it has changed."""
    digest = hashlib.sha256()
    for package in ("generate", "models"):
        for source in sorted((ROOT / "gateway" / package).rglob("*.py")):
            digest.update(source.read_bytes())
    file = CACHE / f"{items}-{digest.hexdigest()[:12]}.db"
    if not file.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        draft = file.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        print(f"generating {items:,} items …", flush=True)
        asyncio.run(_generate(f"sqlite:///{draft}", items))
        draft.rename(file)
    return file


async def _generate(url: str, items: int) -> None:
    await asyncio.to_thread(migrate, url)
    database = Database(url)
    try:
        await generate(database, items // PER_FOLDER, items, SEED)
    finally:
        await database.close()


async def _ready(url: str, items: int) -> Filled:
    await asyncio.to_thread(migrate, url)  # a kept file may be older than the last migration
    database = Database(url)
    try:
        key = await create_key(database, VIEWER, f"speed {secrets.token_hex(2)}")
        return Filled(url, key, items, await variables(database))
    finally:
        await database.close()
