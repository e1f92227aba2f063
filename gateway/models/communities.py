"""Communities: root folders with groups of their own."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.kinds.enums import JoinPolicy, StorageUserRole
from gateway.models.base import Key, enum_type, table_of


class CommunityRecord(SQLModel, table=True):
    """A community: a root folder, and the groups that have roles on it.

    Attributes:
        folder_uuid: the root folder, which has the community's name, description and visibility.
        name_key: search key of that name, which no other community has.
        admins_uuid: the group with the role ADMIN on the folder.
        moderators_uuid: the group with the role USER.
        members_uuid: the group with the role VIEWER.
    """

    __tablename__ = "communities"
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    folder_uuid: UUID = Field(foreign_key="folders.uuid", ondelete="CASCADE", unique=True)
    name: str
    name_key: str = Field(sa_type=Key, unique=True)
    join_policy: JoinPolicy = Field(default=JoinPolicy.INVITATION, sa_type=enum_type(JoinPolicy))
    admins_uuid: UUID = Field(foreign_key="groups.uuid", unique=True)
    moderators_uuid: UUID = Field(foreign_key="groups.uuid", unique=True)
    members_uuid: UUID = Field(foreign_key="groups.uuid", unique=True)
    created_at: datetime = Field(default_factory=now)
    last_edited_at: datetime = Field(default_factory=now)


class JoinRequestRecord(SQLModel, table=True):
    """A user's request to join a community, or an invitation to do so.

    Attributes:
        is_invitation: whether the user has to accept it, rather than an admin of the community.
        role: the role that the user will have in the community.
        invited_by_uuid: the user who sent an invitation.
    """

    __tablename__ = "join_requests"
    __table_args__ = (sa.UniqueConstraint("community_uuid", "user_uuid"),)
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    community_uuid: UUID = Field(foreign_key="communities.uuid", ondelete="CASCADE")
    user_uuid: UUID = Field(foreign_key="users.uuid", ondelete="CASCADE", index=True)
    is_invitation: bool = False
    role: StorageUserRole = Field(
        default=StorageUserRole.VIEWER, sa_type=enum_type(StorageUserRole)
    )
    invited_by_uuid: UUID | None = Field(
        default=None, foreign_key="users.uuid", ondelete="SET NULL", index=True
    )
    created_at: datetime = Field(default_factory=now)


communities = table_of(CommunityRecord)
join_requests = table_of(JoinRequestRecord)
