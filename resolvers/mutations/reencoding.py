"""How videos are re-encoded."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.catalog.items import locked_items
from gateway.catalog.reencoding import cancel_reencode_job, locked_reencode_job, start_reencode_job
from gateway.catalog.rules.names import validate_name
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.errors import DomainError, DomainErrors, bad_input, conflict, not_found
from gateway.kinds.enums import StorageUserRole
from gateway.kinds.item_kinds import StorageItemType
from resolvers.idempotency import run_once
from resolvers.inputs.reencoding import CancelVideoReencodeInput, StartVideoReencodeInput
from resolvers.outcomes import Outcome
from resolvers.permissions import check_list_size, item_role_errors, requires


@dataclass(frozen=True, slots=True)
class StartVideoReencodeOutcome(Outcome):
    """Outcome of `startVideoReencode`."""

    reencode_job_uuid: UUID | None = None


@requires("USER on each video's folder")
async def start_video_reencode(
    context: Context, input: StartVideoReencodeInput
) -> StartVideoReencodeOutcome:
    """Have versions made of videos that every browser plays, at a constant rate (ENC-FOLDEROP-30, SUB-088).

    What came stays as it is; the version is the video's `rendition`. Watch the job with `reencodeJobUpdated`.
    """
    check_list_size(input.item_uuids, "itemUuids")
    title = validate_name(input.title, "title")
    async with context.database.writing() as transaction:

        async def work() -> dict[str, Any]:
            await _check_videos(context, transaction, input)
            queue, viewer = context.services.queue, context.viewer
            job = await start_reencode_job(
                transaction, queue, viewer, title, input.item_uuids, input.force
            )
            return {"job": str(job)}

        done = await run_once(context, transaction, "startVideoReencode", input, work)
    return StartVideoReencodeOutcome(reencode_job_uuid=UUID(done["job"]))


@dataclass(frozen=True, slots=True)
class CancelVideoReencodeOutcome(Outcome):
    """Outcome of `cancelVideoReencode`."""

    reencode_job_uuid: UUID | None = None


@requires("having started the job, or ADMIN of the site")
async def cancel_video_reencode(
    context: Context, input: CancelVideoReencodeInput
) -> CancelVideoReencodeOutcome:
    """Give up the videos that a job has not done; the versions that it has made stay."""
    services, uuid = context.services, input.reencode_job_uuid
    async with context.database.writing() as transaction:
        job = await locked_reencode_job(transaction, uuid)
        mine = job and (context.viewer.is_site_admin or job.user_uuid == context.viewer.user_uuid)
        if not mine:
            raise not_found("re-encoding job", "reencodeJobUuid")
        await cancel_reencode_job(
            transaction, services.queue, services.events, context.viewer.user_uuid, job
        )
    return CancelVideoReencodeOutcome(reencode_job_uuid=uuid)


async def _check_videos(
    context: Context, transaction: Transaction, input: StartVideoReencodeInput
) -> None:
    """All are videos that are there, which the viewer may change; they are held."""
    uuids = input.item_uuids
    held = {row.uuid: row for row in await locked_items(transaction, uuids)}
    errors: dict[int, DomainError] = await item_role_errors(
        context, transaction, uuids, StorageUserRole.USER, "itemUuids"
    )
    for place, uuid in enumerate(uuids):
        if place in errors:
            continue
        if held[uuid].item_type is not StorageItemType.VIDEO:
            errors[place] = bad_input("Only videos can be re-encoded.", "itemUuids", place)
        elif held[uuid].is_placeholder or held[uuid].is_tombstone:
            errors[place] = conflict(
                "This video is not yet processed, or gone.", "itemUuids", place
            )
    if errors:
        raise DomainErrors([errors[place] for place in sorted(errors)])
