"""What a site's database and store contain, read without any code of the gateway."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

import boto3
import psycopg
from botocore.config import Config
from psycopg.rows import dict_row

from gateway.settings import Settings

Rows = list[dict[str, Any]]
"""Rows by column. UUIDs are hex, and truth values numbers."""


@dataclass(frozen=True)
class Evidence:
    """A site at one moment.

    Attributes:
        select: runs a statement that both databases understand, and returns its rows.
        sizes: the bytes of each object in the store, by key.
        is_embedded: whether the database is SQLite.
    """

    select: Callable[[str], Rows]
    sizes: Mapping[str, int]
    is_embedded: bool

    def column(self, statement: str) -> list[Any]:
        """Return the values of a statement with a single column."""
        return [value for row in self.select(statement) for value in row.values()]


@contextmanager
def gather_evidence(settings: Settings) -> Iterator[Evidence]:
    """Open the database in a transaction, which is rolled back in the end, and list the store."""
    url = settings.database_url or f"sqlite:///{settings.data_dir}/storegraph.db"
    is_embedded = url.startswith("sqlite")
    with (_sqlite if is_embedded else _postgres)(url) as execute:

        def select(statement: str) -> Rows:
            return [_plain(row) for row in execute(statement)]

        yield Evidence(select, stored_sizes(settings), is_embedded)


@contextmanager
def _sqlite(url: str) -> Iterator[Callable[[str], Rows]]:
    connection = sqlite3.connect(unquote(urlsplit(url).path[1:]), timeout=30, isolation_level=None)
    with closing(connection):
        connection.row_factory = sqlite3.Row
        connection.execute("BEGIN")
        yield lambda statement: [dict(row) for row in connection.execute(statement)]
        connection.execute("ROLLBACK")


@contextmanager
def _postgres(url: str) -> Iterator[Callable[[str], Rows]]:
    with psycopg.connect(url, row_factory=dict_row) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ

        def execute(statement: str) -> Rows:
            cursor = connection.execute(statement.encode())  # a constant of the tests, though no literal
            return cursor.fetchall() if cursor.description else []

        yield execute
        connection.rollback()


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row in which values have the same types, whichever database they are from."""

    def plain(value: Any) -> Any:
        if isinstance(value, UUID):
            return value.hex
        return int(value) if isinstance(value, bool) else value

    return {name: plain(value) for name, value in row.items()}


def stored_sizes(settings: Settings) -> dict[str, int]:
    """Return the bytes of each object in the store, by key."""
    if settings.objects_url.startswith("s3:"):
        return _sizes_in_bucket(settings.objects_url)
    root = Path(unquote(urlsplit(settings.objects_url).path) or settings.data_dir / "objects")
    return {
        entry.name: entry.stat().st_size
        for directory in os.scandir(root / "content")
        for entry in os.scandir(directory)
    }


def _sizes_in_bucket(url: str) -> dict[str, int]:
    parts = urlsplit(url)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    prefix = f"{parts.path.strip('/')}/".lstrip("/")
    client = boto3.client(
        "s3",
        endpoint_url=options["endpoint"],
        region_name=options["region"],
        aws_access_key_id=options["access_key"],
        aws_secret_access_key=options["secret_key"],
        config=Config(s3={"addressing_style": "path"}),
    )
    with closing(client):
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=parts.netloc, Prefix=prefix)
        return {
            entry["Key"].removeprefix(prefix): entry["Size"] for page in pages for entry in page.get("Contents", ())
        }
