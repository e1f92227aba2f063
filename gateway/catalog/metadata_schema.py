"""The organisation's metadata schema: types of metadata keys, with journal entries.

Each change raises the revision of the schema. What keys and types may be, and whether metadata
fits them, is in `rules.metadata_types`.
"""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.row_edits import changed_values, count_rows, set_columns
from gateway.catalog.rules.metadata_types import FIXED_TYPES, MetadataValidator, ValueType
from gateway.clock import now
from gateway.database.engine import Database, Transaction
from gateway.errors import DomainError, ErrorCode, bad_input, conflict, not_found
from gateway.models.metadata import (
    MetadataFieldRecord,
    MetadataSchemaRecord,
    metadata_fields,
    metadata_schema,
)
from gateway.queues.base import Queue, TaskType
from gateway.settings import Settings


class FillMetadataArgs(TypedDict):
    """Arguments of `FILL_METADATA`: the key's UUID as hex digits."""

    field: str


FILL_METADATA = TaskType("fill_metadata", FillMetadataArgs)
MAX_FIELDS = 1000
_OBJECT_TYPE = "MetadataSchemaField"


async def load_metadata_validator(
    source: Transaction | Database, settings: Settings
) -> MetadataValidator:
    """Return the validator of the site's metadata; it accepts everything if types are advisory."""
    if settings.metadata_schema == "advice":
        return MetadataValidator({})
    return MetadataValidator(await declared_fields(source))


async def declared_fields(source: Transaction | Database) -> dict[str, MetadataFieldRecord]:
    """Return the keys of the schema, without those that are deleted."""
    statement = sa.select(metadata_fields).where(~metadata_fields.c.is_deleted)
    return {row.key: row for row in await source.rows(statement, MetadataFieldRecord)}


async def lock_schema(transaction: Transaction, revision: int | None) -> int:
    """Lock the schema until the transaction ends, and return its revision.

    Raises:
        DomainError: `CONFLICT` at `revision`, if that is given and not the current one.
    """
    row = await transaction.single(
        sa.select(metadata_schema).with_for_update(), MetadataSchemaRecord
    )
    if revision is not None and row.revision != revision:
        raise conflict(
            f"The schema has been changed since it was read: its revision is {row.revision}, not "
            f"{revision}. Read it again and retry.",
            "revision",
        )
    return int(row.revision)


async def set_field(
    transaction: Transaction, queue: Queue, user_uuid: UUID, key: str, value_type: ValueType
) -> None:
    """Give a key of the locked schema a type.

    Raises:
        DomainError: the key is deleted, its type cannot change so, or the schema is full.
    """
    values = asdict(value_type)
    field = await _field(transaction, key)
    if field is None:
        if await count_rows(transaction, metadata_fields) >= MAX_FIELDS:
            message = f"The schema can have at most {MAX_FIELDS:,} keys, deleted ones included."
            raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, ("key",))
        field = MetadataFieldRecord(key=key, **values)
        await transaction.execute(sa.insert(metadata_fields).values(field.model_dump()))
        entry = JournalEntry("CREATE", _OBJECT_TYPE, field.uuid, after={"key": key, **values})
        await _record(transaction, queue, user_uuid, entry)
        return
    if field.is_gone:
        raise conflict("The key was deleted permanently and cannot be used again.", "key")
    if field.is_deleted:
        raise conflict("The key is deleted. Restore it first.", "key")
    _check_change(field, value_type)
    await _update(transaction, queue, user_uuid, "UPDATE", field, values)


async def delete_field(
    transaction: Transaction, queue: Queue, user_uuid: UUID, key: str, hard: bool
) -> None:
    """Delete a key of the locked schema: until it is restored or, if `hard`, permanently.

    Raises:
        DomainError: `NOT_FOUND` at `key`.
    """
    field = await _field(transaction, key)
    if field is None or field.is_gone or (field.is_deleted and not hard):
        raise not_found("metadata key", key, "key")
    values = {"is_deleted": True, "is_gone": hard}
    await _update(transaction, queue, user_uuid, "DELETE", field, values)


async def restore_field(transaction: Transaction, queue: Queue, user_uuid: UUID, key: str) -> None:
    """Restore a deleted key of the locked schema, with the type it had.

    Raises:
        DomainError: `NOT_FOUND` at `key`, or `CONFLICT` if it cannot be restored.
    """
    field = await _field(transaction, key)
    if field is None:
        raise not_found("metadata key", key, "key")
    if field.is_gone:
        raise conflict("The key was deleted permanently and cannot be restored.", "key")
    if not field.is_deleted:
        raise conflict("The key is not deleted.", "key")
    await _update(transaction, queue, user_uuid, "RESTORE", field, {"is_deleted": False})


async def enqueue_fill(transaction: Transaction, queue: Queue, field_uuid: UUID) -> None:
    """Enqueue the task that makes the values of a key agree with the metadata of all items."""
    args = FillMetadataArgs(field=field_uuid.hex)
    await queue.enqueue(transaction, FILL_METADATA, args, key=f"fill_metadata {field_uuid.hex}")


def _check_change(field: MetadataFieldRecord, value_type: ValueType) -> None:
    """Check that a key can take a new type: scalars may change, enums may grow."""
    old, new = field.field_type, value_type.field_type
    if old is not new and {old, new} & FIXED_TYPES:
        raise conflict(f"The type of the key is {old} and cannot change to {new}.", "type")
    if field.embedding_size != value_type.embedding_size:
        raise conflict(
            f"Embeddings of the key have {field.embedding_size:,} numbers, which cannot change.",
            "embeddingSize",
        )
    if missing := set(field.enum_values or ()) - set(value_type.enum_values or ()):
        raise bad_input(
            f"Values of an enum cannot be removed: {', '.join(sorted(missing))}.", "enumValues"
        )


async def _field(transaction: Transaction, key: str) -> MetadataFieldRecord | None:
    return await transaction.first(
        sa.select(metadata_fields).where(metadata_fields.c.key == key), MetadataFieldRecord
    )


async def _update(
    transaction: Transaction,
    queue: Queue,
    user_uuid: UUID,
    action: str,
    field: MetadataFieldRecord,
    values: Mapping[str, Any],
) -> None:
    after = changed_values({field.uuid: values}, {field.uuid: field}).get(field.uuid)
    if not after:
        return
    refill = {"is_filled": False, "filled_until": None}
    edit = {field.uuid: {**after, **refill, "last_edited_at": now()}}
    await set_columns(transaction, metadata_fields, edit)
    before = {"key": field.key, **{name: getattr(field, name) for name in after}}
    entry = JournalEntry(action, _OBJECT_TYPE, field.uuid, None, before, after)
    await _record(transaction, queue, user_uuid, entry)


async def _record(
    transaction: Transaction, queue: Queue, user_uuid: UUID, entry: JournalEntry
) -> None:
    """Write a change to the journal, raise the revision, and have the values made to agree."""
    await transaction.execute(
        sa.update(metadata_schema).values(revision=metadata_schema.c.revision + 1)
    )
    await journal.append(transaction, user_uuid, [entry])
    await enqueue_fill(transaction, queue, entry.object_uuid)
