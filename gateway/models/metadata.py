"""The organisation's metadata schema: its revision, and the types of metadata keys."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.ids import uuid7
from gateway.kinds.enums import MetadataFieldType
from gateway.models.base import Json, Key, enum_type, now, table_of


class MetadataSchemaRecord(SQLModel, table=True):
    """The only row of its table, locked by changes of the schema, which raise the revision."""

    __tablename__ = "metadata_schema"
    id: int = Field(default=1, primary_key=True)
    revision: int = Field(default=0, sa_type=sa.BigInteger)


class MetadataFieldRecord(SQLModel, table=True):
    """A metadata key with its type; a deleted key can be restored unless it is `is_gone`."""

    __tablename__ = "metadata_fields"
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    key: str = Field(sa_type=Key, unique=True)
    field_type: MetadataFieldType = Field(sa_type=enum_type(MetadataFieldType))
    enum_values: list[str] | None = Field(default=None, sa_type=Json)
    embedding_size: int | None = None
    is_deleted: bool = False
    is_gone: bool = False
    created_at: datetime = Field(default_factory=now)
    last_edited_at: datetime = Field(default_factory=now)


metadata_schema = table_of(MetadataSchemaRecord)
metadata_fields = table_of(MetadataFieldRecord)
