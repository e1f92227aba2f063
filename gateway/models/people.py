"""Users, groups, memberships and API keys."""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.kinds.enums import SiteRole
from gateway.models.base import Json, Key, enum_type, table_of


class UserRecord(SQLModel, table=True):
    """A person or a program that can sign in."""

    __tablename__ = "users"
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    email: str
    email_key: str = Field(sa_type=Key, unique=True)
    name: str = ""
    site_role: SiteRole = Field(default=SiteRole.MEMBER, sa_type=enum_type(SiteRole))
    is_active: bool = True
    created_at: datetime = Field(default_factory=now)
    last_edited_at: datetime = Field(default_factory=now)


class GroupRecord(SQLModel, table=True):
    """A group of users, to which roles are granted."""

    __tablename__ = "groups"
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    name: str
    name_key: str = Field(sa_type=Key, index=True)
    description: str = ""
    created_at: datetime = Field(default_factory=now)
    last_edited_at: datetime = Field(default_factory=now)


class MembershipRecord(SQLModel, table=True):
    """Membership of a user in a group.

    One that was created `by_sign_in` ends when the user's tokens name the group no longer.
    """

    __tablename__ = "memberships"
    group_uuid: UUID = Field(primary_key=True, foreign_key="groups.uuid", ondelete="CASCADE")
    user_uuid: UUID = Field(
        primary_key=True, foreign_key="users.uuid", ondelete="CASCADE", index=True
    )
    created_at: datetime = Field(default_factory=now)
    by_sign_in: bool = False


class ApiKeyRecord(SQLModel, table=True):
    """An API key; only the SHA-256 digest of its text is stored.

    Attributes:
        sees_phi: whether whoever signs in with it sees the identities that the user may see.
        scopes: names of the parts of the API that it is good for; None for all.
        folder_uuid: the folder outside which it shows nothing; None for no such limit. It stays
            when the folder is deleted, so that the key shows nothing then.
        requires_one_time_password: whether it opens nothing but sessions, by a second factor.
        is_session: whether it was made by `createSession`.
        parent_uuid: the key that a session ends with; None for those of other credentials.
        last_used_at: the hour in which it was last used, as far as that has been noted.
    """

    __tablename__ = "api_keys"
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    user_uuid: UUID = Field(foreign_key="users.uuid", ondelete="CASCADE", index=True)
    name: str
    sha256: str = Field(unique=True)
    created_at: datetime = Field(default_factory=now)
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    sees_phi: bool = True
    scopes: list[str] | None = Field(default=None, sa_type=Json)
    folder_uuid: UUID | None = None
    last_used_at: datetime | None = None
    requires_one_time_password: bool = False
    is_session: bool = False
    parent_uuid: UUID | None = Field(default=None, index=True)


users = table_of(UserRecord)
groups = table_of(GroupRecord)
memberships = table_of(MembershipRecord)
api_keys = table_of(ApiKeyRecord)
