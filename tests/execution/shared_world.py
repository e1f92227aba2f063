"""The part of the world that is in several folders, or was in others."""

from typing import TYPE_CHECKING

import sqlalchemy as sa

from gateway.database.tree import ancestors
from gateway.kinds.enums import JobKind, JobStatus
from gateway.models.changes import former_places
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.jobs import jobs
from gateway.models.shares import item_shares, kept_items

if TYPE_CHECKING:
    from tests.execution.world import Builder

REPEATED = ("name_key", "natural_key", "created_at", "last_edited_at", "file_size", "is_tombstone", "is_placeholder")


async def share_some(builder: "Builder") -> None:
    """Share each third item into up to three folders, mark these and those above them, and keep some."""
    transaction, world = builder.transaction, builder.world
    for item in world.items[::3]:
        row = await transaction.single(sa.select(items).where(items.c.uuid == item), sa.Row)
        places = builder.random.sample([each for each in world.folders if each != row.folder_uuid], 3)
        for place in places[: builder.random.randrange(4)]:
            same = {name: getattr(row, name) for name in REPEATED}
            user = builder.random.choice(world.users)
            await builder.put(
                item_shares, item_uuid=item, folder_uuid=place, user_uuid=user, shared_at=builder.moment(), **same
            )
            folder = await transaction.single(sa.select(folders).where(folders.c.uuid == place), sa.Row)
            above = folders.c.uuid.in_(ancestors(folder.path))
            await transaction.execute(sa.update(folders).where(above).values(has_shares=True))
            await transaction.execute(sa.update(items).where(items.c.uuid == item).values(is_shared=True))
    for number, item in enumerate(world.items[1::4]):  # copies
        source = world.items[number]
        if source != item:
            await transaction.execute(sa.update(items).where(items.c.uuid == item).values(copy_of_uuid=source))
    deletion = {"kind": JobKind.DELETION, "title": "gone", "status": JobStatus.DONE, "sequence": 9}
    job = await builder.put(jobs, folder_uuid=world.folders[0], user_uuid=world.users[1], **deletion)
    for item, home in zip(world.items[:5], world.folders[1:6], strict=True):
        await builder.put(kept_items, job_uuid=job, item_uuid=item, folder_uuid=home)


async def move_some(builder: "Builder") -> None:
    """Let some folders have been elsewhere when all of their entries in the journal were made, and offer some."""
    for number, folder in enumerate(builder.world.folders[::4]):
        path = builder.world.folders[3 * number].hex + folder.hex
        place = {"folder_uuid": folder, "sequence": 1 + number, "path": path, "is_public": number % 2 == 0}
        await builder.put(former_places, **place)
    offered = folders.c.uuid.in_(builder.world.folders[::3])
    await builder.transaction.execute(sa.update(folders).where(offered).values(offered_to_uuid=builder.world.users[1]))
