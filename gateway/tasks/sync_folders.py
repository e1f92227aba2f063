"""Working on a sync: step by step, each in one short transaction, from where it broke off."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
import structlog

from gateway.catalog.ingestion.job_state import cancel_jobs_of_sync
from gateway.catalog.mirroring.apply_diff import apply_diff
from gateway.catalog.sync_jobs import (
    SYNC_FOLDER,
    SyncFolderArgs,
    advance_sync,
    enqueue_sync,
    fail_sync,
    find_running_sync,
    start_sync,
)
from gateway.context import Services
from gateway.database.dialects import lock_tree
from gateway.errors import ErrorCode
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import CloudSyncJobStatus
from gateway.models.base import now
from gateway.models.folders import folders
from gateway.models.syncs import cloud_sync_jobs
from gateway.tasks.ingest_units import DELAYS
from gateway.tasks.list_bucket import SEEN, Scan, Step

STEPS_A_TURN = 8
"""Then whatever else waits in the queue has its turn, the reading of what was found among it."""
MAX_OBJECTS = 10_000_000
"""In the bucket or prefix of a linked folder (ENC-SYNCSEM-06)."""
DAY = timedelta(hours=24)
"""Between two syncs that nobody asks for (ENC-SYNCSEM-07)."""
MAX_NAMED = 100
"""Keys that a sync names of objects that it passed over, and as many of metadata that is at fault."""

log = structlog.get_logger(__name__)


class Overtaken(Exception):
    """Another went on with the sync meanwhile: what this one did is undone."""


async def sync_folder(services: Services, *, job: str, tries: int = 0) -> None:
    """Take some steps of a sync; `tries` at the next were in vain before. A cancelled one gives up its upload jobs."""
    uuid = UUID(hex=job)
    for _ in range(STEPS_A_TURN):
        row = await _pending(services, uuid)
        if row is None:
            return None
        if row.ends_as is CloudSyncJobStatus.CANCELLED:
            return await cancel_jobs_of_sync(services, row.user_uuid, uuid)
        if not row.scan_pages_processing_pending:
            return None
        try:
            await _take_step(services, row)
        except FetchError as error:
            return await _postpone(services, row, error, tries)
        except Overtaken:
            return None
        tries = 0
    async with services.database.writing() as transaction:
        await enqueue_sync(transaction, services.queue, uuid)


async def _take_step(services: Services, row: Any) -> None:
    [folder] = await services.database.rows(
        sa.select(folders).where(folders.c.uuid == row.folder_uuid)
    )
    step = await Scan(services, row, folder).step()
    if _objects(row) + step.objects > MAX_OBJECTS:
        said = f"There are more than {MAX_OBJECTS:,} objects; a folder cannot mirror so many."
        raise FetchError(ErrorCode.LIMIT_EXCEEDED, said)
    async with services.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        added = dict(step.added)
        if not row.is_dry_run:
            added |= await apply_diff(transaction, services.queue, row, folder, step.difference)
        if not await advance_sync(transaction, services.events, row, _values(row, step), added):
            raise Overtaken


def _values(row: Any, step: Step) -> dict[str, Any]:
    """How far the sync has come after a step."""
    if not step.is_page:
        return {"reach": step.reach}
    return {
        "reach": step.reach,
        "cursor": step.cursor,
        "skipped_keys": [*row.skipped_keys, *step.skipped][:MAX_NAMED],
        "sidecar_error_keys": [*row.sidecar_error_keys, *step.bad_sidecars][:MAX_NAMED],
        "scan_pages_processing_done": row.scan_pages_processing_done + 1,
        "scan_pages_processing_pending": 1 if step.cursor else 0,
    }


def _objects(row: Any) -> int:
    """How many objects a sync has seen."""
    return sum(getattr(row, name) for name in SEEN)


async def _pending(services: Services, uuid: UUID) -> Any:
    mine = sa.and_(
        cloud_sync_jobs.c.uuid == uuid, cloud_sync_jobs.c.status == CloudSyncJobStatus.PENDING
    )
    [*found] = await services.database.rows(sa.select(cloud_sync_jobs).where(mine))
    return found[0] if found else None


async def _postpone(services: Services, row: Any, error: FetchError, tries: int) -> None:
    """Have the step tried again later, if that may help; else the sync fails."""
    is_transient = error.is_transient or error.code is ErrorCode.TIMEOUT
    async with services.database.writing() as transaction:
        if is_transient and tries < len(DELAYS):
            again = SyncFolderArgs(job=row.uuid.hex, tries=tries + 1)
            await services.queue.enqueue(
                transaction, SYNC_FOLDER, again, run_at=now() + DELAYS[tries]
            )
        else:
            await fail_sync(transaction, services.events, row, error.message)
    log.warning("bucket_not_listed", sync=str(row.uuid), tries=tries, reason=error.message)


async def start_daily_syncs(services: Services) -> None:
    """Sync the linked folders that are to be synced by themselves, a day after each was synced last."""
    recent = sa.exists().where(
        cloud_sync_jobs.c.folder_uuid == folders.c.uuid, cloud_sync_jobs.c.created_at > now() - DAY
    )
    due = sa.select(folders.c.uuid).where(folders.c.auto_sync, ~recent)
    for found in await services.database.rows(due):
        async with services.database.writing() as transaction:
            [*held] = await transaction.rows(
                due.where(folders.c.uuid == found.uuid).with_for_update(of=folders)
            )
            if held and await find_running_sync(transaction, found.uuid) is None:
                await start_sync(transaction, services.queue, None, found.uuid)
