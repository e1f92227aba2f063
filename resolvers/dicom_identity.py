"""Identifying attributes of DICOM studies and series, which are null where they are masked.

A study is masked if any part of it is, since its attributes are those of all parts.
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from gateway.auth.identity import has_phi_grant_above, hides_identity_at, sees_study_identity
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import is_granted_to
from gateway.context import Context
from gateway.database.tree import ID_LENGTH
from gateway.execution.compiled.kept_statements import Existence, kept_statement
from gateway.execution.declarations import Computed, EdgeQuery
from gateway.execution.viewer_columns import viewer_column
from gateway.kinds.enums import PhiPolicy
from gateway.models.dicom import dicom_series, dicom_studies, dicom_study_places
from gateway.models.folders import folder_grants, folders
from resolvers.inputs.dicom import DicomStudyFilter, DicomStudyOrder, DicomStudyOrderField

_places = dicom_study_places.c
_IDENTIFYING: dict[Any, sa.Column[Any]] = {
    DicomStudyOrderField.STUDY_DATE: _places.study_date,
    DicomStudyOrderField.PATIENT_NAME: _places.patient_name_key,
}
is_masked_study = viewer_column(
    dicom_studies,
    "is_masked",
    sa.Boolean(),
    lambda viewer: ~sees_study_identity(viewer, dicom_studies.c.uuid),
)
is_masked_series = viewer_column(
    dicom_series,
    "is_masked",
    sa.Boolean(),
    lambda viewer: hides_identity_at(viewer, dicom_series.c.folder_uuid),
)
is_series_of_masked_study = viewer_column(
    dicom_series,
    "is_of_masked",
    sa.Boolean(),
    lambda viewer: ~sees_study_identity(viewer, dicom_series.c.study_uuid),
)


def identifying(
    column: sa.Column[Any], read: Callable[[Any], Any] = lambda value: value
) -> Computed:
    """Declare what `read` makes of a column of studies or series; null where they are masked."""
    name = str(column.key)
    mask = is_masked_study if column.table is dicom_studies else is_masked_series
    return Computed((column, mask), lambda row: None if row.is_masked else read(getattr(row, name)))


@kept_statement(Existence)
def any_masked(viewer: Viewer) -> sa.Select[Any]:
    conditions = [folders.c.is_masked, folders.c.phi_policy == PhiPolicy.MASKED]
    if viewer.sees_phi:
        conditions.append(~has_phi_grant_above(viewer, folders.c.path))
    if not viewer.is_site_admin:
        grants, seen = folder_grants.alias(), folders.alias()
        same_tree = sa.func.substr(seen.c.path, 1, ID_LENGTH) == sa.func.substr(
            folders.c.path, 1, ID_LENGTH
        )
        conditions.append(
            sa.exists()
            .select_from(grants.join(seen, seen.c.uuid == grants.c.folder_uuid))
            .where(is_granted_to(viewer, grants), same_tree)
        )
    return sa.select(sa.exists().select_from(folders).where(*conditions))


async def may_mask_studies(
    context: Context, _filter: DicomStudyFilter | None, order_by: DicomStudyOrder | None
) -> bool:
    """Return whether a list in this order may have studies that are masked to the viewer.

    Those come last, as if they had no value, which no index knows. It is so if a folder that they
    see is in the tree of one that is masked to them.
    """
    viewer = context.viewer
    field = order_by.field if order_by else DicomStudyOrderField.STUDY_DATE
    if field not in _IDENTIFYING or (viewer.is_site_admin and viewer.sees_phi):
        return False
    [found] = await any_masked.rows(context.database, viewer)
    return found.exists


def shown_order(query: EdgeQuery, field: Any) -> sa.ColumnElement[Any] | None:
    """Return the values by which masked and other studies are ordered; None for plain columns."""
    if not (query.prepared and query.prepared.may_be_masked) or field not in _IDENTIFYING:
        return None
    return sa.case((sees_study_identity(query.viewer, _places.study_uuid), _IDENTIFYING[field]))
