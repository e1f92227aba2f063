"""What an upload job makes: placeholders become items, in the transaction that ends units."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ingestion.placeholders import storage_location_of
from gateway.catalog.ingestion.unit_plan import OBJECT_URL
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas, arrival_deltas, removal_deltas
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.mirror_datasets import items_created
from gateway.catalog.ledger.stored_objects import release_objects
from gateway.database.dialects import in_keys, upsert
from gateway.database.engine import Transaction
from gateway.kinds.media_facts import MEDIA_FACTS
from gateway.models.base import fold, new_row, now
from gateway.models.items import StoredObjectRecord, items, stored_objects
from gateway.models.reencoding import renditions
from gateway.models.uploads import uploads
from gateway.queues.base import Queue

_ITEM_FACTS = (
    *(fact.name for fact in MEDIA_FACTS.values() if fact.is_column),
    "time_series_settings",
)
"""Columns of `items` that reading a source fills."""

_TURNS = 5
"""An object may leave between two statements, so that ours must be put in its place in another turn."""


class PlaceholdersGone(Exception):
    """Placeholders were removed while their bytes were read."""

    def __init__(self, uuids: Collection[UUID]) -> None:
        super().__init__(uuids)
        self.uuids = uuids


@dataclass(frozen=True, slots=True)
class ReadSource:
    """A source whose bytes have been read: where they lie, what they are, and what the client asked of the item.

    `place` is a key in our own store, or the URL of a file that stays `elsewhere`, in the store of an integration if
    its row is given.
    """

    item_uuid: UUID
    place: str
    facts: Mapping[str, Any]
    title: str | None
    client_metadata: dict[str, Any] | None
    elsewhere: bool = False
    integration: Any = None


async def deduplicate_objects(
    transaction: Transaction, user_uuid: UUID | None, sources: Collection[ReadSource]
) -> dict[str, str]:
    """The key under which the bytes of each digest are kept: that of the same bytes if the user brought them before.

    The objects are held, so that they do not leave. All who write them do it in the order of their digests.
    """
    found: dict[str, str] = {}
    for _ in range(_TURNS):
        missing = [one for one in sources if not one.elsewhere and one.facts["sha256"] not in found]
        if not missing:
            return found
        known = sorted((one.facts["sha256"], one.place, one.facts["file_size"]) for one in missing)
        rows = [
            new_row(
                StoredObjectRecord, sha256=digest, uploader_uuid=user_uuid, key=key, file_size=size
            )
            for digest, key, size in known
        ]
        insert = upsert(transaction.connection, stored_objects).on_conflict_do_nothing()
        await transaction.execute(insert, rows)
        held = await transaction.rows(_kept(transaction, user_uuid, missing))
        found |= {row.sha256: row.key for row in held}
    raise RuntimeError("The same bytes come and go all the time.")


def _kept(
    transaction: Transaction, user_uuid: UUID | None, sources: Collection[ReadSource]
) -> sa.Select[Any]:
    """The uploader's objects with the bytes of these sources, and those that he was told of when he announced them."""
    his = stored_objects.c.uploader_uuid.is_not_distinct_from(user_uuid)
    told = in_keys(stored_objects.c.key, {one.place for one in sources})
    same = in_keys(stored_objects.c.sha256, {one.facts["sha256"] for one in sources})
    held = sa.select(stored_objects).where(same, ~stored_objects.c.is_leaving, sa.or_(his, told))
    in_order = held.order_by(stored_objects.c.sha256, stored_objects.c.key)
    return in_order.with_for_update(read=True, key_share=True)


async def finish_items(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID | None,
    sources: Sequence[ReadSource],
    held: Mapping[UUID, Any],
    keys: Mapping[str, str],
) -> None:
    """Turn held placeholders into items, wherever they lie now; `keys` says where bytes are kept, by digest.

    An item that was there before, and whose file was read again, becomes what the file is now.
    """
    if not sources:
        return
    uuids = [one.item_uuid for one in sources]
    becoming = sa.update(items).where(
        items.c.uuid == sa.bindparam("placeholder", type_=items.c.uuid.type)
    )
    await transaction.execute(
        becoming, [_values(one, held[one.item_uuid], keys) for one in sources]
    )
    await transaction.execute(sa.delete(uploads).where(in_keys(uploads.c.item_uuid, uuids)))
    await _forget_versions(
        transaction, queue, [uuid for uuid in uuids if not held[uuid].is_placeholder]
    )
    made = await transaction.rows(sa.select(items).where(in_keys(items.c.uuid, uuids)))
    await apply_deltas(
        transaction,
        removal_deltas(held[uuid] for uuid in uuids),
        *(arrival_deltas([row], row.folder_uuid) for row in made),
    )
    await items_created(
        transaction, user_uuid, [row for row in made if held[row.uuid].is_placeholder]
    )
    ours = [one for one in sources if not one.elsewhere]
    await release_objects(
        transaction, queue, [one.place for one in ours if keys[one.facts["sha256"]] != one.place]
    )
    changed = [
        JournalEntry(
            "INGEST", "StorageItem", row.uuid, row.folder_uuid, after={"sha256": row.sha256}
        )
        for row in made
    ]
    await journal.append(transaction, user_uuid, changed)


async def _forget_versions(transaction: Transaction, queue: Queue, uuids: Collection[UUID]) -> None:
    """What was made of files that are others now is of no use any more."""
    if uuids:
        stale = sa.delete(renditions).where(in_keys(renditions.c.item_uuid, uuids))
        gone = await transaction.rows(stale.returning(renditions.c.object_key))
        await release_objects(transaction, queue, [row.object_key for row in gone])


def _values(source: ReadSource, row: Any, keys: Mapping[str, str]) -> dict[str, Any]:
    """What becomes of a placeholder; all have the same columns, so that one statement writes them."""
    name = row.name if source.title is None else source.title
    key = None if source.elsewhere else keys[source.facts["sha256"]]
    return {
        "placeholder": source.item_uuid,
        **{fact: source.facts.get(fact) for fact in _ITEM_FACTS},
        "name": name,
        "name_key": fold(name),
        "client_metadata": row.client_metadata
        if source.client_metadata is None
        else source.client_metadata,
        "is_placeholder": False,
        "object_key": key,
        "url": source.place if key is None else OBJECT_URL + key,
        "integration_uuid": source.integration and source.integration.uuid,
        "storage_location": storage_location_of(source.elsewhere, source.integration),
        "last_edited_at": now(),
    }
