"""Fills an empty database with plausible metadata, the same for the same seed; there are no bytes behind it.

Rows are written as they are, in one transaction and without a record of changes: nobody did any of this.
"""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from gateway.database.engine import Database, Transaction
from gateway.errors import DomainError, ErrorCode
from gateway.generate.contents import Contents
from gateway.generate.people import People, Rows
from gateway.generate.rng import Rng
from gateway.generate.tree import Tree
from gateway.generate.uses import Uses
from gateway.models.base import new_row
from gateway.models.folders import FolderCountersRecord, folder_counters, folders
from gateway.models.items import items
from gateway.models.people import groups, users

_AT_ONCE = 5_000
"""Rows in one batch."""
_LARGE, _TIMES = 200, 15
"""One folder in so many is large: it holds so many times as much as another."""


async def generate(database: Database, folder_count: int, item_count: int, seed: int) -> None:
    """Fill the database with so many folders and items; raises `CONFLICT` if there is anything in it."""
    async with database.writing() as transaction:
        for table in (users, groups, folders, items):
            if await transaction.first(sa.select(table.c.uuid).limit(1)):
                raise DomainError(ErrorCode.CONFLICT, "The database is not empty.")
        await _write(transaction, _rows(folder_count, item_count, seed))


def _rows(folder_count: int, item_count: int, seed: int) -> Iterator[Rows]:
    rng = Rng(seed, folder_count + item_count)
    people = People(rng)
    yield from people.rows()
    tree = Tree(rng, people, folder_count)
    yield from tree.rows()
    uses = Uses(rng, people, tree.uuids)
    yield from uses.rows()
    contents = Contents(rng, people, item_count)
    for folder, number in zip(tree.uuids, _shares(rng, folder_count, item_count), strict=True):
        for table, rows in contents.rows(folder, number):
            yield table, rows
            if table is items:
                yield from uses.of(rows)
    yield folder_counters, _counters(tree, contents)


def _shares(rng: Rng, folder_count: int, item_count: int) -> list[int]:
    """How many items lie in each folder: most hold about the same, between half of it and half as much again."""
    ends, total = [], 0
    for number in range(1, folder_count + 1):
        total += (500 + rng.below(1_001)) * (1 if number % _LARGE else _TIMES)
        ends.append(total)
    edges = [0, *(item_count * end // total for end in ends)]
    return [end - begin for begin, end in pairwise(edges)]


def _counters(tree: Tree, contents: Contents) -> list[dict[str, Any]]:
    below = Counter(parent for parent in tree.parents if parent)
    return [
        new_row(
            FolderCountersRecord,
            folder_uuid=folder,
            **contents.counters[folder],
            folders=below[folder],
        )
        for folder in tree.uuids
    ]


async def _write(transaction: Transaction, batches: Iterator[Rows]) -> None:
    """Write rows in large batches. The tables wait in the order in which they first came, so that what others refer
    to is there before them."""
    waiting: dict[sa.Table, list[dict[str, Any]]] = {}
    for table, rows in batches:
        waiting.setdefault(table, []).extend(rows)
        if len(waiting[table]) >= _AT_ONCE:
            await _flush(transaction, waiting)
    await _flush(transaction, waiting)


async def _flush(transaction: Transaction, waiting: dict[sa.Table, list[dict[str, Any]]]) -> None:
    for table, rows in waiting.items():
        if rows:
            await transaction.execute(sa.insert(table), rows)
        waiting[table] = []
