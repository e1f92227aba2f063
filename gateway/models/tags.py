"""Tags of the organisation, and the folders that have them."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.models.base import Key, table_of


class OrganisationTagRecord(SQLModel, table=True):
    """A tag; names are unique.

    Attributes:
        deletion_uuid: the job that removes a deleted tag from its folders; nobody sees the tag any
            more. None for all other tags.
    """

    __tablename__ = "organisation_tags"
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    name: str = Field(sa_type=Key, unique=True)
    name_key: str = Field(sa_type=Key, index=True)
    description: str = ""
    created_at: datetime = Field(default_factory=now)
    deletion_uuid: UUID | None = None


class FolderTagRecord(SQLModel, table=True):
    """A tag of a folder."""

    __tablename__ = "folder_tags"
    folder_uuid: UUID = Field(primary_key=True, foreign_key="folders.uuid", ondelete="CASCADE")
    tag_uuid: UUID = Field(
        primary_key=True, foreign_key="organisation_tags.uuid", ondelete="CASCADE", index=True
    )


organisation_tags = table_of(OrganisationTagRecord)
folder_tags = table_of(FolderTagRecord)
