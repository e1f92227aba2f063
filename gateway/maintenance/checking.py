"""Comparison of the database with the object store, of counters with rows, and of rows.

Both are listed in the order of keys and merged, in bounded memory. The site may run meanwhile:
what differs is looked at again. Rows are written before the bytes that they name, and bytes are
removed before their rows, or by a task that names them; so whatever differs even then is wrong.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Collection

import sqlalchemy as sa

from gateway.catalog.ledger.counters import folders_in_steps, wrong_counters
from gateway.catalog.ledger.dataset_counters import wrong_dataset_counters
from gateway.catalog.ledger.stored_objects import REMOVE_OBJECTS
from gateway.context import Services
from gateway.database.dialects import in_keys
from gateway.database.engine import Database, Transaction
from gateway.maintenance.findings import Fault, Finding, Report, judge
from gateway.maintenance.named_objects import NamedObject, named_objects, names_of_objects
from gateway.maintenance.wrong_rows import row_findings
from gateway.models.datasets import DatasetRecord, datasets
from gateway.models.items import ItemRecord, items
from gateway.stores.base import ObjectInfo

SUSPECTS = 1_000
"""Objects that are looked at again at once."""
_FOLDERS = 100
_OF_ITEMS = {Fault.LOST, Fault.WRONG_SIZE, Fault.FOUND_AGAIN}
_NAMED_ITEMS = 1_000
"""Items that the examples of a report name at most."""
_GENERATED = re.compile(r"[0-9a-f]{32}(-[a-z]+)?")
"""Keys that Storegraph generates, those of thumbnails with their size."""


async def check_site(services: Services, most: int) -> Report:
    """Return what is wrong with a site, with the first `most` findings of each kind."""
    report = Report(most)
    async for findings in object_findings(services, report):
        for finding in findings:
            report.add(finding)
    async for finding in counter_findings(services):
        report.add(finding)
    async for finding in row_findings(services.database):
        report.add(finding)
    await name_items(services.database, report)
    return report


async def name_items(database: Database, report: Report) -> None:
    """Add to the examples of a report which items have these objects."""
    examples = [each for fault in _OF_ITEMS for each in report.examples.get(fault, ())]
    having = in_keys(items.c.object_key, [each.subject for each in examples])
    chosen = sa.select(items.c.object_key, items.c.uuid).where(having).order_by(items.c.uuid)
    uuids: dict[str, list[str]] = {}
    for row in await database.rows(chosen.limit(_NAMED_ITEMS), ItemRecord):
        uuids.setdefault(row.object_key or "", []).append(str(row.uuid))
    for fault in _OF_ITEMS & report.examples.keys():
        report.examples[fault] = [
            each._replace(
                detail=", ".join(filter(None, [each.detail, *uuids.get(each.subject, ())]))
            )
            for each in report.examples[fault]
        ]


async def object_findings(services: Services, report: Report) -> AsyncIterator[list[Finding]]:
    """Yield findings about objects, many at once, and count the objects in the report."""
    suspects: list[str] = []
    async for key, named, stored in _merged(
        named_objects(services.database), services.store.objects()
    ):
        report.objects += stored is not None
        report.named_objects += bool(stored and named)
        if judge(key, named, stored):
            suspects.append(key)
        if len(suspects) == SUSPECTS:
            yield await confirmed(services, suspects)
            suspects = []
    if suspects:
        yield await confirmed(services, suspects)


async def confirmed(services: Services, keys: Collection[str]) -> list[Finding]:
    """Return what is wrong with objects that seemed to be wrong when they were listed."""
    before = await names_of_objects(services.database, keys)
    # Asked before the store: a task that has run by then has removed the bytes.
    unused = {key for key in keys if key not in before or not before[key].is_referenced}
    leaving: set[str] = set()
    if unused:
        async for args in services.queue.pending(REMOVE_OBJECTS):
            leaving.update(unused & set(args["keys"]))
    stored = await asyncio.gather(*(services.store.info(key) for key in keys))
    after = await names_of_objects(services.database, keys)
    findings = []
    for key, there in zip(keys, stored, strict=True):
        finding = judge(key, after.get(key), there)
        if finding and finding == judge(key, before.get(key), there) and key not in leaving:
            findings.append(finding)
    return findings


async def counter_findings(services: Services) -> AsyncIterator[Finding]:
    """Yield the folders and datasets whose counters are wrong."""
    async for uuids in folders_in_steps(services.database, _FOLDERS):
        async with services.database.reading() as connection:
            transaction = Transaction(connection)
            wrong = {uuid: await wrong_counters(transaction, uuid) for uuid in uuids}
        for uuid, counters in wrong.items():
            if counters:
                texts = [
                    f"{name}: {stored} instead of {actual}"
                    for name, (stored, actual) in counters.items()
                ]
                yield Finding(Fault.COUNTERS, str(uuid), ", ".join(texts))
    for row in await services.database.rows(sa.select(datasets.c.uuid), DatasetRecord):
        async with services.database.reading() as connection:
            places = await wrong_dataset_counters(Transaction(connection), row.uuid)
        if places:
            texts = [
                f"data rows at {location}: {stored} instead of {actual}"
                for (_, location), (stored, actual) in places.items()
            ]
            yield Finding(Fault.COUNTERS, str(row.uuid), ", ".join(texts))


async def _merged(
    names: AsyncIterator[NamedObject], objects: AsyncIterator[ObjectInfo]
) -> AsyncIterator[tuple[str, NamedObject | None, ObjectInfo | None]]:
    """Yield each key with what the database and the store say of it; both are in its order.

    Objects under keys that Storegraph does not generate belong to someone else.
    """
    named, stored = await anext(names, None), await anext(objects, None)
    while named or stored:
        key = min(each.key for each in (named, stored) if each)
        name = named if named and named.key == key else None
        info = stored if stored and stored.key == key else None
        if name or _GENERATED.fullmatch(key):
            yield key, name, info
        if name:
            named = await anext(names, None)
        if info:
            stored = await anext(objects, None)
