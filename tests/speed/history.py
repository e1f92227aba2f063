"""The past of a generated site: an entry in the journal for each item, upload jobs in some folders, and viewers."""

from datetime import UTC, datetime

import sqlalchemy as sa

from gateway.catalog.ledger.sequences import SequenceName
from gateway.database.engine import Database, Transaction
from gateway.kinds.enums import JobKind, JobOutcome, JobStatus
from gateway.models.base import new_row
from gateway.models.changes import change_places, changes
from gateway.models.folders import folder_counters, folders
from gateway.models.items import items
from gateway.models.jobs import JobRecord, jobs
from gateway.models.sequences import sequences
from gateway.models.uploads import UploadUnitRecord, upload_units
from tests.speed.viewers import add_viewers

FOLDERS_WITH_JOBS, JOBS, UNITS = 200, 3, 20
FINISHED_AT = datetime(2026, 1, 1, tzinfo=UTC)


async def add_history(database: Database) -> None:
    """Add the history to a site that was just generated."""
    async with database.writing() as transaction:
        await add_changes(transaction)
        await add_upload_jobs(transaction)
        await add_viewers(transaction)


async def add_changes(transaction: Transaction) -> None:
    """Add the creation of each item, in the journal of its folder."""
    values = {
        "uuid": items.c.uuid,
        "user_uuid": items.c.owner_uuid,
        "action": sa.literal("CREATE"),
        "object_type": sa.literal("StorageItem"),
        "object_uuid": items.c.uuid,
        "folder_uuid": items.c.folder_uuid,
        "after": sa.literal({"name": "as it was"}, changes.c.after.type),
        "is_private": sa.false(),
        "created_at": items.c.created_at,
    }
    await transaction.execute(sa.insert(changes).from_select(list(values), sa.select(*values.values())))
    number = sa.func.row_number().over(order_by=changes.c.uuid)
    entries = sa.select(changes.c.folder_uuid, changes.c.uuid, number)
    columns = ["folder_uuid", "change_uuid", "sequence"]
    await transaction.execute(sa.insert(change_places).from_select(columns, entries))
    last = sa.select(sa.func.coalesce(sa.func.max(change_places.c.sequence), 0)).scalar_subquery()
    numbered = sa.update(sequences).where(sequences.c.name == SequenceName.CHANGES)
    await transaction.execute(numbered.values(value=last))


async def add_upload_jobs(transaction: Transaction) -> None:
    """Add finished jobs to the folders with the most items."""
    chosen = sa.select(folders.c.uuid, folders.c.owner_uuid).join(folder_counters)
    largest = chosen.order_by(folder_counters.c.files.desc(), folders.c.uuid).limit(FOLDERS_WITH_JOBS)
    for folder in (await transaction.execute(largest)).all():
        of_folder = sa.select(items.c.uuid).where(items.c.folder_uuid == folder.uuid).order_by(items.c.uuid)
        members = (await transaction.execute(of_folder.limit(UNITS))).scalars().all()
        job_rows = [
            new_row(
                JobRecord,
                kind=JobKind.UPLOAD,
                folder_uuid=folder.uuid,
                user_uuid=folder.owner_uuid,
                status=JobStatus.DONE,
                outcome=JobOutcome.SUCCEEDED,
                sequence=number + 1,
                created_at=FINISHED_AT.replace(hour=number),
                started_at=FINISHED_AT,
                finished_at=FINISHED_AT,
                units_done_count=UNITS,
            )
            for number in range(JOBS)
        ]
        await transaction.execute(sa.insert(jobs), job_rows)
        done = {"status": JobStatus.DONE, "spec": {"sources": []}}
        units = [
            new_row(UploadUnitRecord, job_uuid=job["uuid"], position=position, item_uuid=item, **done)
            for job in job_rows
            for position, item in enumerate(members)
        ]
        await transaction.execute(sa.insert(upload_units), units)
