"""Rows of the SQLite queue; on PostgreSQL, Procrastinate has its own tables."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.ids import uuid7
from gateway.models.base import Json, Key, table_of

MAY_BE_SUSPECT = sa.text("(lease_until IS NOT NULL OR deaths > 0)")
"""Condition of the tasks among which those are that workers died of, which an index has."""


class QueuedTaskRecord(SQLModel, table=True):
    """A task to run at `run_at` or later.

    A worker has leased it until `lease_until`. Both are times of the queue's own clock. `key` is
    unique among the tasks without a lease. `deaths` counts the workers that died while they had
    leased it.
    """

    __tablename__ = "queued_tasks"
    __table_args__ = (
        sa.Index("ix_queued_tasks_run_at", "run_at", "uuid"),
        sa.Index(
            "ix_queued_tasks_suspects",
            "name",
            sqlite_where=MAY_BE_SUSPECT,
            postgresql_where=MAY_BE_SUSPECT,
        ),
        sa.Index(
            "uq_queued_tasks_key",
            "key",
            unique=True,
            sqlite_where=sa.text("lease_until IS NULL AND failed_at IS NULL"),
            postgresql_where=sa.text("lease_until IS NULL AND failed_at IS NULL"),
        ),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    name: str
    args: dict[str, Any] = Field(sa_type=Json)
    key: str | None = Field(default=None, sa_type=Key)
    run_at: datetime
    lease_until: datetime | None = None
    worker: str | None = None
    attempts: int = 0
    deaths: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    error: str | None = None
    failed_at: datetime | None = None


class QueueClockRecord(SQLModel, table=True):
    """The only row says what time the queue's clock had when the machine started.

    Attributes:
        boot_id: What identifies that start.
        started_at: The time.
        seen_at: A time that has come since.
    """

    __tablename__ = "queue_clock"
    boot_id: str = Field(primary_key=True)
    started_at: datetime
    seen_at: datetime


queued_tasks = table_of(QueuedTaskRecord)
queue_clock = table_of(QueueClockRecord)
