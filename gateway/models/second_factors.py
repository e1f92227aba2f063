"""Second factors of users: what their one-time passwords are computed from."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.models.base import Json, table_of


class SecondFactorRecord(SQLModel, table=True):
    """The second factor of a user.

    Attributes:
        secret: sealed by the vault for this row.
        recovery: SHA-256 digests of the recovery codes that have not been used.
        confirmed_at: when the user has shown that their app knows the secret; None before.
        last_step: the step of the last password that was used; none of an earlier one is valid.
        failures: wrong passwords since the last right one, or since the last lock.
        locked_until: when passwords are looked at again, after too many wrong ones.
    """

    __tablename__ = "second_factors"
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    user_uuid: UUID = Field(foreign_key="users.uuid", ondelete="CASCADE", unique=True)
    secret: str
    recovery: list[str] = Field(sa_type=Json)
    created_at: datetime = Field(default_factory=now)
    confirmed_at: datetime | None = None
    last_step: int = Field(default=0, sa_type=sa.BigInteger)
    failures: int = 0
    locked_until: datetime | None = None


second_factors = table_of(SecondFactorRecord)
