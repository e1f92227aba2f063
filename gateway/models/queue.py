"""The embedded queue's own rows; with PostgreSQL the queue is Procrastinate's."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.ids import uuid7
from gateway.models.base import Json, Key, now, table_of


class QueuedTask(SQLModel, table=True):
    """A task to be run at `run_at` or later; while a worker holds it, `lease_until` lies in the future."""

    __tablename__ = "queued_tasks"
    __table_args__ = (sa.Index("ix_queued_tasks_run_at", "run_at", "uuid"),)
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    name: str
    args: dict[str, Any] = Field(sa_type=Json)
    key: str | None = Field(default=None, sa_type=Key, unique=True)
    run_at: datetime = Field(default_factory=now)
    lease_until: datetime | None = None
    worker: str | None = None
    attempts: int = 0
    error: str | None = None


queued_tasks = table_of(QueuedTask)
