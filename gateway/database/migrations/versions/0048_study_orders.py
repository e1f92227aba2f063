"""Indexes of the orders of studies, of those in one folder too, and of the series of a study.

Revision ID: 0047
Revises: 0046
"""

from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

_TABLE = "dicom_study_places"
_ORDERS = ("study_date", "patient_name_key", "created_at", "last_edited_at")


def upgrade() -> None:
    for name in ("folder_uuid_study_date", *_ORDERS):
        op.drop_index(f"ix_{_TABLE}_{name}", _TABLE)
    for name in _ORDERS:
        op.create_index(f"ix_{_TABLE}_{name}", _TABLE, [name, "study_uuid"])
        in_folder = ["folder_uuid", name, "study_uuid"]
        op.create_index(f"ix_{_TABLE}_folder_uuid_{name}", _TABLE, in_folder)
    op.create_index(
        "ix_dicom_series_study_uuid_number", "dicom_series", ["study_uuid", "number", "uuid"]
    )
