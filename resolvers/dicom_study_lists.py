"""Lists of DICOM studies, whose pages start from the folders that a viewer sees."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.visibility import is_granted_to, sees_folder
from gateway.context import Context
from gateway.database.tree import within
from gateway.execution.declarations import Argument, Direction, EdgeQuery, Orders, ToMany
from gateway.execution.list_parts import Parts
from gateway.models.dicom import dicom_studies, dicom_study_places
from gateway.models.folders import folder_grants, folders
from resolvers.dicom_identity import may_mask_studies, shown_order
from resolvers.dicom_study_filters import dated_columns, leaves_most, study_conditions
from resolvers.dicom_tag_matches import TagSpan, prepare_tag_spans
from resolvers.inputs.dicom import DicomStudyFilter, DicomStudyOrder, DicomStudyOrderField

_places = dicom_study_places.c
_COLUMNS: dict[Any, sa.ColumnElement[Any]] = {
    DicomStudyOrderField.STUDY_DATE: _places.study_date,
    DicomStudyOrderField.PATIENT_NAME: _places.patient_name_key,
    DicomStudyOrderField.CREATED_AT: _places.created_at,
    DicomStudyOrderField.LAST_EDITED_AT: _places.last_edited_at,
}
_with_studies = dicom_study_places.join(
    dicom_studies, dicom_studies.c.uuid == dicom_study_places.c.study_uuid
)


def _folders_in_scope(query: EdgeQuery) -> sa.Select[Any]:
    """Select the folders whose studies are listed: in and below one, or all that are visible."""
    home, top = folders.alias("home"), folders.alias("top")
    part = sa.select(home.c.uuid.label("part"))
    folder_uuid = query.arguments["folder_uuid"]
    if folder_uuid is not None:
        below = part.select_from(home.join(top, within(home.c.path, top.c.path)))
        return below.where(top.c.uuid == folder_uuid, sees_folder(query.viewer, top))
    grants = folder_grants.alias()
    granted = grants.join(top, top.c.uuid == grants.c.folder_uuid).join(
        home, within(home.c.path, top.c.path)
    )
    # A folder can be below several grants.
    return part.select_from(granted).where(is_granted_to(query.viewer, grants)).distinct()


@dataclass(frozen=True, slots=True)
class PreparedStudies:
    """Values that were read for a list of studies, on which its statement depends.

    Attributes:
        may_be_masked: whether studies in this order may be masked to the viewer.
        tag_spans: the values of indexed tags that its filter names.
    """

    may_be_masked: bool
    tag_spans: tuple[TagSpan, ...]


async def prepare_studies(
    context: Context, filter: DicomStudyFilter | None, order_by: DicomStudyOrder | None
) -> PreparedStudies:
    """Read what a list of studies depends on besides its arguments.

    Raises:
        DomainError: a tag of the filter is not indexed, or not yet.
    """
    spans = await prepare_tag_spans(context, filter, order_by)
    return PreparedStudies(await may_mask_studies(context, filter, order_by), spans)


def _covers_all(query: EdgeQuery) -> bool:
    return query.viewer.is_site_admin and query.arguments["folder_uuid"] is None


visible_studies = ToMany(
    "dicomStudies",
    dicom_studies,
    Orders(
        _COLUMNS,
        DicomStudyOrderField.STUDY_DATE,
        _places.study_uuid,
        Direction.DESC,
        input_type=DicomStudyOrder,
        present=dated_columns,
        directions={DicomStudyOrderField.PATIENT_NAME: Direction.ASC},
        computed=shown_order,
    ),
    source=_with_studies,
    extras={
        "study_uuid": _places.study_uuid,
        "patient_name_key": _places.patient_name_key,
    },
    where=study_conditions,
    prepare=prepare_studies,
    filter_type=DicomStudyFilter,
    arguments=(
        Argument(
            "folder_uuid",
            UUID | None,
            None,
            "UUID of a folder: only studies of which a part lies in it or below. Nothing lies in a "
            "folder that the viewer cannot see.",
        ),
    ),
    parts=Parts(
        column=_places.folder_uuid,
        orders=frozenset(_COLUMNS.values()),
        walked=frozenset(_COLUMNS.values()),
        suit=leaves_most,
        choose=_folders_in_scope,
        cover_all=_covers_all,
        rows=_with_studies,
    ),
)
