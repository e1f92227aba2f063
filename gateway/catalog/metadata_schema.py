"""What may happen to the schema of metadata, always with the record; each change raises its revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.database.engine import Transaction
from gateway.errors import DomainError, ErrorCode, bad_input, conflict, not_found
from gateway.kinds.enums import MetadataFieldType
from gateway.models.base import now
from gateway.models.metadata import MetadataFieldRecord, metadata_fields, metadata_schema

MAX_FIELDS, MAX_KEY = 1000, 255
MAX_ENUM_VALUES, MAX_ENUM_VALUE = 255, 1000
MAX_EMBEDDING = 4096
FIXED_TYPES = frozenset(
    {MetadataFieldType.ENUM, MetadataFieldType.EMBEDDING, MetadataFieldType.GEOSPATIAL}
)
"""Types that a key keeps; the others may take each other's place."""
_RESERVED = "keyframes"
_PUNCTUATION = "-_ ."


@dataclass(frozen=True, slots=True)
class Shape:
    """What the values of a key are; `enum_values` in order, `embedding_size` in numbers."""

    field_type: MetadataFieldType
    enum_values: list[str] | None = None
    embedding_size: int | None = None


def validate_key(key: str) -> str:
    """A key of 1 to 255 letters, digits, hyphens, underscores, spaces and dots, but not of punctuation alone."""
    if not 1 <= len(key) <= MAX_KEY:
        raise bad_input(f"A key has 1 to {MAX_KEY} characters.", "key")
    if not all(letter.isalnum() or letter in _PUNCTUATION for letter in key):
        raise bad_input(
            "A key consists of letters, digits, hyphens, underscores, spaces and dots.", "key"
        )
    if not any(letter.isalnum() for letter in key):
        raise bad_input("A key does not consist of punctuation alone.", "key")
    if key == _RESERVED:
        raise bad_input(f"The key {_RESERVED} is reserved.", "key")
    return key


def validate_shape(
    field_type: MetadataFieldType, enum_values: Sequence[str] | None, embedding_size: int | None
) -> Shape:
    """A type with the values of an enum, 1 to 255, or the size of an embedding, 1 to 4,096, and only with that."""
    is_enum, is_embedding = (
        field_type is MetadataFieldType.ENUM,
        field_type is MetadataFieldType.EMBEDDING,
    )
    if is_enum != (enum_values is not None):
        raise bad_input("An ENUM, and nothing else, has enumValues.", "enumValues")
    if is_embedding != (embedding_size is not None):
        raise bad_input("An EMBEDDING, and nothing else, has an embeddingSize.", "embeddingSize")
    if embedding_size is not None and not 1 <= embedding_size <= MAX_EMBEDDING:
        raise bad_input(
            f"An embedding has 1 to {MAX_EMBEDDING:,} numbers, not {embedding_size:,}.",
            "embeddingSize",
        )
    return Shape(
        field_type, None if enum_values is None else _checked_values(enum_values), embedding_size
    )


async def lock_schema(transaction: Transaction, revision: int | None) -> int:
    """Hold the schema until the transaction ends; its revision. Raises `CONFLICT` if another one was expected."""
    row = await transaction.first(sa.select(metadata_schema).with_for_update())
    if revision is not None and row.revision != revision:
        raise conflict(
            f"The schema was changed meanwhile: its revision is {row.revision}, not {revision}.",
            "revision",
        )
    return int(row.revision)


async def set_field(transaction: Transaction, user_uuid: UUID, key: str, shape: Shape) -> None:
    """Give a key of the held schema a type, if it has none yet or may change the one that it has."""
    values = {name: getattr(shape, name) for name in Shape.__slots__}
    present = await _field(transaction, key)
    if present is None:
        await _check_room(transaction)
        row = MetadataFieldRecord(key=key, **values)
        await transaction.execute(sa.insert(metadata_fields).values(row.model_dump()))
        await _changed(
            transaction,
            user_uuid,
            JournalEntry("CREATE", _TYPE, row.uuid, after={"key": key, **values}),
        )
        return
    if present.is_deleted:
        said = (
            "was deleted for good and can never be used again"
            if present.is_gone
            else "is deleted: restore it"
        )
        raise conflict(f"This key {said}.", "key")
    _check_change(present, shape)
    await _update(transaction, user_uuid, "UPDATE", present, values)


