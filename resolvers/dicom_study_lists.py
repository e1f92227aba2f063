"""Lists of DICOM studies, whose pages start from the folders that a viewer sees."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.context import Context
from gateway.execution.bound_values import AS_IS
from gateway.execution.declarations import Argument, Direction, EdgeQuery, Orders, ToMany
from gateway.execution.list_parts import Parts
from gateway.models.dicom import dicom_studies, dicom_study_places
from resolvers.dicom_identity import may_mask_studies, shown_order
from resolvers.dicom_study_filters import (
    bounds_of,
    conditions_in_chosen_folders,
    dated_columns,
    leaves_most,
    study_conditions,
)
from resolvers.dicom_study_scopes import covers_all, folders_in_scope, has_many_folders
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
    context: Context, query: EdgeQuery, order_by: DicomStudyOrder | None
) -> PreparedStudies:
    """Read what a list of studies depends on besides its arguments.

    Raises:
        DomainError: a tag of the filter is not indexed, or not yet.
    """
    spans = await prepare_tag_spans(context, query, order_by)
    return PreparedStudies(await may_mask_studies(context, query.filter, order_by), spans)


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
            AS_IS,
        ),
    ),
    parts=Parts(
        column=_places.folder_uuid,
        orders=frozenset(_COLUMNS.values()),
        walked=frozenset(_COLUMNS.values()),
        suit=leaves_most,
        choose=folders_in_scope,
        cover_all=covers_all,
        rows=_with_studies,
        where=conditions_in_chosen_folders,
        bounds=bounds_of,
        is_walked=has_many_folders,
        depths=(1, 216),
        walked_rows=lambda query: 40 if query.filter else 20,
    ),
)
