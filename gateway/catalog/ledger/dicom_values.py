"""The values that series have of indexed tags, kept with every change of their instances.

Callers have written to `dicom_instances` in the transaction before the indexed tags are read, and
have locked the studies concerned. So whoever locks the table knows that all others who have not
ended yet will read the tags as they are then.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.database.dialects import in_keys, upsert
from gateway.database.engine import Transaction
from gateway.dicom.documents import from_text, unpack
from gateway.dicom.indexed_values import IndexedElement, ValueKey, values_in
from gateway.kinds.dicom_object import DicomObject
from gateway.models.dicom import DicomTagsRecord, dicom_tags
from gateway.models.dicom_indexed_tags import (
    DicomIndexedTagRecord,
    dicom_indexed_tags,
    dicom_tag_values,
)

UNINDEXED = ValueKey("")
"""Stands for values of an instance that could not be indexed."""
MAX_INFLATED = 32 * 2**20
"""Bytes of JSON that are inflated at once, unless a single document has more."""


class TagValue(NamedTuple):
    """A value that an instance has of an indexed tag."""

    indexed_tag_uuid: UUID
    value: ValueKey


class CountedValue(NamedTuple):
    """A value that instances of a series have of an indexed tag."""

    series_uuid: UUID
    indexed_tag_uuid: UUID
    value: ValueKey


class _Size(NamedTuple):
    item_uuid: UUID
    document_size: int


async def keep_values(
    transaction: Transaction,
    before: Mapping[UUID, UUID],
    after: Mapping[UUID, UUID],
    read: Mapping[UUID, DicomObject] | None = None,
) -> None:
    """Take the values of instances away from series, and add them where they are now.

    The documents of the instances are still those from before the change.

    Args:
        before: the series of instances that counted before, by the UUIDs of the items.
        after: the series of those that count now.
        read: the new documents of items whose files have been read.
    """
    if not before and not after:
        return
    tags = await transaction.rows(
        sa.select(dicom_indexed_tags).where(~dicom_indexed_tags.c.is_removed),
        DicomIndexedTagRecord,
    )
    if not tags:
        return
    read = read or {}
    counts: Counter[CountedValue] = Counter()
    stored = before.keys() | (after.keys() - read.keys())
    async for item_uuid, values in stored_values(transaction, tags, stored):
        if item_uuid in before:
            counts.subtract(CountedValue(before[item_uuid], *value) for value in values)
        if item_uuid in after and item_uuid not in read:
            counts.update(CountedValue(after[item_uuid], *value) for value in values)
    sizes = {uuid: each["document_size"] for uuid, each in read.items()}
    for batch in batches(sizes):
        documents = {uuid: from_text(read[uuid]["document"]) for uuid in batch}
        for item_uuid, values in await _inflated_values(tags, documents):
            counts.update(CountedValue(after[item_uuid], *value) for value in values)
    await add_counts(transaction, counts)


async def stored_values(
    transaction: Transaction, tags: Sequence[DicomIndexedTagRecord], item_uuids: Collection[UUID]
) -> AsyncIterator[tuple[UUID, list[TagValue]]]:
    """Yield the values of items' stored documents, of which a few are in memory at a time."""
    if not item_uuids:
        return
    selected = sa.select(dicom_tags.c.item_uuid, dicom_tags.c.document_size)
    wanted = selected.where(in_keys(dicom_tags.c.item_uuid, item_uuids))
    sizes = {row.item_uuid: row.document_size for row in await transaction.rows(wanted, _Size)}
    for batch in batches(sizes):
        rows = await transaction.rows(
            sa.select(dicom_tags.c.item_uuid, dicom_tags.c.document).where(
                in_keys(dicom_tags.c.item_uuid, batch)
            ),
            DicomTagsRecord,
        )
        for values in await _inflated_values(tags, {row.item_uuid: row.document for row in rows}):
            yield values


def batches(sizes: Mapping[UUID, int]) -> Iterator[list[UUID]]:
    """Divide documents, given with their sizes, so that each batch can be inflated at once."""
    batch: list[UUID] = []
    total = 0
    for uuid, size in sizes.items():
        if batch and total + size > MAX_INFLATED:
            yield batch
            batch, total = [], 0
        batch.append(uuid)
        total += size
    if batch:
        yield batch


async def add_counts(transaction: Transaction, counts: Mapping[CountedValue, int]) -> None:
    """Add numbers of instances to values, and delete those that no instance has any more."""
    changed = {key: count for key, count in counts.items() if count}
    if not changed:
        return
    rows = [
        {
            "series_uuid": key.series_uuid,
            "indexed_tag_uuid": key.indexed_tag_uuid,
            "value_key": key.value.text,
            "number": key.value.number,
            "instances": count,
        }
        for key, count in sorted(changed.items(), key=lambda each: each[0][:2])
    ]
    insert = upsert(transaction.connection, dicom_tag_values)
    total = dicom_tag_values.c.instances + insert.excluded.instances
    key = ["series_uuid", "indexed_tag_uuid", "value_key"]
    await transaction.execute(
        insert.on_conflict_do_update(index_elements=key, set_={"instances": total}), rows
    )
    less = {each.series_uuid for each, count in changed.items() if count < 0}
    if less:
        gone = in_keys(dicom_tag_values.c.series_uuid, less), dicom_tag_values.c.instances == 0
        await transaction.execute(sa.delete(dicom_tag_values).where(*gone))


async def _inflated_values(
    tags: Sequence[DicomIndexedTagRecord], documents: Mapping[UUID, bytes]
) -> list[tuple[UUID, list[TagValue]]]:
    """Return the values of compressed documents; a thread inflates them."""
    return await asyncio.to_thread(
        lambda: [(uuid, _values_of(tags, uuid, data)) for uuid, data in documents.items()]
    )


def _values_of(
    tags: Sequence[DicomIndexedTagRecord], item_uuid: UUID, data: bytes
) -> list[TagValue]:
    """Return the values of an instance of those tags that include it by now."""
    values: list[TagValue] = []
    document = None
    for tag in tags:
        if not tag.is_filled and (tag.filled_until is None or item_uuid > tag.filled_until):
            continue
        if document is None:
            document = unpack(data)
        element = IndexedElement(tag.tag, tag.private_creator, tag.vr)
        present = values_in(document, element)
        values += (TagValue(tag.uuid, key) for key in present.keys)
        if not present.is_complete:
            values.append(TagValue(tag.uuid, UNINDEXED))
    return values
