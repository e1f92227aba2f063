"""Folders have tags; items are collected, and filters are kept.

Revision ID: 0010
Revises: 0009
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

from gateway.models.base import Json, Key

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _tags()
    _collections()
    _presets()


def downgrade() -> None:
    for table in (
        "filter_presets",
        "collection_items",
        "collections",
        "folder_tags",
        "organisation_tags",
    ):
        op.drop_table(table)


def _tags() -> None:
    op.create_table(
        "organisation_tags",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("name", Key, nullable=False),
        sa.Column("name_key", Key, nullable=False),
        sa.Column("description", AutoString(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name="pk_organisation_tags"),
        sa.UniqueConstraint("name", name="uq_organisation_tags_name"),
    )
    op.create_index("ix_organisation_tags_name_key", "organisation_tags", ["name_key"])
    op.create_table(
        "folder_tags",
        sa.Column("folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("tag_uuid", sa.Uuid(), nullable=False),
        _reference("folder_tags", "folder_uuid", "folders"),
        _reference("folder_tags", "tag_uuid", "organisation_tags"),
        sa.PrimaryKeyConstraint("folder_uuid", "tag_uuid", name="pk_folder_tags"),
    )
    op.create_index("ix_folder_tags_tag_uuid", "folder_tags", ["tag_uuid"])


def _collections() -> None:
    op.create_table(
        "collections",
        *_named("collections"),
        sa.Column("last_edited_at", UTCDateTime(), nullable=False),
    )
    op.create_index("ix_collections_name_key", "collections", ["name_key"])
    op.create_index(
        "ix_collections_top_level_folder_uuid", "collections", ["top_level_folder_uuid"]
    )
    op.create_table(
        "collection_items",
        sa.Column("collection_uuid", sa.Uuid(), nullable=False),
        sa.Column("item_uuid", sa.Uuid(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        _reference("collection_items", "collection_uuid", "collections"),
        _reference("collection_items", "item_uuid", "items"),
        sa.PrimaryKeyConstraint("collection_uuid", "item_uuid", name="pk_collection_items"),
    )
    op.create_index("ix_collection_items_item_uuid", "collection_items", ["item_uuid"])
    op.create_index(
        "ix_collection_items_created_at",
        "collection_items",
        ["collection_uuid", "created_at", "item_uuid"],
    )


def _presets() -> None:
    op.create_table(
        "filter_presets", *_named("filter_presets"), sa.Column("filter", Json, nullable=False)
    )
    op.create_index("ix_filter_presets_name_key", "filter_presets", ["name_key"])
    op.create_index(
        "ix_filter_presets_top_level_folder_uuid", "filter_presets", ["top_level_folder_uuid"]
    )


def _named(table: str) -> list[Any]:
    return [
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("top_level_folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("name_key", Key, nullable=False),
        sa.Column("description", AutoString(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        _reference(table, "top_level_folder_uuid", "folders"),
        sa.PrimaryKeyConstraint("uuid", name=f"pk_{table}"),
    ]


def _reference(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_{other}"
    return sa.ForeignKeyConstraint([column], [f"{other}.uuid"], name=name, ondelete="CASCADE")
