"""Mutations that start and cancel re-encoding jobs."""

from dataclasses import dataclass
from uuid import UUID

from gateway.auth.job_visibility import sees_reencode_job
from gateway.catalog.items import lock_items, unusable_reason
from gateway.catalog.reencoding import cancel_reencode_job, lock_reencode_job, start_reencode_job
from gateway.catalog.rules.names import validate_name
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.errors import DomainErrors, bad_input, conflict, not_found
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.items import ItemRecord
from gateway.models.jobs import jobs
from resolvers.id_lists import check_list_size
from resolvers.idempotency import create_once
from resolvers.inputs.reencoding import CancelVideoReencodeInput, StartVideoReencodeInput
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import USER, OwnerRequirement


@dataclass(frozen=True, slots=True)
class StartVideoReencodeOutcome(Outcome):
    """Outcome of `startVideoReencode`."""

    reencode_job_uuid: UUID | None = None


@requires(USER.on_each_item("item_uuids"))
async def start_video_reencode(
    context: Context, input: StartVideoReencodeInput, permissions: Permissions
) -> StartVideoReencodeOutcome:
    """Start a job that re-encodes 1 to 1,000 videos; follow it with `reencodeJobUpdated`.

    Each video that browsers cannot play as it is gets a `rendition` with the same frames.
    Videos that need none, or have one, are skipped unless `force` is set. The originals are kept.
    If one item is not a processed video, no job is started.
    """
    check_list_size(input.item_uuids, "itemUuids")
    title = validate_name(input.title, "title")
    queue, viewer = context.services.queue, context.viewer
    async with context.database.writing() as transaction:

        async def create() -> UUID:
            videos = await _lock_videos(transaction, input, permissions)
            return await start_reencode_job(transaction, queue, viewer, title, videos, input.force)

        uuid = await create_once(
            context, transaction, "startVideoReencode", input, "job", create, permissions
        )
    return StartVideoReencodeOutcome(reencode_job_uuid=uuid)


@dataclass(frozen=True, slots=True)
class CancelVideoReencodeOutcome(Outcome):
    """Outcome of `cancelVideoReencode`."""

    reencode_job_uuid: UUID | None = None


@requires(
    OwnerRequirement(
        "reencode_job_uuid",
        "to be the user who started the job, or the site role `ADMIN`",
        lambda uuid: not_found("re-encoding job", uuid, "reencodeJobUuid"),
    )
)
async def cancel_video_reencode(
    context: Context, input: CancelVideoReencodeInput, permissions: Permissions
) -> CancelVideoReencodeOutcome:
    """Cancel the videos of a job that are not re-encoded yet; finished renditions are kept.

    Cancelling a job that has ended succeeds and changes nothing.
    """
    services, uuid = context.services, input.reencode_job_uuid
    viewer = context.viewer.user_uuid
    async with context.database.writing() as transaction:
        is_shown = sees_reencode_job(context.viewer)
        await permissions.check_shown(transaction, "reencode_job_uuid", jobs, uuid, is_shown)
        job = await lock_reencode_job(transaction, uuid)
        if job is None:
            raise not_found("re-encoding job", uuid, "reencodeJobUuid")
        await cancel_reencode_job(transaction, services.queue, viewer, job)
    return CancelVideoReencodeOutcome(reencode_job_uuid=uuid)


async def _lock_videos(
    transaction: Transaction, input: StartVideoReencodeInput, permissions: Permissions
) -> list[ItemRecord]:
    """Lock and return the items; raise `DomainErrors` unless all are processed videos of the
    viewer.
    """
    uuids = input.item_uuids
    items: dict[UUID, ItemRecord] = {row.uuid: row for row in await lock_items(transaction, uuids)}
    errors = await permissions.errors(transaction, "item_uuids")
    for index, uuid in enumerate(uuids):
        if index in errors:
            continue
        if items[uuid].item_type is not StorageItemType.VIDEO:
            errors[index] = bad_input("Only videos can be re-encoded.", "itemUuids", index)
        elif message := unusable_reason(items[uuid]):
            errors[index] = conflict(message, "itemUuids", index)
    if errors:
        raise DomainErrors([errors[index] for index in sorted(errors)])
    return [items[uuid] for uuid in uuids]
