"""Originals of DICOM instances, which a job deletes once it has copied all of them."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.dicom_deletion import delete_sources
from gateway.catalog.dicom_jobs import end_dicom_job
from gateway.catalog.job_log import log_failed_unit
from gateway.catalog.jobs import save_job
from gateway.catalog.ledger.row_edits import set_columns
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.enums import DicomJobUnitStatus
from gateway.models.dicom import dicom_instances
from gateway.models.dicom_jobs import DicomJobUnitRecord, dicom_job_units
from gateway.models.items import items
from gateway.models.jobs import JobRecord
from gateway.queues.base import Queue

CHANGED = "The file has changed since it was copied."


class _VersionRow(NamedTuple):
    source_uuid: UUID
    item_uuid: UUID
    sha256: str | None
    remote_etag: str | None


async def remove_next(
    transaction: Transaction, queue: Queue, viewer: Viewer, job: JobRecord, size: int
) -> bool:
    """Delete the next instances that are copied; return whether the locked job has ended."""
    after = int(job.cursor or -1)
    some = (
        sa.select(dicom_job_units)
        .where(
            dicom_job_units.c.job_uuid == job.uuid,
            dicom_job_units.c.status == DicomJobUnitStatus.DONE,
            dicom_job_units.c.position > after,
        )
        .order_by(dicom_job_units.c.position)
        .limit(size)
    )
    units = await transaction.rows(some, DicomJobUnitRecord)
    if not units:
        await end_dicom_job(transaction, job)
        return True
    errors: dict[UUID, str] = {}
    versions = await _versions(transaction, units, errors)
    chosen = [unit for unit in units if unit.uuid not in errors]
    errors |= await delete_sources(transaction, queue, viewer, job, chosen, versions)
    values = {
        uuid: {"status": DicomJobUnitStatus.ERROR, "error": f"Copied, but not deleted: {reason}"}
        for uuid, reason in errors.items()
    }
    await set_columns(transaction, dicom_job_units, values)
    for unit in units:
        if unit.uuid in errors:
            log_failed_unit(transaction, job, unit.uuid, errors[unit.uuid], item=unit.item_uuid)
    counts = {
        "cursor": str(units[-1].position),
        "units_done_count": job.units_done_count - len(errors),
        "units_error_count": job.units_error_count + len(errors),
        "error": next(iter(errors.values()), job.error),
    }
    await save_job(transaction, job, counts)
    return False


def version_of(sha256: str | None, remote_etag: str | None) -> str:
    """Return what tells versions of an item's file apart."""
    return f"{sha256 or ''}:{remote_etag or ''}"


async def _versions(
    transaction: Transaction, units: Sequence[DicomJobUnitRecord], errors: dict[UUID, str]
) -> dict[UUID, UUID]:
    """Return the superseded versions of copied items, with the item of the unit of each.

    Newer content, which arrived after the copy was made, stays. Units whose own file has changed
    get an error.
    """
    mine, other = dicom_instances.alias(), dicom_instances.alias()
    statement = (
        sa.select(
            mine.c.item_uuid.label("source_uuid"),
            other.c.item_uuid,
            items.c.sha256,
            items.c.remote_etag,
        )
        .join(
            other,
            (other.c.series_uuid == mine.c.series_uuid)
            & (other.c.sop_instance_uid == mine.c.sop_instance_uid),
        )
        .join(items, items.c.uuid == other.c.item_uuid)
        .where(in_keys(mine.c.item_uuid, [unit.item_uuid for unit in units]))
        .order_by(other.c.item_uuid)
    )
    rows = await transaction.rows(statement, _VersionRow)
    own = {row.item_uuid: row for row in rows if row.item_uuid == row.source_uuid}
    for unit in units:
        row = own.get(unit.item_uuid)
        if row and version_of(row.sha256, row.remote_etag) != unit.source_version:
            errors[unit.uuid] = CHANGED
    changed = {unit.item_uuid for unit in units if unit.uuid in errors}
    versions: dict[UUID, UUID] = {}
    known: dict[UUID, set[str]] = {}
    for row in rows:
        digests = known.setdefault(row.source_uuid, set())
        is_older = row.item_uuid <= row.source_uuid
        if is_older and row.sha256:
            digests.add(row.sha256)
        if row.source_uuid in changed or row.item_uuid == row.source_uuid:
            continue
        if is_older or row.sha256 in digests:
            versions[row.item_uuid] = row.source_uuid
    return versions
