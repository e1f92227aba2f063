"""Uploads, and the units of the jobs that turn them into items."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.kinds.enums import JobStatus
from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.unit_spec import UnitSpec
from gateway.models.base import Json, Key, Unvalidated, enum_type, table_of


class UploadRecord(SQLModel, table=True):
    """The expected bytes of a placeholder.

    Attributes:
        item_type: the announced kind; None if the content decides.
        object_key: where a client sends the bytes, unless one of the next two is set.
        stored_key: object that has the bytes already.
        source_url: URL of the bytes outside Storegraph, where they stay.
        integration_uuid: integration through which that URL is read.
        parts_id: the object store's id of a multipart upload that has not been completed.
        unit_uuid: unit of an upload job that has claimed the placeholder.
        user_uuid: user who announced the file; None for files that need not be sent.
        import_uuid: the import of a tree that announced it.
        import_position: position of its entry there.
        import_group: name of the directory whose files become one item, or a series.
        target_uuid: item that an import makes the file a part of.
    """

    __tablename__ = "uploads"
    __table_args__ = (
        sa.Index("ix_uploads_source_url", "source_url", postgresql_using="hash"),
        sa.Index(
            "ix_uploads_pending",
            "user_uuid",
            "created_at",
            "item_uuid",
            sqlite_where=sa.text("user_uuid IS NOT NULL AND unit_uuid IS NULL"),
            postgresql_where=sa.text("user_uuid IS NOT NULL AND unit_uuid IS NULL"),
        ),
    )
    item_uuid: UUID = Field(primary_key=True, foreign_key="items.uuid", ondelete="CASCADE")
    item_type: StorageItemType | None = Field(default=None, sa_type=enum_type(StorageItemType))
    object_key: str = Field(sa_type=Key, unique=True)
    file_name: str
    file_size: int | None = Field(default=None, sa_type=sa.BigInteger)
    mime_type: str
    sha256: str | None = None
    parts_id: str | None = None
    stored_key: str | None = Field(
        default=None, sa_type=Key, foreign_key="stored_objects.key", index=True
    )
    source_url: str | None = Field(default=None, sa_type=sa.Text)
    integration_uuid: UUID | None = Field(
        default=None, foreign_key="cloud_integrations.uuid", index=True
    )
    unit_uuid: UUID | None = Field(default=None, index=True)
    user_uuid: UUID | None = None
    import_uuid: UUID | None = Field(default=None, index=True)
    import_position: int | None = None
    import_group: str | None = None
    target_uuid: UUID | None = Field(default=None, index=True)
    created_at: datetime = Field(default_factory=now, index=True)


class ManifestRecord(SQLModel, table=True):
    """The manifest of an upload job, stored as an object until it has been read completely."""

    __tablename__ = "manifests"
    job_uuid: UUID = Field(primary_key=True, foreign_key="jobs.uuid", ondelete="CASCADE")
    object_key: str = Field(sa_type=Key, index=True)


class UploadUnitRecord(SQLModel, table=True):
    """A unit of an upload job, which creates one item: a file or a group.

    Attributes:
        spec: the plan of the unit as JSON, see `gateway.catalog.ingestion.unit_plan`.
        is_skipped: the item existed before, so none was created.
        is_bound: all files of the unit have placeholders.
        sequence: the job's sequence at the unit's last change.
    """

    __tablename__ = "upload_units"
    __table_args__ = (
        sa.UniqueConstraint("job_uuid", "position"),
        sa.Index("ix_upload_units_job_uuid_status", "job_uuid", "status", "position"),
        sa.Index("ix_upload_units_job_uuid_sequence", "job_uuid", "sequence", "position"),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    job_uuid: UUID = Field(foreign_key="jobs.uuid", ondelete="CASCADE")
    position: int
    status: JobStatus = Field(default=JobStatus.PENDING, sa_type=enum_type(JobStatus))
    title: str | None = None
    spec: Annotated[UnitSpec, Unvalidated] = Field(sa_type=Json)
    item_uuid: UUID | None = Field(
        default=None, foreign_key="items.uuid", ondelete="SET NULL", index=True
    )
    error: str | None = None
    action_description: str | None = None
    is_skipped: bool = False
    is_bound: bool = True
    sequence: int = Field(default=1, sa_type=sa.BigInteger)


class IdempotencyKeyRecord(SQLModel, table=True):
    """The stored outcome of a mutation with an idempotency key, returned to repeated requests."""

    __tablename__ = "idempotency_keys"
    user_uuid: UUID = Field(primary_key=True, foreign_key="users.uuid", ondelete="CASCADE")
    mutation: str = Field(primary_key=True)
    key: str = Field(sa_type=Key, primary_key=True)
    input_sha256: str
    outcome: dict[str, Any] = Field(sa_type=Json)
    created_at: datetime = Field(default_factory=now, index=True)


uploads = table_of(UploadRecord)
upload_units = table_of(UploadUnitRecord)
manifests = table_of(ManifestRecord)
idempotency_keys = table_of(IdempotencyKeyRecord)
