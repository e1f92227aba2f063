"""The organisation's metadata schema: types of metadata keys, with journal entries.

Each change raises the revision of the schema. Whether metadata fits it is checked by
`rules.metadata_types`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.row_edits import changed_values, count_rows, set_columns
from gateway.database.engine import Transaction
from gateway.errors import DomainError, ErrorCode, bad_input, conflict, not_found
from gateway.kinds.enums import MetadataFieldType
from gateway.models.base import now
from gateway.models.metadata import (
    MetadataFieldRecord,
    MetadataSchemaRecord,
    metadata_fields,
    metadata_schema,
)

MAX_FIELDS, MAX_KEY = 1000, 255
MAX_ENUM_VALUES, MAX_ENUM_VALUE = 255, 1000
MAX_EMBEDDING = 4096
FIXED_TYPES = frozenset(
    {MetadataFieldType.ENUM, MetadataFieldType.EMBEDDING, MetadataFieldType.GEOSPATIAL}
)
"""Types that a key cannot change from or to."""
_RESERVED = "keyframes"
_PUNCTUATION = "-_ ."
_OBJECT_TYPE = "MetadataSchemaField"


@dataclass(frozen=True, slots=True)
class Shape:
    """Type of the values of a key; only an ENUM has values, only an EMBEDDING a size."""

    field_type: MetadataFieldType
    enum_values: list[str] | None = None
    embedding_size: int | None = None


def validate_key(key: str) -> str:
    """Return a key that can be in the schema.

    A key has 1 to 255 letters, digits, hyphens, underscores, spaces and dots, and at least one
    letter or digit.

    Raises:
        DomainError: at `key`.
    """
    if not 1 <= len(key) <= MAX_KEY:
        raise bad_input(f"A key must have 1 to {MAX_KEY} characters.", "key")
    if not all(letter.isalnum() or letter in _PUNCTUATION for letter in key):
        raise bad_input(
            "A key can only contain letters, digits, hyphens, underscores, spaces and dots.", "key"
        )
    if not any(letter.isalnum() for letter in key):
        raise bad_input("A key must contain a letter or a digit.", "key")
    if key == _RESERVED:
        raise bad_input(f"The key {_RESERVED} is reserved. Choose another one.", "key")
    return key


def validate_shape(
    field_type: MetadataFieldType, enum_values: Sequence[str] | None, embedding_size: int | None
) -> Shape:
    """Return a type with its enum values, sorted, or its embedding size.

    Raises:
        DomainError: at `enumValues` or `embeddingSize`.
    """
    is_enum = field_type is MetadataFieldType.ENUM
    if is_enum != (enum_values is not None):
        raise bad_input("enumValues is required for ENUM, and only allowed there.", "enumValues")
    is_embedding = field_type is MetadataFieldType.EMBEDDING
    if is_embedding != (embedding_size is not None):
        raise bad_input(
            "embeddingSize is required for EMBEDDING, and only allowed there.", "embeddingSize"
        )
    if embedding_size is not None and not 1 <= embedding_size <= MAX_EMBEDDING:
        raise bad_input(
            f"embeddingSize must be between 1 and {MAX_EMBEDDING:,}, not {embedding_size:,}.",
            "embeddingSize",
        )
    if enum_values is not None:
        _check_enum_values(enum_values)
    return Shape(field_type, None if enum_values is None else sorted(enum_values), embedding_size)


async def lock_schema(transaction: Transaction, revision: int | None) -> int:
    """Lock the schema until the transaction ends, and return its revision.

    Raises:
        DomainError: `CONFLICT` at `revision`, if that is given and not the current one.
    """
    row = await transaction.one(sa.select(metadata_schema).with_for_update(), MetadataSchemaRecord)
    if revision is not None and row.revision != revision:
        raise conflict(
            f"The schema has changed: its revision is {row.revision}, not {revision}. "
            "Read it again and retry.",
            "revision",
        )
    return int(row.revision)


async def set_field(transaction: Transaction, user_uuid: UUID, key: str, shape: Shape) -> None:
    """Give a key of the locked schema a type.

    Raises:
        DomainError: the key is deleted, its type cannot change so, or the schema is full.
    """
    values = asdict(shape)
    field = await _field(transaction, key)
    if field is None:
        if await count_rows(transaction, metadata_fields) >= MAX_FIELDS:
            message = f"The schema can have at most {MAX_FIELDS:,} keys, deleted ones included."
            raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, ("key",))
        field = MetadataFieldRecord(key=key, **values)
        await transaction.execute(sa.insert(metadata_fields).values(field.model_dump()))
        entry = JournalEntry("CREATE", _OBJECT_TYPE, field.uuid, after={"key": key, **values})
        await _append(transaction, user_uuid, entry)
        return
    if field.is_gone:
        raise conflict("The key was deleted permanently and cannot be used again.", "key")
    if field.is_deleted:
        raise conflict("The key is deleted. Restore it first.", "key")
    _check_change(field, shape)
    await _update(transaction, user_uuid, "UPDATE", field, values)


async def delete_field(transaction: Transaction, user_uuid: UUID, key: str, hard: bool) -> None:
    """Delete a key of the locked schema: until it is restored or, if `hard`, permanently.

    Raises:
        DomainError: `NOT_FOUND` at `key`.
    """
    field = await _field(transaction, key)
    if field is None or field.is_gone or (field.is_deleted and not hard):
        raise not_found("key in the schema", "key")
    await _update(transaction, user_uuid, "DELETE", field, {"is_deleted": True, "is_gone": hard})


async def restore_field(transaction: Transaction, user_uuid: UUID, key: str) -> None:
    """Restore a deleted key of the locked schema, with the type it had.

    Raises:
        DomainError: `NOT_FOUND` at `key`, or `CONFLICT` if it cannot be restored.
    """
    field = await _field(transaction, key)
    if field is None:
        raise not_found("key in the schema", "key")
    if field.is_gone:
        raise conflict("The key was deleted permanently and cannot be restored.", "key")
    if not field.is_deleted:
        raise conflict("The key is not deleted.", "key")
    await _update(transaction, user_uuid, "RESTORE", field, {"is_deleted": False})


def _check_enum_values(values: Sequence[str]) -> None:
    if not 1 <= len(values) <= MAX_ENUM_VALUES:
        raise bad_input(
            f"An ENUM must have 1 to {MAX_ENUM_VALUES} values, not {len(values):,}.", "enumValues"
        )
    for index, value in enumerate(values):
        if not 1 <= len(value) <= MAX_ENUM_VALUE:
            raise bad_input(
                f"An enum value must have 1 to {MAX_ENUM_VALUE:,} characters.", "enumValues", index
            )
        if value in values[:index]:
            raise bad_input("The value is listed more than once.", "enumValues", index)


def _check_change(field: MetadataFieldRecord, shape: Shape) -> None:
    """Check that a key can take a new type: scalars may change, enums may grow."""
    if (
        field.field_type is not shape.field_type
        and {field.field_type, shape.field_type} & FIXED_TYPES
    ):
        raise conflict(
            f"The type of the key is {field.field_type} and cannot change to {shape.field_type}.",
            "type",
        )
    if field.embedding_size != shape.embedding_size:
        raise conflict(
            f"Embeddings of the key have {field.embedding_size:,} numbers, which cannot change.",
            "embeddingSize",
        )
    if missing := set(field.enum_values or ()) - set(shape.enum_values or ()):
        raise bad_input(
            f"Values of an enum cannot be removed: {', '.join(sorted(missing))}.", "enumValues"
        )


async def _field(transaction: Transaction, key: str) -> MetadataFieldRecord | None:
    return await transaction.first(
        sa.select(metadata_fields).where(metadata_fields.c.key == key), MetadataFieldRecord
    )


async def _update(
    transaction: Transaction,
    user_uuid: UUID,
    action: str,
    field: MetadataFieldRecord,
    values: Mapping[str, Any],
) -> None:
    after = changed_values({field.uuid: values}, {field.uuid: field}).get(field.uuid)
    if not after:
        return
    edit = {field.uuid: {**after, "last_edited_at": now()}}
    await set_columns(transaction, metadata_fields, edit)
    before = {"key": field.key, **{name: getattr(field, name) for name in after}}
    entry = JournalEntry(action, _OBJECT_TYPE, field.uuid, None, before, after)
    await _append(transaction, user_uuid, entry)


async def _append(transaction: Transaction, user_uuid: UUID, entry: JournalEntry) -> None:
    """Write an entry to the journal, and raise the revision of the schema."""
    await transaction.execute(
        sa.update(metadata_schema).values(revision=metadata_schema.c.revision + 1)
    )
    await journal.append(transaction, user_uuid, [entry])
