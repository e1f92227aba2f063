"""Repair of what a check finds."""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger.counters import recount
from gateway.catalog.ledger.dataset_counters import recount_dataset
from gateway.catalog.ledger.encapsulated_files import extract_again
from gateway.catalog.lost_objects import forget_thumbnails, mark_found, mark_lost
from gateway.context import Services
from gateway.database.dialects import in_keys
from gateway.maintenance.checking import counter_findings, object_findings
from gateway.maintenance.findings import Fault, Report
from gateway.maintenance.wrong_rows import repair_rows, row_findings
from gateway.models.uploads import ManifestRecord, manifests
from gateway.settings import NotConfigured
from gateway.tasks.read_manifests import read_manifest
from gateway.tasks.remove_objects import remove_objects


async def repair_site(services: Services, report: Report) -> Report:
    """Repair a site in which something was found, and return what has been repaired.

    Everything is looked for again, and looked at once more before it is repaired.

    Raises:
        NotConfigured: the store seems to belong to another site.
    """
    if report.counts[Fault.UNNAMED] and not report.named_objects:
        raise NotConfigured(
            f"Nothing was repaired: the database names none of the {report.objects:,} objects in "
            "the store, which may be that of another site. Check STOREGRAPH_DATABASE_URL and "
            "STOREGRAPH_OBJECTS_URL."
        )
    repaired = Report(report.most)
    async for findings in object_findings(services, repaired):
        by_fault: dict[Fault, list[str]] = {}
        for finding in findings:
            repaired.add(finding)
            by_fault.setdefault(finding.fault, []).append(finding.subject)
        for fault, keys in by_fault.items():
            await repair_objects(services, fault, keys)
    async for finding in counter_findings(services):
        repaired.add(finding)
        async with services.database.writing() as transaction:
            await recount(transaction, UUID(finding.subject))
            await recount_dataset(transaction, UUID(finding.subject))
    async for finding in row_findings(services.database):
        repaired.add(finding)
        async with services.database.writing() as transaction:
            await repair_rows(transaction, finding)
    return repaired


async def repair_objects(services: Services, fault: Fault, keys: Collection[str]) -> None:
    """Repair objects that have the same fault."""
    match fault:
        case Fault.LOST | Fault.WRONG_SIZE:
            await mark_lost(services.database, keys)
            # Rows that nothing refers to any more.
            await remove_objects(services, keys=[*keys])
        case Fault.FOUND_AGAIN:
            await mark_found(services.database, keys)
        case Fault.LOST_THUMBNAIL:
            async with services.database.writing() as transaction:
                beginnings = {key.rpartition("-")[0] for key in keys}
                await forget_thumbnails(transaction, beginnings)
        case Fault.LOST_ENCAPSULATED:
            async with services.database.writing() as transaction:
                await extract_again(transaction, services.queue, keys)
        case Fault.LOST_MANIFEST:
            chosen = sa.select(manifests).where(in_keys(manifests.c.object_key, keys))
            for row in await services.database.rows(chosen, ManifestRecord):
                await read_manifest(services, job=row.job_uuid.hex)
        case _:
            await remove_objects(services, keys=[*keys])
