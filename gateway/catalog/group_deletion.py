"""Deletion of groups with many members: at once for everyone, and in steps for the database.

The groups move into a folder that is deleted already. A task removes them with their members, and
frames that nothing else uses; see `gateway.tasks.remove_folders`.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.roles import roles_on_items
from gateway.auth.viewer import Viewer
from gateway.catalog.deletion import add_leaving_folder, enqueue_removal
from gateway.catalog.items import record_deletions, unused_members
from gateway.catalog.jobs import add_job
from gateway.catalog.ledger.counters import apply_deltas, removal_deltas
from gateway.catalog.ledger.shares import remove_shares, shares_of
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.enums import FrameRule, JobKind, StorageUserRole
from gateway.models.items import GroupMemberRecord, ItemRecord, group_members, items
from gateway.queues.base import Queue

REMOVED_AT_ONCE = 1_000
"""Members of groups that are removed by the request itself."""


async def have_many_members(transaction: Transaction, uuids: Collection[UUID]) -> bool:
    """Return whether these items have more members than a request removes."""
    members = sa.select(group_members.c.item_uuid).where(in_keys(group_members.c.group_uuid, uuids))
    beyond = members.limit(1).offset(REMOVED_AT_ONCE)
    return await transaction.first(beyond, GroupMemberRecord) is not None


async def removable_frames(
    transaction: Transaction,
    viewer: Viewer,
    group_uuids: Collection[UUID],
    rule: FrameRule,
    among: Collection[UUID] | None = None,
) -> list[ItemRecord]:
    """Return the frames that are deleted with groups, of which the viewer must have `ADMIN`.

    Args:
        among: members to choose from; all if None.
    """
    if rule is FrameRule.KEEP:
        return []
    from_mirrors = rule is FrameRule.DELETE_MIRRORED
    rows = await unused_members(transaction, group_uuids, from_mirrors, among)
    roles = await roles_on_items(transaction.connection, viewer, [row.uuid for row in rows])
    return [
        row for row in rows if row.uuid in roles and roles[row.uuid].role is StorageUserRole.ADMIN
    ]


async def start_group_deletion(
    transaction: Transaction,
    queue: Queue,
    viewer: Viewer,
    rows: Sequence[ItemRecord],
    rule: FrameRule,
) -> UUID:
    """Make locked items disappear, and start the job that removes their rows and frames.

    Returns:
        The UUID of the job. It belongs to the folder of the items, if they are all in one.
    """
    homes = {row.folder_uuid for row in rows}
    title = rows[0].name if len(rows) == 1 else f"{len(rows):,} items"
    job_uuid = await add_job(
        transaction,
        JobKind.DELETION,
        viewer.user_uuid,
        homes.pop() if len(homes) == 1 else None,
        tree_uuid=viewer.tree_uuid,
        title=title,
        units_pending_count=len(rows),
        frame_rule=rule,
    )
    place = await add_leaving_folder(transaction, job_uuid, title)
    chosen = in_keys(items.c.uuid, [row.uuid for row in rows])
    await transaction.execute(sa.update(items).where(chosen).values(folder_uuid=place))
    shares = await shares_of(transaction, rows)
    unshared = await remove_shares(transaction, shares)
    await apply_deltas(transaction, removal_deltas(rows), unshared)
    await record_deletions(transaction, viewer.user_uuid, rows, shares)
    await enqueue_removal(transaction, queue, job_uuid)
    return job_uuid
