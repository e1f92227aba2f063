"""The first rows.

Revision ID: 0001
Revises: nothing
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql
from sqlmodel.sql import sqltypes

from gateway.database.migrations.names import index_names

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
Text = sqltypes.AutoString
Moment = sqltypes.UTCDateTime


def upgrade() -> None:
    _changes()
    _groups()
    _queued_tasks()
    _stored_objects()
    _users()
    _api_keys()
    _folders()
    _idempotency_keys()
    _memberships()
    _datasets()
    _folder_counters()
    _folder_grants()
    _items()
    _upload_jobs()
    _data_rows()
    _dataset_grants()
    _group_members()
    _upload_units()
    _uploads()
    index_names("folders")
    index_names("items")
    _queue()


def downgrade() -> None:
    raise NotImplementedError("The first version has none before it.")


def _changes() -> None:
    op.create_table(
        "changes",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("user_uuid", sa.Uuid()),
        sa.Column("action", Text(), nullable=False),
        sa.Column("object_type", Text(), nullable=False),
        sa.Column("object_uuid", sa.Uuid(), nullable=False),
        sa.Column("folder_uuid", sa.Uuid()),
        sa.Column("before", JSON),
        sa.Column("after", JSON),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_changes")),
    )
    op.create_index(op.f("ix_changes_folder_uuid"), "changes", ["folder_uuid", "uuid"])
    op.create_index(op.f("ix_changes_object_uuid"), "changes", ["object_uuid", "uuid"])


def _groups() -> None:
    op.create_table(
        "groups",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("name", Text(), nullable=False),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("description", Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_edited_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_groups")),
    )
    op.create_index(op.f("ix_groups_name_key"), "groups", ["name_key"])


def _queued_tasks() -> None:
    op.create_table(
        "queued_tasks",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("name", Text(), nullable=False),
        sa.Column("args", JSON, nullable=False),
        sa.Column("key", KEY),
        sa.Column("run_at", Moment(), nullable=False),
        sa.Column("lease_until", Moment()),
        sa.Column("worker", Text()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", Text()),
        sa.Column("failed_at", Moment()),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_queued_tasks")),
    )
    op.create_index(op.f("ix_queued_tasks_run_at"), "queued_tasks", ["run_at", "uuid"])
    op.create_index(
        op.f("uq_queued_tasks_key"),
        "queued_tasks",
        ["key"],
        unique=True,
        sqlite_where=sa.text("lease_until IS NULL AND failed_at IS NULL"),
        postgresql_where=sa.text("lease_until IS NULL AND failed_at IS NULL"),
    )


def _stored_objects() -> None:
    op.create_table(
        "stored_objects",
        sa.Column("key", KEY, nullable=False),
        sa.Column("sha256", Text(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("is_leaving", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_stored_objects")),
    )
    op.create_index(
        op.f("uq_stored_objects_sha256"),
        "stored_objects",
        ["sha256"],
        unique=True,
        sqlite_where=sa.text("NOT is_leaving"),
        postgresql_where=sa.text("NOT is_leaving"),
    )


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("email", Text(), nullable=False),
        sa.Column("email_key", KEY, nullable=False),
        sa.Column("name", Text(), nullable=False),
        sa.Column(
            "site_role",
            sa.Enum("MEMBER", "ADMIN", name="siterole", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_edited_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_users")),
        sa.UniqueConstraint("email_key", name=op.f("uq_users_email_key")),
    )


def _api_keys() -> None:
    op.create_table(
        "api_keys",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("user_uuid", sa.Uuid(), nullable=False),
        sa.Column("name", Text(), nullable=False),
        sa.Column("sha256", Text(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment()),
        sa.Column("revoked_at", Moment()),
        sa.ForeignKeyConstraint(
            ["user_uuid"],
            ["users.uuid"],
            name=op.f("fk_api_keys_user_uuid_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("sha256", name=op.f("uq_api_keys_sha256")),
    )
    op.create_index(op.f("ix_api_keys_user_uuid"), "api_keys", ["user_uuid"])


def _folders() -> None:
    op.create_table(
        "folders",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("parent_uuid", sa.Uuid()),
        sa.Column("path", KEY, nullable=False),
        sa.Column("name", Text(), nullable=False),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("description", Text(), nullable=False),
        sa.Column("client_metadata", JSON),
        sa.Column(
            "folder_type",
            sa.Enum(
                "GENERIC",
                "CLOUD_LINKED",
                "SYNTHETIC",
                "UNKNOWN",
                name="storagefoldertype",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("owner_uuid", sa.Uuid()),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_edited_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_uuid"],
            ["users.uuid"],
            name=op.f("fk_folders_owner_uuid_users"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["parent_uuid"], ["folders.uuid"], name=op.f("fk_folders_parent_uuid_folders")
        ),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_folders")),
        sa.UniqueConstraint("path", name=op.f("uq_folders_path")),
    )
    op.create_index(op.f("ix_folders_name_key"), "folders", ["name_key"])
    op.create_index(op.f("ix_folders_owner_uuid"), "folders", ["owner_uuid"])
    op.create_index(
        op.f("ix_folders_parent_uuid_created_at"), "folders", ["parent_uuid", "created_at", "uuid"]
    )
    op.create_index(
        op.f("ix_folders_parent_uuid_name_key"), "folders", ["parent_uuid", "name_key", "uuid"]
    )


def _idempotency_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("user_uuid", sa.Uuid(), nullable=False),
        sa.Column("mutation", Text(), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("input_sha256", Text(), nullable=False),
        sa.Column("outcome", JSON, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_uuid"],
            ["users.uuid"],
            name=op.f("fk_idempotency_keys_user_uuid_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("user_uuid", "mutation", "key", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"])


def _memberships() -> None:
    op.create_table(
        "memberships",
        sa.Column("group_uuid", sa.Uuid(), nullable=False),
        sa.Column("user_uuid", sa.Uuid(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_uuid"],
            ["groups.uuid"],
            name=op.f("fk_memberships_group_uuid_groups"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_uuid"],
            ["users.uuid"],
            name=op.f("fk_memberships_user_uuid_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_uuid", "user_uuid", name=op.f("pk_memberships")),
    )
    op.create_index(op.f("ix_memberships_user_uuid"), "memberships", ["user_uuid"])


def _datasets() -> None:
    op.create_table(
        "datasets",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("title", Text(), nullable=False),
        sa.Column("title_key", KEY, nullable=False),
        sa.Column("description", Text(), nullable=False),
        sa.Column("backing_folder_uuid", sa.Uuid()),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_edited_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["backing_folder_uuid"],
            ["folders.uuid"],
            name=op.f("fk_datasets_backing_folder_uuid_folders"),
        ),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_datasets")),
        sa.UniqueConstraint("backing_folder_uuid", name=op.f("uq_datasets_backing_folder_uuid")),
    )
    op.create_index(op.f("ix_datasets_title_key"), "datasets", ["title_key"])


def _folder_counters() -> None:
    op.create_table(
        "folder_counters",
        sa.Column("folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("folders", sa.BigInteger(), nullable=False),
        sa.Column("videos", sa.BigInteger(), nullable=False),
        sa.Column("images", sa.BigInteger(), nullable=False),
        sa.Column("groups", sa.BigInteger(), nullable=False),
        sa.Column("image_groups", sa.BigInteger(), nullable=False),
        sa.Column("image_sequences", sa.BigInteger(), nullable=False),
        sa.Column("dicom_files", sa.BigInteger(), nullable=False),
        sa.Column("dicom_series", sa.BigInteger(), nullable=False),
        sa.Column("audios", sa.BigInteger(), nullable=False),
        sa.Column("time_series", sa.BigInteger(), nullable=False),
        sa.Column("niftis", sa.BigInteger(), nullable=False),
        sa.Column("plain_texts", sa.BigInteger(), nullable=False),
        sa.Column("pdfs", sa.BigInteger(), nullable=False),
        sa.Column("scenes", sa.BigInteger(), nullable=False),
        sa.Column("tombstones", sa.BigInteger(), nullable=False),
        sa.Column("placeholders", sa.BigInteger(), nullable=False),
        sa.Column("upload_jobs", sa.BigInteger(), nullable=False),
        sa.Column("total_size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["folder_uuid"],
            ["folders.uuid"],
            name=op.f("fk_folder_counters_folder_uuid_folders"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("folder_uuid", name=op.f("pk_folder_counters")),
    )


def _folder_grants() -> None:
    op.create_table(
        "folder_grants",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("group_uuid", sa.Uuid()),
        sa.Column("user_uuid", sa.Uuid()),
        sa.Column(
            "role",
            sa.Enum(
                "VIEWER", "USER", "ADMIN", name="storageuserrole", native_enum=False, length=32
            ),
            nullable=False,
        ),
        sa.Column("created_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "(group_uuid IS NULL) <> (user_uuid IS NULL)", name=op.f("ck_folder_grants_one_holder")
        ),
        sa.ForeignKeyConstraint(
            ["folder_uuid"],
            ["folders.uuid"],
            name=op.f("fk_folder_grants_folder_uuid_folders"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["group_uuid"],
            ["groups.uuid"],
            name=op.f("fk_folder_grants_group_uuid_groups"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_uuid"],
            ["users.uuid"],
            name=op.f("fk_folder_grants_user_uuid_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_folder_grants")),
        sa.UniqueConstraint(
            "folder_uuid", "group_uuid", name=op.f("uq_folder_grants_folder_uuid_group_uuid")
        ),
        sa.UniqueConstraint(
            "folder_uuid", "user_uuid", name=op.f("uq_folder_grants_folder_uuid_user_uuid")
        ),
    )
    op.create_index(op.f("ix_folder_grants_group_uuid"), "folder_grants", ["group_uuid"])
    op.create_index(op.f("ix_folder_grants_user_uuid"), "folder_grants", ["user_uuid"])


def _item_type() -> sa.Enum:
    return sa.Enum(
        "VIDEO",
        "IMAGE",
        "GROUP",
        "IMAGE_GROUP",
        "IMAGE_SEQUENCE",
        "DICOM_FILE",
        "DICOM_SERIES",
        "AUDIO",
        "TIMESERIES",
        "NIFTI",
        "PLAIN_TEXT",
        "PDF",
        "SCENE",
        name="storageitemtype",
        native_enum=False,
        length=32,
    )


def _storage_location() -> sa.Enum:
    return sa.Enum(
        "STOREGRAPH",
        "GCP",
        "S3",
        "AZURE",
        "OPEN_TELEKOM",
        "DIRECT_ACCESS",
        "S3_COMPATIBLE",
        name="storagelocationname",
        native_enum=False,
        length=32,
    )


def _media_facts() -> list[sa.Column[Any]]:
    return [
        sa.Column("duration", sa.Float()),
        sa.Column("fps", sa.Float()),
        sa.Column("height", sa.BigInteger()),
        sa.Column("width", sa.BigInteger()),
        sa.Column("frame_count", sa.BigInteger()),
        sa.Column("page_count", sa.BigInteger()),
        sa.Column("audio_sample_rate", sa.BigInteger()),
        sa.Column("audio_bit_depth", sa.Integer()),
        sa.Column("audio_codec", Text()),
        sa.Column("audio_num_channels", sa.Integer()),
        sa.Column("dicom_instance_uid", Text()),
        sa.Column("dicom_study_uid", Text()),
        sa.Column("dicom_series_uid", Text()),
    ]


def _items() -> None:
    op.create_table(
        "items",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("item_type", _item_type(), nullable=False),
        sa.Column("name", Text(), nullable=False),
        sa.Column("name_key", KEY, nullable=False),
        sa.Column("description", Text(), nullable=False),
        sa.Column("client_metadata", JSON, nullable=False),
        sa.Column("owner_uuid", sa.Uuid()),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_edited_at", Moment(), nullable=False),
        sa.Column("is_tombstone", sa.Boolean(), nullable=False),
        sa.Column("is_placeholder", sa.Boolean(), nullable=False),
        sa.Column("storage_location", _storage_location(), nullable=False),
        sa.Column("object_key", KEY),
        sa.Column("url", Text()),
        sa.Column("file_size", sa.BigInteger()),
        sa.Column("mime_type", Text()),
        sa.Column("sha256", Text()),
        *_media_facts(),
        sa.ForeignKeyConstraint(
            ["folder_uuid"], ["folders.uuid"], name=op.f("fk_items_folder_uuid_folders")
        ),
        sa.ForeignKeyConstraint(
            ["object_key"], ["stored_objects.key"], name=op.f("fk_items_object_key_stored_objects")
        ),
        sa.ForeignKeyConstraint(
            ["owner_uuid"],
            ["users.uuid"],
            name=op.f("fk_items_owner_uuid_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_items")),
    )
    _item_indexes()


def _item_indexes() -> None:
    op.create_index(
        op.f("ix_items_folder_uuid_created_at"), "items", ["folder_uuid", "created_at", "uuid"]
    )
    op.create_index(
        op.f("ix_items_folder_uuid_file_size"), "items", ["folder_uuid", "file_size", "uuid"]
    )
    op.create_index(
        op.f("ix_items_folder_uuid_last_edited_at"),
        "items",
        ["folder_uuid", "last_edited_at", "uuid"],
    )
    op.create_index(
        op.f("ix_items_folder_uuid_name_key"), "items", ["folder_uuid", "name_key", "uuid"]
    )
    op.create_index(op.f("ix_items_item_type_name_key"), "items", ["item_type", "name_key", "uuid"])
    op.create_index(op.f("ix_items_name_key"), "items", ["name_key"])
    op.create_index(op.f("ix_items_object_key"), "items", ["object_key"])
    op.create_index(op.f("ix_items_owner_uuid"), "items", ["owner_uuid"])


def _upload_jobs() -> None:
    op.create_table(
        "upload_jobs",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("folder_uuid", sa.Uuid(), nullable=False),
        sa.Column("user_uuid", sa.Uuid()),
        sa.Column(
            "status",
            sa.Enum(
                "PENDING",
                "DONE",
                "ERROR",
                "CANCELLED",
                name="jobstatus",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("file_name", Text()),
        sa.Column("ignore_errors", sa.Boolean(), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("units_pending_count", sa.Integer(), nullable=False),
        sa.Column("units_done_count", sa.Integer(), nullable=False),
        sa.Column("units_error_count", sa.Integer(), nullable=False),
        sa.Column("units_cancelled_count", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_edited_at", Moment(), nullable=False),
        sa.Column("finished_at", Moment()),
        sa.ForeignKeyConstraint(
            ["folder_uuid"],
            ["folders.uuid"],
            name=op.f("fk_upload_jobs_folder_uuid_folders"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_uuid"],
            ["users.uuid"],
            name=op.f("fk_upload_jobs_user_uuid_users"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_upload_jobs")),
    )
    op.create_index(op.f("ix_upload_jobs_created_at"), "upload_jobs", ["created_at", "uuid"])
    op.create_index(
        op.f("ix_upload_jobs_folder_uuid_created_at"),
        "upload_jobs",
        ["folder_uuid", "created_at", "uuid"],
    )
    op.create_index(op.f("ix_upload_jobs_user_uuid"), "upload_jobs", ["user_uuid"])


def _data_rows() -> None:
    op.create_table(
        "data_rows",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("dataset_uuid", sa.Uuid(), nullable=False),
        sa.Column("item_uuid", sa.Uuid(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_uuid"],
            ["datasets.uuid"],
            name=op.f("fk_data_rows_dataset_uuid_datasets"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["item_uuid"], ["items.uuid"], name=op.f("fk_data_rows_item_uuid_items")
        ),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_data_rows")),
    )
    op.create_index(op.f("ix_data_rows_dataset_uuid"), "data_rows", ["dataset_uuid", "uuid"])
    op.create_index(op.f("ix_data_rows_item_uuid"), "data_rows", ["item_uuid", "dataset_uuid"])


def _dataset_grants() -> None:
    op.create_table(
        "dataset_grants",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("dataset_uuid", sa.Uuid(), nullable=False),
        sa.Column("group_uuid", sa.Uuid()),
        sa.Column("user_uuid", sa.Uuid()),
        sa.Column(
            "role",
            sa.Enum(
                "VIEWER", "USER", "ADMIN", name="storageuserrole", native_enum=False, length=32
            ),
            nullable=False,
        ),
        sa.Column("created_at", Moment(), nullable=False),
        sa.CheckConstraint(
            "(group_uuid IS NULL) <> (user_uuid IS NULL)", name=op.f("ck_dataset_grants_one_holder")
        ),
        sa.ForeignKeyConstraint(
            ["dataset_uuid"],
            ["datasets.uuid"],
            name=op.f("fk_dataset_grants_dataset_uuid_datasets"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["group_uuid"],
            ["groups.uuid"],
            name=op.f("fk_dataset_grants_group_uuid_groups"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_uuid"],
            ["users.uuid"],
            name=op.f("fk_dataset_grants_user_uuid_users"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_dataset_grants")),
        sa.UniqueConstraint(
            "dataset_uuid", "group_uuid", name=op.f("uq_dataset_grants_dataset_uuid_group_uuid")
        ),
        sa.UniqueConstraint(
            "dataset_uuid", "user_uuid", name=op.f("uq_dataset_grants_dataset_uuid_user_uuid")
        ),
    )
    op.create_index(op.f("ix_dataset_grants_group_uuid"), "dataset_grants", ["group_uuid"])
    op.create_index(op.f("ix_dataset_grants_user_uuid"), "dataset_grants", ["user_uuid"])


def _group_members() -> None:
    op.create_table(
        "group_members",
        sa.Column("group_uuid", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("item_uuid", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_uuid"],
            ["items.uuid"],
            name=op.f("fk_group_members_group_uuid_items"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["item_uuid"],
            ["items.uuid"],
            name=op.f("fk_group_members_item_uuid_items"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_uuid", "position", name=op.f("pk_group_members")),
    )
    op.create_index(
        op.f("ix_group_members_item_uuid"), "group_members", ["item_uuid", "group_uuid"]
    )


def _upload_units() -> None:
    op.create_table(
        "upload_units",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("job_uuid", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "PENDING",
                "DONE",
                "ERROR",
                "CANCELLED",
                name="jobstatus",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("title", Text()),
        sa.Column("spec", JSON, nullable=False),
        sa.Column("item_uuid", sa.Uuid()),
        sa.Column("error", Text()),
        sa.Column("action_description", Text()),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_uuid"],
            ["items.uuid"],
            name=op.f("fk_upload_units_item_uuid_items"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["job_uuid"],
            ["upload_jobs.uuid"],
            name=op.f("fk_upload_units_job_uuid_upload_jobs"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_upload_units")),
        sa.UniqueConstraint("job_uuid", "position", name=op.f("uq_upload_units_job_uuid_position")),
    )
    op.create_index(op.f("ix_upload_units_item_uuid"), "upload_units", ["item_uuid"])
    op.create_index(
        op.f("ix_upload_units_job_uuid_sequence"),
        "upload_units",
        ["job_uuid", "sequence", "position"],
    )
    op.create_index(
        op.f("ix_upload_units_job_uuid_status"), "upload_units", ["job_uuid", "status", "position"]
    )


def _uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("item_uuid", sa.Uuid(), nullable=False),
        sa.Column("object_key", KEY, nullable=False),
        sa.Column("file_name", Text(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("mime_type", Text(), nullable=False),
        sa.Column("sha256", Text()),
        sa.Column("parts_id", Text()),
        sa.Column("stored_key", KEY),
        sa.Column("unit_uuid", sa.Uuid()),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_uuid"],
            ["items.uuid"],
            name=op.f("fk_uploads_item_uuid_items"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["stored_key"],
            ["stored_objects.key"],
            name=op.f("fk_uploads_stored_key_stored_objects"),
        ),
        sa.PrimaryKeyConstraint("item_uuid", name=op.f("pk_uploads")),
        sa.UniqueConstraint("object_key", name=op.f("uq_uploads_object_key")),
    )
    op.create_index(op.f("ix_uploads_created_at"), "uploads", ["created_at"])
    op.create_index(op.f("ix_uploads_stored_key"), "uploads", ["stored_key"])
    op.create_index(op.f("ix_uploads_unit_uuid"), "uploads", ["unit_uuid"])


def _queue() -> None:
    """Procrastinate's own tables; the embedded queue has its table above."""
    if op.get_bind().dialect.name == "postgresql":
        # Straight to the driver: signs in the functions would be read as parameters.
        cursor = op.get_bind().connection.cursor()
        cursor.execute(SchemaManager.get_schema())
        cursor.close()
