"""Jobs about DICOM studies: how they are started, worked on and ended.

Each has a unit for each instance. Whoever changes such a job or its units locks the job first.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.identity import sees_identity_at
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import in_visible_folder
from gateway.catalog.dicom_units import StudySource, attachments_of, folders_of, parts_of
from gateway.catalog.job_log import log_failed_unit
from gateway.catalog.jobs import TERMINAL, save_job
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.row_edits import set_columns
from gateway.catalog.ledger.stored_objects import release_objects
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.error_texts import used_by
from gateway.errors import conflict
from gateway.kinds.enums import DicomJobUnitStatus, JobStatus
from gateway.kinds.job_kinds import JOB_TYPES
from gateway.models.datasets import data_rows, datasets
from gateway.models.dicom import dicom_instances, dicom_series, study_attachments
from gateway.models.dicom_jobs import DicomJobUnitRecord, dicom_job_units
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.jobs import JobRecord
from gateway.queues.base import Queue


class StudyUnitEnd(NamedTuple):
    """The end of a unit, with the reason if it has failed or was left out.

    Attributes:
        columns: further columns of the unit.
    """

    status: DicomJobUnitStatus = DicomJobUnitStatus.DONE
    error: str | None = None
    columns: Mapping[str, Any] = {}


class StudySize(NamedTuple):
    """The instances and attachments of a part of a study, and their bytes."""

    units: int
    file_size: int


class _FolderRow(NamedTuple):
    folder_uuid: UUID


class _SeriesRow(NamedTuple):
    series_uid: str


class _DatasetUse(NamedTuple):
    is_mirror: bool


async def visible_part(
    transaction: Transaction,
    viewer: Viewer,
    study_uuid: UUID,
    series: Sequence[str] | None = None,
    *,
    attachments: bool = False,
) -> StudySource:
    """Return the part of a study that the viewer sees, in whatever folders.

    Args:
        series: the UIDs of the series; None for all.
        attachments: whether the attachments are a part of it.
    """
    mine = dicom_series.c.study_uuid == study_uuid
    if series is not None:
        mine &= in_keys(dicom_series.c.series_uid, series)
    seen = [
        sa.select(dicom_series.c.folder_uuid).where(
            mine, in_visible_folder(viewer, dicom_series.c.folder_uuid)
        )
    ]
    if attachments:
        seen.append(
            sa.select(items.c.folder_uuid)
            .join(study_attachments, study_attachments.c.item_uuid == items.c.uuid)
            .where(
                study_attachments.c.study_uuid == study_uuid,
                in_visible_folder(viewer, items.c.folder_uuid),
            )
        )
    rows = await transaction.rows(sa.union(*seen), _FolderRow)
    homes = sorted(row.folder_uuid.hex for row in rows)
    return StudySource(
        study=study_uuid.hex, folders=homes, series=None if series is None else list(series)
    )


async def series_of(transaction: Transaction, source: StudySource) -> set[str]:
    """Return the UIDs of the series of a part of a study that have current instances."""
    statement = sa.select(dicom_series.c.series_uid).where(
        *parts_of(source), dicom_series.c.instances > 0
    )
    rows = await transaction.rows(statement.distinct(), _SeriesRow)
    return {row.series_uid for row in rows}


async def shows_identities(
    transaction: Transaction, viewer: Viewer, sources: Sequence[StudySource], target_uuid: UUID
) -> bool:
    """Return whether copies would show the viewer identities that they do not see now."""
    uuids = [uuid for source in sources for uuid in folders_of(source)]
    hidden = sa.select(folders.c.uuid.label("folder_uuid")).where(
        in_keys(folders.c.uuid, uuids),
        ~sees_identity_at(viewer, folders.c.uuid),
        sees_identity_at(viewer, sa.literal(target_uuid, folders.c.uuid.type)),
    )
    return await transaction.first(hidden.limit(1), _FolderRow) is not None


async def size_of(
    transaction: Transaction, source: StudySource, *, all_versions: bool, attachments: bool
) -> StudySize:
    """Return the size of a part of a study, for jobs that have not listed their units yet."""

    def total(value: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
        return sa.cast(sa.func.coalesce(sa.func.sum(value), 0), sa.BigInteger)

    counted: sa.ColumnElement[int] = dicom_series.c.instances
    if all_versions:
        counted = dicom_series.c.instances + dicom_series.c.superseded
    statement = sa.select(
        total(counted).label("units"), total(dicom_series.c.file_size).label("file_size")
    )
    size = await transaction.single(statement.where(*parts_of(source)), StudySize)
    if not attachments:
        return size
    attached = (
        sa.select(sa.func.count().label("units"), total(items.c.file_size).label("file_size"))
        .select_from(study_attachments.join(items, items.c.uuid == study_attachments.c.item_uuid))
        .where(*attachments_of(source))
    )
    more = await transaction.single(attached, StudySize)
    return StudySize(size.units + more.units, size.file_size + more.file_size)


async def check_dataset_uses(
    transaction: Transaction,
    source: StudySource,
    *,
    attachments: bool,
    allow_dataset: bool,
    allow_mirror: bool,
    path: Sequence[str | int],
) -> None:
    """Refuse to delete a part of a study that datasets use, unless the switches allow it.

    Raises:
        DomainError: `CONFLICT` at `path`.
    """
    instances = dicom_instances.join(
        dicom_series, dicom_series.c.uuid == dicom_instances.c.series_uuid
    )
    parts = [(instances, dicom_instances.c.item_uuid, parts_of(source))]
    if attachments:
        attached = study_attachments.join(items, items.c.uuid == study_attachments.c.item_uuid)
        parts.append((attached, study_attachments.c.item_uuid, attachments_of(source)))
    is_mirror = datasets.c.backing_folder_uuid.is_not(None)
    for part, item_uuid, conditions in parts:
        use = (
            sa.select(is_mirror.label("is_mirror"))
            .select_from(
                part.join(data_rows, data_rows.c.item_uuid == item_uuid).join(
                    datasets, datasets.c.uuid == data_rows.c.dataset_uuid
                )
            )
            .where(*conditions)
            .distinct()
        )
        uses = {bool(row.is_mirror) for row in await transaction.rows(use, _DatasetUse)}
        if False in uses and not allow_dataset:
            raise conflict(used_by("study", "a dataset", "allowDatasetChanges", "delete"), *path)
        if True in uses and not allow_mirror:
            switch = "allowMirrorDatasetChanges"
            raise conflict(used_by("study", "a mirror dataset", switch, "delete"), *path)


async def pending_units(
    transaction: Transaction,
    job: JobRecord,
    size: int,
    *,
    after: int = -1,
    only: int = -1,
) -> list[DicomJobUnitRecord]:
    """Return the first pending units of a locked job after a position, or the one at another."""
    place = dicom_job_units.c.position
    some = (
        sa.select(dicom_job_units)
        .where(
            dicom_job_units.c.job_uuid == job.uuid,
            dicom_job_units.c.status == DicomJobUnitStatus.PENDING,
            place > after if only < 0 else place == only,
        )
        .order_by(dicom_job_units.c.position)
        .limit(size)
    )
    return await transaction.rows(some, DicomJobUnitRecord)


async def end_units(
    transaction: Transaction,
    job: JobRecord,
    units: Sequence[DicomJobUnitRecord],
    ends: Mapping[UUID, StudyUnitEnd],
) -> None:
    """End pending units of a locked job: as `ends` says by unit; without an entry, one is done."""
    values: dict[UUID, dict[str, Any]] = {}
    failed: list[str] = []
    for unit in units:
        end = ends.get(unit.uuid) or StudyUnitEnd()
        values[unit.uuid] = {"status": end.status, "error": end.error, **end.columns}
        if end.status is DicomJobUnitStatus.ERROR and end.error:
            failed.append(end.error)
            log_failed_unit(transaction, job, unit.uuid, end.error, item=unit.item_uuid)
    await set_columns(transaction, dicom_job_units, values)
    counts: dict[str, Any] = {
        "units_pending_count": max(0, job.units_pending_count - len(units)),
        "units_done_count": job.units_done_count + len(units) - len(failed),
        "units_error_count": job.units_error_count + len(failed),
        "bytes_done": job.bytes_done + sum(unit.file_size or 0 for unit in units),
        "error": failed[-1] if failed else job.error,
        "waiting_for": None,
    }
    await save_job(transaction, job, counts)


async def end_dicom_job(transaction: Transaction, job: JobRecord, error: str | None = None) -> None:
    """End a locked job whose units have ended; it has failed if none of them is done."""
    has_failed = bool(job.units_error_count) and not job.units_done_count
    status = JobStatus.ERROR if has_failed else JobStatus.DONE
    values = {"units_pending_count": 0, "error": error or job.error, **without_secret(job)}
    await save_job(transaction, job, values, status)


def without_secret(job: JobRecord) -> dict[str, Any]:
    """Return the columns that forget the secret of a job that ends, so that nobody can use it."""
    return {"dicom_spec": {**(job.dicom_spec or {}), "secret": None}}


async def cancel_dicom_job(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID | None,
    job: JobRecord,
    error: str | None = None,
) -> None:
    """Cancel the pending units of a locked job; what is done stays so."""
    if job.status in TERMINAL:
        return
    is_pending = sa.and_(
        dicom_job_units.c.job_uuid == job.uuid,
        dicom_job_units.c.status == DicomJobUnitStatus.PENDING,
    )
    begun = sa.select(dicom_job_units.c.object_key).where(
        is_pending, dicom_job_units.c.object_key.is_not(None)
    )
    keys = [row.object_key for row in await transaction.rows(begun, DicomJobUnitRecord)]
    await release_objects(transaction, queue, keys)
    cancelled = sa.update(dicom_job_units).where(is_pending)
    await transaction.execute(cancelled.values(status=DicomJobUnitStatus.CANCELLED))
    values = {
        "units_pending_count": 0,
        "units_cancelled_count": job.units_cancelled_count + job.units_pending_count,
        "error": error or job.error,
        **without_secret(job),
    }
    await save_job(transaction, job, values, JobStatus.CANCELLED)
    before, after = {"status": job.status}, {"status": "CANCELLED"}
    entry = JournalEntry("CANCEL", JOB_TYPES[job.kind], job.uuid, None, before, after)
    await journal.append(transaction, user_uuid, [entry])
