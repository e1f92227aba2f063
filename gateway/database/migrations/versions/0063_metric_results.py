"""Results of tests, which communities keep.

Revision ID: 0063
Revises: 0062
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

from gateway.models.base import Json, Key

revision = "0063"
down_revision = "0062"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _table(
        "metric_producers",
        _reference("community_uuid", "communities", "CASCADE"),
        sa.Column("display_name", Key, nullable=False),
        sa.Column("repository", AutoString(), nullable=False),
        unique=("community_uuid", "display_name"),
    )
    _table(
        "metric_trends",
        _reference("producer_uuid", "metric_producers", "CASCADE"),
        sa.Column("digest", AutoString(), nullable=False),
        sa.Column("metric_name", Key, nullable=False),
        sa.Column("unit", AutoString(), nullable=False),
        *(
            _reference(f"{kind}_item_uuid", "items", "SET NULL")
            for kind in ("config", "test", "truth")
        ),
        unique=("producer_uuid", "digest"),
    )
    _table(
        "metric_submissions",
        _reference("community_uuid", "communities", "CASCADE"),
        sa.Column("name", AutoString(), nullable=False),
        _reference("user_uuid", "users", "SET NULL"),
    )
    _table(
        "metric_scalars",
        _reference("trend_uuid", "metric_trends", "CASCADE"),
        _reference("submission_uuid", "metric_submissions", "SET NULL"),
        _reference("user_uuid", "users", "CASCADE"),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("submitted_at", Moment(), nullable=False),
        sa.Column("revision", AutoString(), nullable=False),
        sa.Column("branch", AutoString(), nullable=False),
        sa.Column("is_official", sa.Boolean(), nullable=False),
        sa.Column("parameters", Json),
        sa.Column("links", Json, nullable=False),
        sa.Column("reproduction_command", AutoString(), nullable=False),
    )
    _table(
        "metric_links",
        _reference("scalar_uuid", "metric_scalars", "CASCADE"),
        _reference("item_uuid", "items", "CASCADE"),
        sa.Column("label", Key, nullable=False),
        unique=("scalar_uuid", "item_uuid", "label"),
    )
    for table, *columns in (
        ("metric_trends", "config_item_uuid"),
        ("metric_trends", "test_item_uuid"),
        ("metric_trends", "truth_item_uuid"),
        ("metric_submissions", "community_uuid"),
        ("metric_submissions", "user_uuid"),
        ("metric_scalars", "submission_uuid"),
        ("metric_scalars", "user_uuid"),
        ("metric_links", "item_uuid"),
    ):
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)
    op.create_index(
        "ix_metric_scalars_trend_uuid_submitted_at",
        "metric_scalars",
        ["trend_uuid", "submitted_at", "uuid"],
    )


def _reference(name: str, other: str, on_delete: str) -> sa.Column[Any]:
    column: sa.Column[Any] = sa.Column(name, sa.Uuid(), nullable=on_delete == "SET NULL")
    column.info["other"] = other, on_delete
    return column


def _table(name: str, *columns: sa.Column[Any], unique: tuple[str, ...] = ()) -> None:
    keys = [
        sa.ForeignKeyConstraint(
            [column.name],
            [f"{column.info['other'][0]}.uuid"],
            name=f"fk_{name}_{column.name}_{column.info['other'][0]}",
            ondelete=column.info["other"][1],
        )
        for column in columns
        if column.info
    ]
    if unique:
        keys.append(sa.UniqueConstraint(*unique, name=f"uq_{name}_{'_'.join(unique)}"))  # type: ignore[arg-type]
    op.create_table(
        name,
        sa.Column("uuid", sa.Uuid(), nullable=False),
        *columns,
        sa.Column("created_at", Moment(), nullable=False),
        *keys,
        sa.PrimaryKeyConstraint("uuid", name=f"pk_{name}"),
    )
