"""Items with several files and revisions, for the small site on which both executors are compared."""

from typing import Any

from gateway.kinds.enums import StorageLocationName
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.items import items
from gateway.models.revisions import bitstreams, item_revisions


async def create_revisions(builder: Any) -> None:
    """Insert items with none to three revisions, of which each has a file more, in visible and hidden folders."""
    for number in range(8):
        newest = number % 4
        item = await builder.put(
            items,
            folder_uuid=builder.world.folders[number],
            item_type=StorageItemType.FILE,
            revision_number=newest,
            file_count=newest,
            client_metadata={"k": number},
            **builder.name(),
        )
        builder.world.items.append(item)
        for revision in range(1, newest + 1):
            old = {"client_metadata": {"old": revision}} if revision < newest else {}
            user = builder.world.users[number % 3] if revision > 1 else None
            size = {"file_count": revision, "file_size": 5 * revision}
            await builder.put(item_revisions, item_uuid=item, number=revision, user_uuid=user, **size, **old)
            await _file(builder, item, revision, last_revision=None)
        if newest > 1:
            await _file(builder, item, 0, last_revision=newest - 1)


async def _file(builder: Any, item: Any, position: int, last_revision: int | None) -> None:
    is_link = position == 2
    await builder.put(
        bitstreams,
        item_uuid=item,
        first_revision=max(position, 1),
        last_revision=last_revision,
        position=position,
        name=f"file {position}",
        mime_type="text/plain" if position else None,
        file_size=5,
        object_key=None if is_link else "object 2",
        url="https://example.org/x" if is_link else "storegraph:///object 2",
        storage_location=StorageLocationName.DIRECT_ACCESS if is_link else StorageLocationName.STOREGRAPH,
        is_lost=is_link,  # the URL of another link contains the time
    )
