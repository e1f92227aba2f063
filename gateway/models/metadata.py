"""The organisation's metadata schema, and the values by which items are found."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.kinds.enums import MetadataFieldType
from gateway.models.base import Json, Key, KeyString, RowId, enum_type, table_of


def _index_of_form(column: str) -> sa.Index:
    """Return an index of the values of each key in the form of one type."""
    present = sa.text(f"{column} IS NOT NULL")
    return sa.Index(
        f"ix_metadata_values_{column}",
        "field_uuid",
        column,
        "item_uuid",
        sqlite_where=present,
        postgresql_where=present,
    )


class MetadataSchemaRecord(SQLModel, table=True):
    """The only row of its table, locked by changes of the schema, which raise the revision."""

    __tablename__ = "metadata_schema"
    id: int = Field(default=1, primary_key=True)
    revision: int = Field(default=0, sa_type=sa.BigInteger)


class MetadataFieldRecord(SQLModel, table=True):
    """A metadata key with its type; a deleted key can be restored unless it is `is_gone`.

    Attributes:
        is_filled: whether `metadata_values` agrees with the metadata of all items; for a deleted
            key, whether it has no values there.
        filled_until: the last item, in the order of UUIDs, for which it has been made to agree.
    """

    __tablename__ = "metadata_fields"
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    key: str = Field(sa_type=Key, unique=True)
    field_type: MetadataFieldType = Field(sa_type=enum_type(MetadataFieldType))
    enum_values: list[str] | None = Field(default=None, sa_type=Json)
    embedding_size: int | None = None
    is_deleted: bool = False
    is_gone: bool = False
    is_filled: bool = False
    filled_until: UUID | None = None
    created_at: datetime = Field(default_factory=now)
    last_edited_at: datetime = Field(default_factory=now)


class MetadataValueRecord(SQLModel, table=True):
    """The value that an item's metadata has for a key of the schema, in the form of its type.

    A value of another type has none of these forms, and says only that the item has the key. A
    null has no row, and neither have embeddings.

    Attributes:
        number: a `NUMBER`; 0 or 1 for a `BOOLEAN`.
        moment: a `DATETIME`, in UTC.
        text: a text of any type; a `UUID` in canonical form, a `USER` folded.
        text_key: how the text begins, as an entry of a B-tree is limited in size.
        text_fold: the search key of a text, except for a `UUID` or `USER`.
        cell: a Morton code of the position, from `gateway.catalog.rules.positions`.
        x, y, z: the position on a sphere with the radius 1.
    """

    __tablename__ = "metadata_values"
    __table_args__ = (
        sa.Index("uq_metadata_values_field_uuid_item_uuid", "field_uuid", "item_uuid", unique=True),
        *(_index_of_form(column) for column in ("number", "moment", "text_key", "cell")),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=RowId)
    field_uuid: UUID = Field(foreign_key="metadata_fields.uuid", ondelete="CASCADE")
    item_uuid: UUID = Field(foreign_key="items.uuid", ondelete="CASCADE", index=True)
    number: float | None = None
    moment: datetime | None = None
    text: str | None = Field(default=None, sa_type=Key)
    text_key: str | None = Field(default=None, sa_type=Key)
    text_fold: str | None = Field(default=None, sa_type=Key)
    cell: int | None = Field(default=None, sa_type=sa.BigInteger)
    x: float | None = None
    y: float | None = None
    z: float | None = None


class MetadataKeyRecord(SQLModel, table=True):
    """A key of metadata entries that items of a folder have, with values of a type.

    Tombstones and placeholders do not count.

    Attributes:
        value_type: the type of the values, regardless of the schema.
    """

    __tablename__ = "metadata_keys"
    key: str = Field(primary_key=True, sa_type=Key)
    value_type: str = Field(primary_key=True, sa_type=KeyString)
    # Not a reference to the folder, which is not locked when its counters are.
    folder_uuid: UUID = Field(
        primary_key=True, foreign_key="folder_counters.folder_uuid", ondelete="CASCADE", index=True
    )
    items: int = Field(sa_type=sa.BigInteger)


metadata_schema = table_of(MetadataSchemaRecord)
metadata_fields = table_of(MetadataFieldRecord)
metadata_values = table_of(MetadataValueRecord)
metadata_keys = table_of(MetadataKeyRecord)
