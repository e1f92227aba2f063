"""Cancellation of the pending units of an upload job, however many there are.

The job ends at once, with the counts of its units. Those that `next_to_cancel` returns are
cancelled in the same transaction; a task cancels the others in steps, with their placeholders.
Until then their rows say that they are pending: a unit is pending only as long as its job is.
"""

from typing import NamedTuple, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.enums import JobStatus
from gateway.models.uploads import UploadRecord, UploadUnitRecord, upload_units, uploads
from gateway.queues.base import Queue, TaskType


class CancelUnitsArgs(TypedDict):
    """Arguments of `CANCEL_UNITS`: a job that has ended, and the user who cancelled it, if any."""

    job: str
    user: str | None


CANCEL_UNITS = TaskType("cancel_units", CancelUnitsArgs)
UNITS, PLACEHOLDERS = 500, 100
"""Units and placeholders that one transaction cancels and deletes."""


class ToCancel(NamedTuple):
    """Pending units with all of their placeholders, or placeholders alone if there are too many."""

    units: list[UUID]
    placeholders: list[UUID]


async def next_to_cancel(transaction: Transaction, job_uuid: UUID) -> ToCancel:
    """Return what one transaction cancels of a locked job; the placeholders are not locked yet.

    Once it is empty, all units are cancelled.
    """
    pending = sa.select(upload_units.c.uuid).where(
        upload_units.c.job_uuid == job_uuid, upload_units.c.status == JobStatus.PENDING
    )
    some_units = await transaction.rows(pending.limit(UNITS), UploadUnitRecord)
    units = [row.uuid for row in some_units]
    unread = sa.select(uploads.c.item_uuid).where(in_keys(uploads.c.unit_uuid, units))
    some = await transaction.rows(unread.limit(PLACEHOLDERS + 1), UploadRecord)
    placeholders = [row.item_uuid for row in some]
    if len(placeholders) > PLACEHOLDERS:
        return ToCancel([], placeholders[:PLACEHOLDERS])
    return ToCancel(units, placeholders)


async def enqueue_cancellation(
    transaction: Transaction, queue: Queue, job_uuid: UUID, user_uuid: UUID | None
) -> None:
    """Enqueue the task that cancels the units that are left, unless it is in the queue already."""
    args = CancelUnitsArgs(job=job_uuid.hex, user=user_uuid.hex if user_uuid else None)
    key = f"{CANCEL_UNITS.name}.{job_uuid.hex}"
    await queue.enqueue(transaction, CANCEL_UNITS, args, key=key)