async def delete_field(transaction: Transaction, user_uuid: UUID, key: str, hard: bool) -> None:
    """Delete a key of the held schema, so that it can be restored or, `hard`, never used again."""
    present = await _field(transaction, key)
    if present is None or present.is_gone or (present.is_deleted and not hard):
        raise not_found("key in the schema", "key")
    await _update(transaction, user_uuid, "DELETE", present, {"is_deleted": True, "is_gone": hard})


async def restore_field(transaction: Transaction, user_uuid: UUID, key: str) -> None:
    """Bring a deleted key of the held schema back, with the type that it had."""
    present = await _field(transaction, key)
    if present is None:
        raise not_found("key in the schema", "key")
    if present.is_gone or not present.is_deleted:
        raise conflict(
            f"This key is {'deleted for good' if present.is_gone else 'not deleted'}.", "key"
        )
    await _update(transaction, user_uuid, "RESTORE", present, {"is_deleted": False})


_TYPE = "MetadataSchemaField"


def _checked_values(values: Sequence[str]) -> list[str]:
    if not 1 <= len(values) <= MAX_ENUM_VALUES:
        raise bad_input(
            f"An enum has 1 to {MAX_ENUM_VALUES} values, not {len(values):,}.", "enumValues"
        )
    for place, value in enumerate(values):
        if not 1 <= len(value) <= MAX_ENUM_VALUE:
            raise bad_input(f"A value has 1 to {MAX_ENUM_VALUE:,} characters.", "enumValues", place)
        if value in values[:place]:
            raise bad_input("This value stands in the list already.", "enumValues", place)
    return sorted(values)


def _check_change(present: Any, shape: Shape) -> None:
    """Scalars may take each other's place, enums may grow, and everything may stay as it is."""
    if (
        present.field_type is not shape.field_type
        and {present.field_type, shape.field_type} & FIXED_TYPES
    ):
        raise conflict(f"This key has the type {present.field_type} already.", "type")
    if present.embedding_size != shape.embedding_size:
        raise conflict(
            f"This key has embeddings of {present.embedding_size:,} numbers already.",
            "embeddingSize",
        )
    if missing := set(present.enum_values or ()) - set(shape.enum_values or ()):
        raise bad_input(
            f"Values of an enum stay: {', '.join(sorted(missing))} would go.", "enumValues"
        )


async def _field(transaction: Transaction, key: str) -> Any:
    return await transaction.first(sa.select(metadata_fields).where(metadata_fields.c.key == key))


async def _check_room(transaction: Transaction) -> None:
    counted = await transaction.first(
        sa.select(sa.func.count().label("found")).select_from(metadata_fields)
    )
    if counted.found >= MAX_FIELDS:
        message = (
            f"The schema has {MAX_FIELDS:,} keys, deleted ones included; more are not allowed."
        )
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, ("key",))


async def _update(
    transaction: Transaction, user_uuid: UUID, action: str, present: Any, values: Mapping[str, Any]
) -> None:
    new = {name: value for name, value in values.items() if getattr(present, name) != value}
    if not new:
        return
    mine = metadata_fields.c.uuid == present.uuid
    await transaction.execute(
        sa.update(metadata_fields).where(mine).values({**new, "last_edited_at": now()})
    )
    before = {"key": present.key, **{name: getattr(present, name) for name in new}}
    await _changed(
        transaction, user_uuid, JournalEntry(action, _TYPE, present.uuid, None, before, new)
    )


async def _changed(transaction: Transaction, user_uuid: UUID, changed: JournalEntry) -> None:
    await transaction.execute(
        sa.update(metadata_schema).values(revision=metadata_schema.c.revision + 1)
    )
    await journal.append(transaction, user_uuid, [changed])
