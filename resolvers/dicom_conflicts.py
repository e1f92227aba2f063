"""Conflicts of DICOM studies and series: values that differ where DICOM has one."""

from collections import defaultdict
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.dicom_visibility import sees_series, sees_study
from gateway.auth.viewer import Viewer
from gateway.context import Context
from gateway.database.dialects import in_bound_keys
from gateway.execution.compiled.kept_statements import KeptStatement, kept_statement
from gateway.execution.declarations import Computed, KeyedRows, SameRow, batch
from gateway.execution.keysets import KEYS
from gateway.models.dicom import dicom_instances, dicom_series, dicom_studies
from resolvers.dicom import study_by_uuid
from resolvers.dicom_identity import is_masked_study, is_series_of_masked_study

MAX_STUDIES, MAX_UIDS = 100, 1000

conflicts_of = SameRow()
# That values differ tells something of them.
tags_of_study = Computed(
    (dicom_studies.c.conflicts, is_masked_study),
    lambda row: [] if row.is_masked else row.conflicts,
)
tags_of_series = Computed(
    (dicom_series.c.conflicts, is_series_of_masked_study),
    lambda row: [] if row.is_of_masked else row.conflicts,
)


class AlikeStudy(NamedTuple):
    """A study, and what others have in common with it."""

    uuid: UUID
    root_folder_uuid: UUID
    study_uid: str


_alike_studies = KeptStatement(
    lambda viewer: (
        sa.select(dicom_studies.c.uuid, dicom_studies.c.root_folder_uuid, dicom_studies.c.study_uid)
        .where(
            in_bound_keys(dicom_studies.c.root_folder_uuid, KEYS),
            in_bound_keys(dicom_studies.c.study_uid, "study_uids"),
            sees_study(viewer),
        )
        .order_by(dicom_studies.c.uuid)
    ),
    AlikeStudy,
)


@batch(
    dicom_studies.c.uuid,
    dicom_studies.c.root_folder_uuid,
    dicom_studies.c.study_uid,
    rows=KeyedRows(study_by_uuid, leaves_out=True),
)
async def other_studies_of(
    context: Context, keys: list[tuple[UUID, UUID, str]]
) -> list[list[UUID]]:
    """Load the other studies that have the UIDs of studies in their root folders."""
    roots, uids = {root for _, root, _ in keys}, {uid for _, _, uid in keys}
    alike: dict[tuple[UUID, str], list[UUID]] = defaultdict(list)
    for row in await _alike_studies.rows(
        context.database, context.viewer, roots, study_uids=list(uids)
    ):
        alike[row.root_folder_uuid, row.study_uid].append(row.uuid)
    return [
        [other for other in alike[root, uid] if other != uuid][:MAX_STUDIES]
        for uuid, root, uid in keys
    ]


class RepeatedUid(NamedTuple):
    """A SOP Instance UID that several series of a study have."""

    study_uuid: UUID
    sop_instance_uid: str


@kept_statement(RepeatedUid)
def repeated_uids(viewer: Viewer) -> sa.Select[Any]:
    """Return the statement for the SOP Instance UIDs that several series of a study have."""
    uid = dicom_instances.c.sop_instance_uid
    return (
        sa.select(dicom_series.c.study_uuid, uid)
        .join(dicom_instances, dicom_instances.c.series_uuid == dicom_series.c.uuid)
        .where(
            in_bound_keys(dicom_series.c.study_uuid, KEYS),
            dicom_instances.c.is_current.is_(True),
            sees_series(viewer),
        )
        .group_by(dicom_series.c.study_uuid, uid)
        .having(sa.func.count() > 1)
        .order_by(uid)
    )


@batch(dicom_studies.c.uuid, work=50)
async def repeated_uids_of(context: Context, keys: list[UUID]) -> list[list[str]]:
    """Load the SOP Instance UIDs that studies have in several series or folders."""
    repeated: dict[UUID, list[str]] = defaultdict(list)
    for row in await repeated_uids.rows(context.database, context.viewer, keys):
        repeated[row.study_uuid].append(row.sop_instance_uid)
    return [repeated[key][:MAX_UIDS] for key in keys]
