"""Fill an empty database with plausible metadata. There are no bytes behind it.

Rows are inserted as they are, without journal entries, in transactions of many thousands of items.
The last one adds the counters of the folders, and the indexes of the largest tables: a database
with folders that have no counters was left behind by a generation that was interrupted.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from typing import Any

import sqlalchemy as sa

from gateway.catalog.ledger.item_uses import note_links
from gateway.database.bulk_load import bulk_insert, drop_indexes
from gateway.database.engine import Database, Transaction
from gateway.errors import DomainError, ErrorCode
from gateway.generate.datasets import DatasetGenerator
from gateway.generate.dicom import DicomGenerator
from gateway.generate.items import ItemGenerator
from gateway.generate.people import People, TableRows
from gateway.generate.rng import Rng
from gateway.generate.tree import Tree
from gateway.models.base import new_row
from gateway.models.datasets import data_rows
from gateway.models.dicom import (
    dicom_instances,
    dicom_series,
    dicom_studies,
    dicom_study_places,
    dicom_tags,
)
from gateway.models.folders import FolderCountersRecord, folder_counters, folders
from gateway.models.items import group_members, items, stored_objects
from gateway.models.metadata import MetadataKeyRecord, metadata_keys
from gateway.models.people import groups, users

ITEMS_PER_BATCH, BATCHES_PER_TRANSACTION = 5_000, 10
_LARGE, _TIMES = 200, 15
"""One folder in 200 is large: it holds 15 times as many items as others."""

_LARGE_TABLES = (
    items,
    stored_objects,
    group_members,
    data_rows,
    dicom_instances,
    dicom_tags,
    dicom_series,
    dicom_studies,
    dicom_study_places,
)

Progress = Callable[[int], None]
"""Receives the number of items inserted so far."""


async def generate(
    database: Database,
    folder_count: int,
    item_count: int,
    seed: int,
    progress: Progress = lambda _count: None,
    *,
    instance_count: int = 0,
) -> None:
    """Fill the database with folders, items and so many DICOM instances, which are more items.

    Calls `progress` after each transaction.

    The same numbers and the same seed give the same rows.

    Raises:
        DomainError: `CONFLICT`, the database is not empty, or an earlier run was interrupted.
    """
    batches = _batches(_site_rows(folder_count, item_count, instance_count, seed))
    done, is_first, is_complete = 0, True, False
    indexes: list[str] = []
    while not is_complete:
        async with database.writing() as transaction:
            if is_first:
                await _check_empty(transaction)
                indexes = await drop_indexes(transaction.connection, _LARGE_TABLES)
            for batch in islice(batches, BATCHES_PER_TRANSACTION):
                for table, rows in batch.items():
                    await bulk_insert(transaction.connection, table, rows)
                done += len(batch.get(items, ()))
                is_complete = folder_counters in batch
            for statement in indexes if is_complete else ():
                await transaction.connection.exec_driver_sql(statement)
            if is_complete:
                await note_links(transaction)
        is_first = False
        progress(done)


async def _check_empty(transaction: Transaction) -> None:
    """Refuse a database with anything in it: a second run would mix two sites."""
    incomplete = sa.select(folders.c.uuid).outerjoin(folder_counters)
    if await transaction.first(
        incomplete.where(folder_counters.c.folder_uuid.is_(None)).limit(1), sa.Row
    ):
        raise DomainError(
            ErrorCode.CONFLICT,
            "The database holds an incomplete site: `storegraph generate` was interrupted. "
            "Delete the database and run the command again.",
        )
    for table in (users, groups, folders, items):
        if await transaction.first(sa.select(table.c.uuid).limit(1), sa.Row):
            raise DomainError(
                ErrorCode.CONFLICT,
                "The database is not empty. `storegraph generate` needs an empty one.",
            )


def _site_rows(
    folder_count: int, item_count: int, instance_count: int, seed: int
) -> Iterator[TableRows]:
    """Yield all rows of a site, referenced rows first and the counters of all folders last."""
    rng = Rng(seed, folder_count + item_count + instance_count)
    people = People(rng)
    yield from people.rows()
    tree = Tree(rng, people, folder_count)
    yield from tree.rows()
    dataset_generator = DatasetGenerator(rng, people, tree.uuids)
    yield from dataset_generator.rows()
    item_generator = ItemGenerator(rng, people, item_count)

    # Most folders hold about the same number of items: half of the average to half more.
    ends, total = [], 0
    for number in range(1, folder_count + 1):
        total += (500 + rng.below(1_001)) * (1 if number % _LARGE else _TIMES)
        ends.append(total)
    edges = [0, *(item_count * end // total for end in ends)]
    for folder, (start, end) in zip(tree.uuids, pairwise(edges), strict=True):
        for table, rows in item_generator.rows(folder, end - start):
            yield table, rows
            if table is items:
                yield dataset_generator.data_rows_of(rows)

    yield dataset_generator.counters()
    studies = DicomGenerator(rng, people, tree.places, item_generator.counters)
    yield from studies.rows(instance_count)

    subfolders = Counter(parent for parent in tree.parents if parent)
    yield (
        folder_counters,
        [
            new_row(
                FolderCountersRecord,
                folder_uuid=folder,
                **item_generator.counters[folder],
                folders=subfolders[folder],
            )
            for folder in tree.uuids
        ],
    )
    yield (
        metadata_keys,
        [
            new_row(MetadataKeyRecord, folder_uuid=folder, **use._asdict(), items=number)
            for folder in tree.uuids
            for use, number in item_generator.uses[folder].items()
        ],
    )


def _batches(site_rows: Iterator[TableRows]) -> Iterator[dict[sa.Table, list[dict[str, Any]]]]:
    """Yield rows by table in batches of moderate size; those of a table keep their order.

    Tables are in the order in which they came first, so that referenced rows are inserted first.
    """
    batch: dict[sa.Table, list[dict[str, Any]]] = {}
    for table, rows in site_rows:
        if len(batch.get(items, ())) >= ITEMS_PER_BATCH:
            yield batch
            batch = {known: [] for known in batch}
        batch.setdefault(table, []).extend(rows)
    yield batch
