"""Cloud integrations, and grants on them."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.kinds.enums import S3AddressingStyle, StorageLocationName, StorageUserRole
from gateway.models.base import Json, Key, enum_type, table_of


class CloudIntegrationRecord(SQLModel, table=True):
    """A cloud store of the organisation, whose objects are registered without a copy.

    Only objects below `locations` are read. `secret` is encrypted and never returned.
    """

    __tablename__ = "cloud_integrations"
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    title: str
    title_key: str = Field(sa_type=Key, index=True)
    kind: StorageLocationName = Field(sa_type=enum_type(StorageLocationName))
    endpoint: str | None = None
    region: str | None = None
    account: str | None = None
    public_endpoint: str | None = None
    addressing_style: S3AddressingStyle | None = Field(
        default=None, sa_type=enum_type(S3AddressingStyle)
    )
    locations: list[str] = Field(sa_type=Json)
    secret: str | None = None
    uses_server_credentials: bool = False
    verified_at: datetime | None = None
    created_at: datetime = Field(default_factory=now)
    last_edited_at: datetime = Field(default_factory=now)


class IntegrationGrantRecord(SQLModel, table=True):
    """A role of a group or a user on an integration."""

    __tablename__ = "integration_grants"
    __table_args__ = (
        sa.CheckConstraint("(group_uuid IS NULL) <> (user_uuid IS NULL)", name="one_holder"),
        sa.UniqueConstraint("integration_uuid", "group_uuid"),
        sa.UniqueConstraint("integration_uuid", "user_uuid"),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    integration_uuid: UUID = Field(foreign_key="cloud_integrations.uuid", ondelete="CASCADE")
    group_uuid: UUID | None = Field(
        default=None, foreign_key="groups.uuid", ondelete="CASCADE", index=True
    )
    user_uuid: UUID | None = Field(
        default=None, foreign_key="users.uuid", ondelete="CASCADE", index=True
    )
    role: StorageUserRole = Field(sa_type=enum_type(StorageUserRole))
    created_at: datetime = Field(default_factory=now)


cloud_integrations = table_of(CloudIntegrationRecord)
integration_grants = table_of(IntegrationGrantRecord)
