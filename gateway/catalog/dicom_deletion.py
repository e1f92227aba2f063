"""Deletion of DICOM studies: all versions of their instances, and attachments unless they are kept.

What the user who started it cannot see stays untouched.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.roles import roles_on_items
from gateway.auth.viewer import Viewer
from gateway.catalog.dicom_jobs import (
    StudyUnitEnd,
    end_dicom_job,
    end_units,
    pending_units,
    size_of,
)
from gateway.catalog.dicom_units import DicomSpec, StudySource, folders_of, spec_of
from gateway.catalog.items import delete_items, deletion_errors, lock_items
from gateway.catalog.jobs import add_job
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.enums import DicomJobPhase, DicomJobUnitStatus, JobKind, StorageUserRole
from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.job_kinds import JOB_TYPES
from gateway.models.dicom_jobs import DicomJobUnitRecord, dicom_job_units
from gateway.models.items import ItemRecord, group_members, items
from gateway.models.jobs import JobRecord
from gateway.queues.base import Queue, TaskType

MOVED = "The item was moved while the job ran."
LACKS_ROLE = "The user who started the job lacks the role ADMIN on the item's folder."


class DeleteDicomArgs(TypedDict):
    """Arguments of `DELETE_DICOM`: a job that deletes a study."""

    job: str


DELETE_DICOM = TaskType("delete_dicom", DeleteDicomArgs)


class _GroupRow(NamedTuple):
    uuid: UUID


async def start_study_deletion(
    transaction: Transaction,
    queue: Queue,
    viewer: Viewer,
    source: StudySource,
    study_uid: str,
    *,
    keep_attachments: bool,
    allow_dataset: bool,
    allow_mirror: bool,
) -> UUID:
    """Start the job that deletes a part of a study, and return its UUID."""
    spec = DicomSpec(
        sources=[source],
        all_versions=True,
        attachments=not keep_attachments,
        allow_dataset_changes=allow_dataset,
        allow_mirror_dataset_changes=allow_mirror,
    )
    size = await size_of(transaction, source, all_versions=True, attachments=not keep_attachments)
    job_uuid = await add_job(
        transaction,
        JobKind.DICOM_DELETION,
        viewer.user_uuid,
        None,
        sees_phi=viewer.sees_phi,
        tree_uuid=viewer.tree_uuid,
        dicom_spec=dict(spec),
        dicom_phase=DicomJobPhase.LISTING,
        dicom_study_uids=[study_uid],
        units_pending_count=size.units,
    )
    await enqueue_study_deletion(transaction, queue, job_uuid)
    kind = JOB_TYPES[JobKind.DICOM_DELETION]
    entry = JournalEntry("CREATE", kind, job_uuid, after={"study_uid": study_uid})
    await journal.append(transaction, viewer.user_uuid, [entry])
    return job_uuid


async def enqueue_study_deletion(transaction: Transaction, queue: Queue, job_uuid: UUID) -> None:
    """Enqueue the task that goes on with a deletion, unless it is in the queue already."""
    args, key = DeleteDicomArgs(job=job_uuid.hex), f"{DELETE_DICOM.name}.{job_uuid.hex}"
    await queue.enqueue(transaction, DELETE_DICOM, args, key=key)


async def delete_next(
    transaction: Transaction, queue: Queue, viewer: Viewer, job: JobRecord, size: int
) -> bool:
    """Delete the items of the next units of a locked job; return whether the job has ended."""
    units = await pending_units(transaction, job, size)
    if not units:
        await end_dicom_job(transaction, job)
        return True
    errors = await delete_sources(transaction, queue, viewer, job, units)
    ends = {uuid: StudyUnitEnd(DicomJobUnitStatus.ERROR, error) for uuid, error in errors.items()}
    await end_units(transaction, job, units, ends)
    return False


async def delete_sources(
    transaction: Transaction,
    queue: Queue,
    viewer: Viewer,
    job: JobRecord,
    units: Sequence[DicomJobUnitRecord],
    versions: Mapping[UUID, UUID] | None = None,
) -> dict[UUID, str]:
    """Delete the items of units, and return why items could not be deleted, by unit.

    Items that are gone already need nothing. A DICOM series whose members are all units of the job
    is deleted before the first of them.

    Args:
        versions: further items with the item of the unit to which each belongs: of these, all are
            deleted or none.
    """
    versions = versions or {}
    wanted = {*(unit.item_uuid for unit in units), *versions}
    series = await _series_of_units(transaction, job.uuid, wanted)
    locked = {row.uuid: row for row in await lock_items(transaction, [*wanted, *series])}
    spec = spec_of(job)
    homes = {folder for source in spec["sources"] for folder in folders_of(source)}
    roles = await roles_on_items(transaction.connection, viewer, list(locked))
    reasons: dict[UUID, str] = {}
    for uuid, row in locked.items():
        if uuid not in roles or roles[uuid].role is not StorageUserRole.ADMIN:
            reasons[uuid] = LACKS_ROLE
        elif row.folder_uuid not in homes and uuid in wanted:
            reasons[uuid] = MOVED
    # Without the series that cannot be deleted, their members cannot be either.
    for chosen in (series, [*wanted, *series]):
        uuids = [uuid for uuid in chosen if uuid in locked and uuid not in reasons]
        reasons |= await deletion_errors(
            transaction,
            uuids,
            spec["allow_dataset_changes"],
            spec["allow_mirror_dataset_changes"],
        )
    kept = {versions.get(uuid, uuid): reason for uuid, reason in reasons.items()}
    rows: list[ItemRecord] = [
        row
        for uuid, row in locked.items()
        if uuid not in reasons and versions.get(uuid, uuid) not in kept
    ]
    await delete_items(transaction, queue, viewer.user_uuid, rows)
    return {unit.uuid: kept[unit.item_uuid] for unit in units if unit.item_uuid in kept}


async def _series_of_units(
    transaction: Transaction, job_uuid: UUID, uuids: Collection[UUID]
) -> list[UUID]:
    """Return the DICOM series that have members among items, and no member but units of the job."""
    other = group_members.alias()
    is_unit = sa.exists().where(
        dicom_job_units.c.job_uuid == job_uuid, dicom_job_units.c.item_uuid == other.c.item_uuid
    )
    has_other_member = sa.exists().where(other.c.group_uuid == items.c.uuid, ~is_unit)
    statement = (
        sa.select(items.c.uuid)
        .join(group_members, group_members.c.group_uuid == items.c.uuid)
        .where(
            in_keys(group_members.c.item_uuid, uuids),
            items.c.item_type == StorageItemType.DICOM_SERIES,
            ~has_other_member,
        )
        .distinct()
    )
    return [row.uuid for row in await transaction.rows(statement, _GroupRow)]
