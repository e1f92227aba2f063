"""What an upload job makes: placeholders become items, and groups of them, in the transaction that ends units."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.changes import Changed, record
from gateway.catalog.counters import count, entering, leaving
from gateway.catalog.items import chosen_items
from gateway.catalog.mirrors import items_entered
from gateway.catalog.objects import release
from gateway.catalog.starting import OBJECT_URL
from gateway.database.dialects import upsert
from gateway.database.engine import Transaction
from gateway.jobs.queue import Queue
from gateway.kinds import StorageItemType
from gateway.models.base import fold, now
from gateway.models.items import GroupMember, Item, StoredObject, group_members, items, stored_objects
from gateway.models.uploads import uploads

_ITEM_FACTS = {column.key for column in items.c} & {
    "mime_type", "file_size", "sha256", "width", "height", "fps", "duration", "frame_count", "page_count",
    "audio_sample_rate", "audio_bit_depth", "audio_codec", "audio_num_channels",
    "dicom_instance_uid", "dicom_study_uid", "dicom_series_uid",
}  # fmt: skip


class Gone(Exception):
    """A placeholder was removed while its bytes were read."""


@dataclass(frozen=True, slots=True)
class ReadSource:
    """A source whose bytes have been read: where they lie, what they are, and what the client asked of the item."""

    item_uuid: UUID
    key: str
    facts: Mapping[str, Any]
    title: str | None
    client_metadata: dict[str, Any] | None


async def make_items(
    transaction: Transaction, queue: Queue, user_uuid: UUID | None, folder_uuid: UUID, sources: Sequence[ReadSource]
) -> None:
    """Turn placeholders into items; raises `Gone` if one is not there any more, before anything has changed."""
    present = {row.uuid: row for row in await chosen_items(transaction, [one.item_uuid for one in sources])}
    if len(present) < len(sources) or any(row.folder_uuid != folder_uuid for row in present.values()):
        raise Gone
    keys = {one.item_uuid: await _stored(transaction, one) for one in sources}
    for one in sources:
        values = _values(one, keys[one.item_uuid])
        await transaction.execute(sa.update(items).where(items.c.uuid == one.item_uuid).values(values))
    uuids = list(present)
    await transaction.execute(sa.delete(uploads).where(uploads.c.item_uuid.in_(uuids)))
    made = await chosen_items(transaction, uuids)
    await count(transaction, leaving(present.values()), entering(made, folder_uuid))
    await items_entered(transaction, user_uuid, folder_uuid, uuids)
    await release(transaction, queue, [one.key for one in sources if keys[one.item_uuid] != one.key])
    changed = [Changed("INGEST", "StorageItem", row.uuid, folder_uuid, after={"sha256": row.sha256}) for row in made]
    await record(transaction, user_uuid, changed)


async def make_group(
    transaction: Transaction,
    user_uuid: UUID | None,
    folder_uuid: UUID,
    group: Item,
    members: Sequence[UUID],
) -> None:
    """Make an item that consists of others, in their order."""
    await transaction.execute(sa.insert(items).values(group.model_dump()))
    rows = [GroupMember(group_uuid=group.uuid, position=at, item_uuid=one) for at, one in enumerate(members)]
    await transaction.execute(sa.insert(group_members), [row.model_dump() for row in rows])
    await count(transaction, entering([group], folder_uuid))
    await items_entered(transaction, user_uuid, folder_uuid, [group.uuid])
    made = Changed("CREATE", "StorageItem", group.uuid, folder_uuid, after={"name": group.name, "members": len(rows)})
    await record(transaction, user_uuid, [made])


def group_row(
    folder_uuid: UUID,
    user_uuid: UUID | None,
    item_type: StorageItemType,
    title: str | None,
    client_metadata: dict[str, Any] | None,
    facts: Mapping[str, Any],
) -> Item:
    """The row of a group; without a title it is given a name that no other is likely to have."""
    name = title or f"{item_type.lower().replace('_', '-')}-{secrets.token_hex(4)}"
    return Item(
        folder_uuid=folder_uuid,
        item_type=item_type,
        name=name,
        name_key=fold(name),
        client_metadata=client_metadata or {},
        owner_uuid=user_uuid,
        **facts,
    )


def _values(source: ReadSource, key: str) -> dict[str, Any]:
    values = {name: value for name, value in source.facts.items() if name in _ITEM_FACTS}
    if source.title is not None:
        values |= {"name": source.title, "name_key": fold(source.title)}
    if source.client_metadata is not None:
        values["client_metadata"] = source.client_metadata
    own = {"is_placeholder": False, "object_key": key, "url": OBJECT_URL + key, "last_edited_at": now()}
    return {**values, **own}


async def _stored(transaction: Transaction, source: ReadSource) -> str:
    """The key under which these bytes are kept, once: that of the same bytes if we have them already."""
    sha256 = source.facts["sha256"]
    same = sa.and_(stored_objects.c.sha256 == sha256, ~stored_objects.c.is_leaving)
    row = StoredObject(key=source.key, sha256=sha256, file_size=source.facts["file_size"])
    insert = upsert(transaction.connection, stored_objects).values(row.model_dump()).on_conflict_do_nothing()
    await transaction.execute(insert)
    found = await transaction.first(sa.select(stored_objects.c.key).where(same).with_for_update())
    if found is None:
        raise Gone
    return str(found.key)
