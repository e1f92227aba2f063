"""The keys of metadata entries in use, by folder and type, with the number of items that have them.

Rows belong to the counters of a folder, which are locked first.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger.counted_rows import add_to_counts
from gateway.catalog.rules.metadata_entries import own_type
from gateway.catalog.rules.metadata_types import MAX_KEY
from gateway.database.engine import Transaction
from gateway.database.json_members import json_members
from gateway.models.folders import folder_counters
from gateway.models.items import items
from gateway.models.metadata import MetadataKeyRecord, metadata_keys


class KeyUse(NamedTuple):
    """A key of metadata entries, with the type that its value has by itself."""

    key: str
    value_type: str

    def __str__(self) -> str:
        return f"{self.value_type} {self.key}"


def uses_of(metadata: Mapping[str, Any]) -> list[KeyUse]:
    """Return the keys of the entries of an item's metadata; too long ones are not counted."""
    return [
        KeyUse(key, type_.value)
        for key, value in metadata.items()
        if len(key) <= MAX_KEY and (type_ := own_type(value)) is not None
    ]


async def add_uses(transaction: Transaction, changes: Mapping[tuple[UUID, KeyUse], int]) -> None:
    """Add to the numbers of items, in folders whose counters are locked.

    A folder that is being deleted may have no counters, and then nothing is counted there.
    """
    added = {(*use, folder): change for (folder, use), change in changes.items()}
    await add_to_counts(transaction, metadata_keys.c["items"], folder_counters.c.folder_uuid, added)


async def wrong_uses(transaction: Transaction, folder_uuid: UUID) -> dict[KeyUse, tuple[int, int]]:
    """Return the keys in a folder that are counted wrongly, as (stored, actual) by key and type."""
    same = metadata_keys.c.folder_uuid == folder_uuid
    stored = Counter[KeyUse]()
    for kept in await transaction.rows(sa.select(metadata_keys).where(same), MetadataKeyRecord):
        stored[KeyUse(kept.key, kept.value_type)] = kept.items
    members, type_ = json_members(transaction.connection.dialect.name, items.c.client_metadata)
    counted = (
        sa.select(members.c.key, type_.label("value_type"), sa.func.count().label("items"))
        .select_from(items)
        .join(members, sa.true())
        .where(items.c.folder_uuid == folder_uuid, ~items.c.is_tombstone, ~items.c.is_placeholder)
        .where(type_.is_not(None), sa.func.length(members.c.key) <= MAX_KEY)
        .group_by(members.c.key, type_)
    )
    actual = Counter[KeyUse]()
    for row in await transaction.rows(counted, MetadataKeyRecord):
        actual[KeyUse(row.key, row.value_type)] = row.items
    return {
        use: (stored[use], actual[use])
        for use in sorted({*stored, *actual})
        if stored[use] != actual[use]
    }
