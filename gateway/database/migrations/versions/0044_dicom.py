"""DICOM studies, series, instances and tags.

Revision ID: 0044
Revises: 0043
"""

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import UTCDateTime as Moment

from gateway.database.migrations.names import index_names
from gateway.models.base import Json, Key

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dicom_studies",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("root_folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("study_uid", Key, nullable=False),
        sa.Column("patient_id", Key, nullable=False),
        sa.Column("patient_id_issuer", Key, nullable=False),
        sa.Column("patient_name", sa.String(), nullable=True),
        sa.Column("name_key", Key, nullable=False),
        sa.Column("patient_birth_date", Key, nullable=True),
        sa.Column("patient_sex", Key, nullable=True),
        sa.Column("study_date", Key, nullable=True),
        sa.Column("study_time", Key, nullable=True),
        sa.Column("accession_number", Key, nullable=True),
        sa.Column("study_id", Key, nullable=True),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("referring_physician_name", sa.String(), nullable=True),
        sa.Column("conflicts", Json, nullable=False),
        sa.Column("corrections", Json, nullable=False),
        sa.Column("phi_version", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_edited_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["root_folder_uuid"],
            ["folders.uuid"],
            name="fk_dicom_studies_root_folder_uuid_folders",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("uuid", name="pk_dicom_studies"),
    )
    op.create_index(
        "ix_dicom_studies_accession_number", "dicom_studies", ["accession_number"], unique=False
    )
    op.create_index(
        "ix_dicom_studies_patient_id",
        "dicom_studies",
        ["patient_id", "study_date", "uuid"],
        unique=False,
    )
    op.create_index(
        "ix_dicom_studies_study_date", "dicom_studies", ["study_date", "uuid"], unique=False
    )
    op.create_index("ix_dicom_studies_study_uid", "dicom_studies", ["study_uid"], unique=False)
    op.create_index(
        "uq_dicom_studies_root_folder_uuid_study_uid",
        "dicom_studies",
        ["root_folder_uuid", "study_uid", "patient_id", "patient_id_issuer"],
        unique=True,
    )
    op.create_table(
        "dicom_series",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("study_uuid", sa.Uuid(), nullable=False),
        sa.Column("folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("series_uid", Key, nullable=False),
        sa.Column("modality", Key, nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("body_part", Key, nullable=True),
        sa.Column("conflicts", Json, nullable=False),
        sa.Column("instances", sa.BigInteger(), nullable=False),
        sa.Column("superseded", sa.BigInteger(), nullable=False),
        sa.Column("frames", sa.BigInteger(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_edited_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["folder_uuid"],
            ["folders.uuid"],
            name="fk_dicom_series_folder_uuid_folders",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["study_uuid"],
            ["dicom_studies.uuid"],
            name="fk_dicom_series_study_uuid_dicom_studies",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("uuid", name="pk_dicom_series"),
        sa.UniqueConstraint(
            "study_uuid",
            "folder_uuid",
            "series_uid",
            name="uq_dicom_series_study_uuid_folder_uuid_series_uid",
        ),
    )
    op.create_index("ix_dicom_series_folder_uuid", "dicom_series", ["folder_uuid"], unique=False)
    op.create_index("ix_dicom_series_series_uid", "dicom_series", ["series_uid"], unique=False)
    op.create_index(
        "ix_dicom_series_study_uuid_modality",
        "dicom_series",
        ["study_uuid", "modality"],
        unique=False,
    )
    op.create_table(
        "dicom_study_places",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("study_uuid", sa.Uuid(), nullable=False),
        sa.Column("folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("study_date", Key, nullable=True),
        sa.Column("patient_name_key", Key, nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_edited_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["folder_uuid"],
            ["folders.uuid"],
            name="fk_dicom_study_places_folder_uuid_folders",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["study_uuid"],
            ["dicom_studies.uuid"],
            name="fk_dicom_study_places_study_uuid_dicom_studies",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("uuid", name="pk_dicom_study_places"),
        sa.UniqueConstraint(
            "study_uuid", "folder_uuid", name="uq_dicom_study_places_study_uuid_folder_uuid"
        ),
    )
    op.create_index(
        "ix_dicom_study_places_created_at",
        "dicom_study_places",
        ["created_at", "uuid"],
        unique=False,
    )
    op.create_index(
        "ix_dicom_study_places_folder_uuid_study_date",
        "dicom_study_places",
        ["folder_uuid", "study_date", "uuid"],
        unique=False,
    )
    op.create_index(
        "ix_dicom_study_places_last_edited_at",
        "dicom_study_places",
        ["last_edited_at", "uuid"],
        unique=False,
    )
    op.create_index(
        "ix_dicom_study_places_patient_name_key",
        "dicom_study_places",
        ["patient_name_key", "uuid"],
        unique=False,
    )
    op.create_index(
        "ix_dicom_study_places_study_date",
        "dicom_study_places",
        ["study_date", "uuid"],
        unique=False,
    )
    op.create_table(
        "dicom_tags",
        sa.Column("item_uuid", sa.Uuid(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("document_size", sa.Integer(), nullable=False),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("omitted", Json, nullable=False),
        sa.Column("character_sets", Json, nullable=False),
        sa.ForeignKeyConstraint(
            ["item_uuid"], ["items.uuid"], name="fk_dicom_tags_item_uuid_items", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("item_uuid", name="pk_dicom_tags"),
    )
    op.create_table(
        "study_attachments",
        sa.Column("item_uuid", sa.Uuid(), nullable=False),
        sa.Column("study_uuid", sa.Uuid(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_uuid"],
            ["items.uuid"],
            name="fk_study_attachments_item_uuid_items",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["study_uuid"],
            ["dicom_studies.uuid"],
            name="fk_study_attachments_study_uuid_dicom_studies",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("item_uuid", name="pk_study_attachments"),
    )
    op.create_index(
        "ix_study_attachments_study_uuid",
        "study_attachments",
        ["study_uuid", "item_uuid"],
        unique=False,
    )
    op.create_table(
        "dicom_headers",
        sa.Column("series_uuid", sa.Uuid(), nullable=False),
        sa.Column("digest", Key, nullable=False),
        sa.Column("attributes", Json, nullable=False),
        sa.Column("first_item_uuid", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["series_uuid"],
            ["dicom_series.uuid"],
            name="fk_dicom_headers_series_uuid_dicom_series",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("series_uuid", "digest", name="pk_dicom_headers"),
    )
    op.create_table(
        "dicom_instances",
        sa.Column("item_uuid", sa.Uuid(), nullable=False),
        sa.Column("series_uuid", sa.Uuid(), nullable=False),
        sa.Column("header_digest", Key, nullable=False),
        sa.Column("sop_instance_uid", Key, nullable=False),
        sa.Column("sop_class_uid", Key, nullable=True),
        sa.Column("transfer_syntax_uid", Key, nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("frames", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=True),
        sa.Column("columns", sa.BigInteger(), nullable=True),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("has_pixels", sa.Boolean(), nullable=False),
        sa.Column("is_live", sa.Boolean(), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_uuid"],
            ["items.uuid"],
            name="fk_dicom_instances_item_uuid_items",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["series_uuid"],
            ["dicom_series.uuid"],
            name="fk_dicom_instances_series_uuid_dicom_series",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("item_uuid", name="pk_dicom_instances"),
    )
    op.create_index(
        "ix_dicom_instances_series_uuid_header_digest",
        "dicom_instances",
        [
            "series_uuid",
            "header_digest",
            "is_live",
            "item_uuid",
            "is_current",
            "frames",
            "file_size",
        ],
        unique=False,
    )
    op.create_index(
        "ix_dicom_instances_series_uuid_number",
        "dicom_instances",
        ["series_uuid", "is_current", "number", "sop_instance_uid", "item_uuid"],
        unique=False,
    )
    op.create_index(
        "ix_dicom_instances_sop_instance_uid",
        "dicom_instances",
        ["sop_instance_uid", "series_uuid"],
        unique=False,
    )
    index_names("dicom_studies")
