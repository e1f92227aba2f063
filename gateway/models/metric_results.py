"""Results of tests that communities keep next to the data: producers, trends and single values."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlmodel import Field, SQLModel

from gateway.clock import now
from gateway.ids import uuid7
from gateway.models.base import Json, Key, table_of


def _item() -> Any:
    return Field(default=None, foreign_key="items.uuid", ondelete="SET NULL", index=True)


class MetricProducerRecord(SQLModel, table=True):
    """A program whose results a community keeps."""

    __tablename__ = "metric_producers"
    __table_args__ = (sa.UniqueConstraint("community_uuid", "display_name"),)
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    community_uuid: UUID = Field(foreign_key="communities.uuid", ondelete="CASCADE")
    display_name: str = Field(sa_type=Key)
    repository: str = ""
    created_at: datetime = Field(default_factory=now)


class MetricTrendRecord(SQLModel, table=True):
    """The values of one metric of a producer, on the same data.

    Attributes:
        digest: that of the name, unit and items with which the trend was made: a trend whose items
            were deleted is not found by others without items.
    """

    __tablename__ = "metric_trends"
    __table_args__ = (sa.UniqueConstraint("producer_uuid", "digest"),)
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    producer_uuid: UUID = Field(foreign_key="metric_producers.uuid", ondelete="CASCADE")
    digest: str
    metric_name: str = Field(sa_type=Key)
    unit: str = ""
    config_item_uuid: UUID | None = _item()
    test_item_uuid: UUID | None = _item()
    truth_item_uuid: UUID | None = _item()
    created_at: datetime = Field(default_factory=now)


class MetricSubmissionRecord(SQLModel, table=True):
    """A run of a producer, whose values were submitted together or one after another."""

    __tablename__ = "metric_submissions"
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    community_uuid: UUID = Field(foreign_key="communities.uuid", ondelete="CASCADE", index=True)
    name: str = ""
    user_uuid: UUID | None = Field(
        default=None, foreign_key="users.uuid", ondelete="SET NULL", index=True
    )
    created_at: datetime = Field(default_factory=now)


class MetricScalarRecord(SQLModel, table=True):
    """A value of a trend.

    Attributes:
        user_uuid: the user who submitted it, who alone sees it unless it is official.
    """

    __tablename__ = "metric_scalars"
    __table_args__ = (
        sa.Index("ix_metric_scalars_trend_uuid_submitted_at", "trend_uuid", "submitted_at", "uuid"),
    )
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    trend_uuid: UUID = Field(foreign_key="metric_trends.uuid", ondelete="CASCADE")
    submission_uuid: UUID | None = Field(
        default=None, foreign_key="metric_submissions.uuid", ondelete="SET NULL", index=True
    )
    user_uuid: UUID = Field(foreign_key="users.uuid", ondelete="CASCADE", index=True)
    value: float
    submitted_at: datetime
    revision: str = ""
    branch: str = ""
    is_official: bool = True
    parameters: dict[str, Any] | None = Field(default=None, sa_type=Json)
    links: list[dict[str, str]] = Field(default_factory=list, sa_type=Json)
    reproduction_command: str = ""
    created_at: datetime = Field(default_factory=now)


class MetricLinkRecord(SQLModel, table=True):
    """An item that belongs to a value, such as a plot of it."""

    __tablename__ = "metric_links"
    __table_args__ = (sa.UniqueConstraint("scalar_uuid", "item_uuid", "label"),)
    uuid: UUID = Field(default_factory=uuid7, primary_key=True)
    scalar_uuid: UUID = Field(foreign_key="metric_scalars.uuid", ondelete="CASCADE")
    item_uuid: UUID = Field(foreign_key="items.uuid", ondelete="CASCADE", index=True)
    label: str = Field(sa_type=Key)
    created_at: datetime = Field(default_factory=now)


metric_producers = table_of(MetricProducerRecord)
metric_trends = table_of(MetricTrendRecord)
metric_submissions = table_of(MetricSubmissionRecord)
metric_scalars = table_of(MetricScalarRecord)
metric_links = table_of(MetricLinkRecord)
