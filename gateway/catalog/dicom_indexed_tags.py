"""Tags by which DICOM studies are filtered: adding and removing them, with journal entries.

A job fills in the values of existing instances. Those of a tag that is removed are deleted later.
"""

from typing import NamedTuple, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.jobs import TERMINAL, add_job, lock_job_row, save_job
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.row_edits import count_rows
from gateway.clock import now
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.dicom.indexed_values import IndexedElement
from gateway.errors import DomainError, ErrorCode, conflict, not_found
from gateway.kinds.enums import JobKind, JobStatus
from gateway.models.dicom import dicom_series
from gateway.models.dicom_indexed_tags import DicomIndexedTagRecord, dicom_indexed_tags
from gateway.queues.base import Queue, TaskType


class IndexDicomTagArgs(TypedDict):
    """Arguments of `INDEX_DICOM_TAG`: the UUID of an indexed tag as hex digits."""

    tag: str


INDEX_DICOM_TAG = TaskType("index_dicom_tag", IndexDicomTagArgs)
MAX_TAGS = 64
_OBJECT_TYPE = "DicomIndexedTag"


class _Total(NamedTuple):
    total: int


def shown(tag: str, private_creator: str) -> str:
    """Return a tag as messages show it, such as 00081111:00080550."""
    return f"{tag} of {private_creator}" if private_creator else tag


async def find_indexed_tag(
    transaction: Transaction, tag: str, private_creator: str
) -> DicomIndexedTagRecord | None:
    """Return an indexed tag that was not removed; None if there is none."""
    same = (
        dicom_indexed_tags.c.tag == tag,
        dicom_indexed_tags.c.private_creator == private_creator,
        ~dicom_indexed_tags.c.is_removed,
    )
    return await transaction.first(
        sa.select(dicom_indexed_tags).where(*same), DicomIndexedTagRecord
    )


async def add_indexed_tag(
    transaction: Transaction, queue: Queue, user_uuid: UUID, element: IndexedElement
) -> DicomIndexedTagRecord:
    """Index a tag and start the job that fills in its values; a tag that is indexed stays so.

    Raises:
        DomainError: `CONFLICT` at `vr`, if it is indexed with another one, or `LIMIT_EXCEEDED`.
    """
    # Others who add tags wait here, so that none is added twice, and not too many are.
    await lock_tree(transaction.connection, exclusive=True)
    existing = await find_indexed_tag(transaction, element.tag, element.private_creator)
    if existing and existing.vr != element.vr:
        message = (
            f"The tag is indexed with the value representation {existing.vr}. Remove it first."
        )
        raise conflict(message, "vr")
    if existing:
        return existing
    if (
        await count_rows(transaction, dicom_indexed_tags, ~dicom_indexed_tags.c.is_removed)
        >= MAX_TAGS
    ):
        message = f"At most {MAX_TAGS} tags can be indexed. Remove another first."
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, ("tag",))
    live = sa.func.sum(dicom_series.c.instances + dicom_series.c.superseded)
    total = sa.select(sa.cast(sa.func.coalesce(live, 0), sa.BigInteger).label("total"))
    job_uuid = await add_job(
        transaction,
        JobKind.INDEXING,
        user_uuid,
        None,
        title=shown(element.tag, element.private_creator),
        units_pending_count=max(1, (await transaction.single(total, _Total)).total),
    )
    row = DicomIndexedTagRecord(**element._asdict(), job_uuid=job_uuid)
    await transaction.execute(sa.insert(dicom_indexed_tags), [row.model_dump()])
    entry = JournalEntry("CREATE", _OBJECT_TYPE, row.uuid, after=element._asdict())
    await journal.append(transaction, user_uuid, [entry])
    await enqueue_indexing(transaction, queue, row.uuid)
    return row


async def remove_indexed_tag(
    transaction: Transaction, queue: Queue, user_uuid: UUID, tag: str, private_creator: str
) -> UUID:
    """Index a tag no longer, cancel the job that fills in its values, and return its UUID.

    Raises:
        DomainError: `NOT_FOUND` at `tag`.
    """
    await lock_tree(transaction.connection, exclusive=True)
    row = await find_indexed_tag(transaction, tag, private_creator)
    if row is None:
        raise not_found("indexed tag", shown(tag, private_creator), "tag")
    job = row.job_uuid and await lock_job_row(transaction, JobKind.INDEXING, row.job_uuid)
    if job and job.status not in TERMINAL:
        left = {"units_pending_count": 0, "units_cancelled_count": job.units_pending_count}
        await save_job(transaction, job, left, JobStatus.CANCELLED)
    change = {"is_removed": True, "last_edited_at": now()}
    mine = dicom_indexed_tags.c.uuid == row.uuid
    await transaction.execute(sa.update(dicom_indexed_tags).where(mine).values(change))
    before = {"tag": row.tag, "private_creator": row.private_creator, "vr": row.vr}
    entry = JournalEntry("DELETE", _OBJECT_TYPE, row.uuid, before=before)
    await journal.append(transaction, user_uuid, [entry])
    await enqueue_indexing(transaction, queue, row.uuid)
    return row.uuid


async def enqueue_indexing(transaction: Transaction, queue: Queue, uuid: UUID) -> None:
    """Enqueue the task that fills in the values of a tag or, once it is removed, deletes them."""
    args = IndexDicomTagArgs(tag=uuid.hex)
    await queue.enqueue(
        transaction, INDEX_DICOM_TAG, args, key=f"{INDEX_DICOM_TAG.name}.{uuid.hex}"
    )
