"""Conflicts of DICOM studies and series: values that differ where DICOM has one."""

from collections import defaultdict
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.visibility import sees_series, sees_study
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.execution.declarations import Computed, SameRow, batch
from gateway.execution.viewer_columns import selected_columns
from gateway.models.dicom import dicom_instances, dicom_series, dicom_studies
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


@batch(dicom_studies.c.uuid, dicom_studies.c.root_folder_uuid, dicom_studies.c.study_uid)
async def other_studies_of(context: Context, keys: list[tuple[UUID, UUID, str]]) -> list[list[Any]]:
    """Load the other studies that have the UIDs of studies in their root folders."""
    chosen = (
        sa.select(*selected_columns(dicom_studies, context.viewer))
        .where(
            in_keys(dicom_studies.c.root_folder_uuid, {root for _, root, _ in keys}),
            in_keys(dicom_studies.c.study_uid, {uid for _, _, uid in keys}),
            sees_study(context.viewer),
        )
        .order_by(dicom_studies.c.uuid)
    )
    alike: dict[tuple[UUID, str], list[Any]] = defaultdict(list)
    for row in await context.database.rows(chosen, sa.Row):
        alike[row.root_folder_uuid, row.study_uid].append(row)
    return [
        [row for row in alike[root, uid] if row.uuid != uuid][:MAX_STUDIES]
        for uuid, root, uid in keys
    ]


class RepeatedUid(NamedTuple):
    """A SOP Instance UID that several series of a study have."""

    study_uuid: UUID
    sop_instance_uid: str


@batch(dicom_studies.c.uuid, work=50)
async def repeated_uids_of(context: Context, keys: list[UUID]) -> list[list[str]]:
    """Load the SOP Instance UIDs that studies have in several series or folders."""
    uid = dicom_instances.c.sop_instance_uid
    several = (
        sa.select(dicom_series.c.study_uuid, uid)
        .join(dicom_instances, dicom_instances.c.series_uuid == dicom_series.c.uuid)
        .where(
            in_keys(dicom_series.c.study_uuid, keys),
            dicom_instances.c.is_current.is_(True),
            sees_series(context.viewer),
        )
        .group_by(dicom_series.c.study_uuid, uid)
        .having(sa.func.count() > 1)
        .order_by(uid)
    )
    repeated: dict[UUID, list[str]] = defaultdict(list)
    for row in await context.database.rows(several, RepeatedUid):
        repeated[row.study_uuid].append(row.sop_instance_uid)
    return [repeated[key][:MAX_UIDS] for key in keys]
