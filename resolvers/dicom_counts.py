"""Counts of DICOM studies, and what follows from them: of the parts that the viewer sees."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.dicom_visibility import sees_series
from gateway.auth.viewer import Viewer
from gateway.context import Context
from gateway.database.dialects import in_bound_keys
from gateway.execution.compiled.kept_statements import KeptStatement, kept_statement
from gateway.execution.declarations import Computed, SameRow, batch
from gateway.execution.keysets import KEYS
from gateway.kinds.enums import DicomAvailability, JobKind, JobStatus
from gateway.models.dicom import dicom_series, dicom_studies, study_attachments
from gateway.models.items import items
from gateway.models.jobs import jobs
from resolvers.dicom_stored_files import stored_files
from resolvers.dicom_study_scopes import is_visible

CountFiles = Annotated[
    bool,
    strawberry.argument(
        description="Whether to count the files in the store, which takes a request for each. At "
        "most 1,000 files in all; for more, the query fails with `LIMIT_EXCEEDED`."
    ),
]


@dataclass(frozen=True, slots=True)
class StudyCounts:
    """Numbers of the parts of a study that the viewer sees."""

    series: int
    instances: int
    superseded: int
    frames: int
    attachments: int
    file_size: int
    files: int | None


class SeriesSums(NamedTuple):
    """Sums over the visible series of a study that have the same modality."""

    study_uuid: UUID
    modality: str | None
    series: int
    instances: int
    superseded: int
    frames: int
    file_size: int


class AttachmentCount(NamedTuple):
    """The number of a study's attachments that the viewer sees."""

    study_uuid: UUID
    total: int


class ReceivingStudy(NamedTuple):
    """A study that a running upload job changes."""

    study_uuid: UUID


counts_of_series = SameRow()
bytes_of = Computed(("file_size",), lambda counts: counts.file_size)
bytes_of_series = Computed((dicom_series.c.file_size,), lambda row: row.file_size)


@kept_statement(SeriesSums)
def sums_of_studies(viewer: Viewer) -> sa.Select[Any]:
    summed = (
        dicom_series.c.instances,
        dicom_series.c.superseded,
        dicom_series.c.frames,
        dicom_series.c.file_size,
    )
    sums = [sa.cast(sa.func.sum(each), sa.BigInteger).label(each.key) for each in summed]
    modality = dicom_series.c.modality
    return (
        sa.select(dicom_series.c.study_uuid, modality, sa.func.count().label("series"), *sums)
        .where(
            in_bound_keys(dicom_series.c.study_uuid, KEYS),
            is_visible(viewer, dicom_series.c.folder_uuid),
        )
        .group_by(dicom_series.c.study_uuid, modality)
        .order_by(modality)
    )


async def _sums(context: Context, keys: list[UUID]) -> list[list[SeriesSums]]:
    """Return the sums of studies by modality, which several fields share."""

    async def load(lists: list[tuple[UUID, ...]]) -> list[list[list[SeriesSums]]]:
        by_study: dict[UUID, list[SeriesSums]] = defaultdict(list)
        uuids = {*chain(*lists)}
        for sums in await sums_of_studies.rows(context.database, context.viewer, uuids):
            by_study[sums.study_uuid].append(sums)
        return [[by_study[key] for key in each] for each in lists]

    # Fields ask for the sums of the same studies.
    sums: list[list[SeriesSums]] = await context.loaders.load("sums of studies", tuple(keys), load)
    return sums


@batch(dicom_studies.c.uuid)
async def modalities_of(context: Context, keys: list[UUID]) -> list[list[str]]:
    """Load the modalities of studies, in alphabetical order."""
    sums = await _sums(context, keys)
    return [[each.modality for each in of_study if each.modality] for of_study in sums]


@kept_statement(ReceivingStudy)
def receiving_studies(viewer: Viewer) -> sa.Select[Any]:
    began = (
        sa.select(sa.func.min(jobs.c.created_at))
        .where(
            jobs.c.folder_uuid == dicom_series.c.folder_uuid,
            jobs.c.kind == JobKind.UPLOAD,
            jobs.c.status == JobStatus.PENDING,
        )
        .scalar_subquery()
    )
    changing = sa.select(dicom_series.c.study_uuid).where(
        in_bound_keys(dicom_series.c.study_uuid, KEYS),
        sees_series(viewer),
        dicom_series.c.last_edited_at >= began,
    )
    return changing.distinct()


@batch(dicom_studies.c.uuid)
async def availability_of(context: Context, keys: list[UUID]) -> list[DicomAvailability]:
    """Load whether studies are complete and can be read."""
    rows = await receiving_studies.rows(context.database, context.viewer, keys)
    receiving = {row.study_uuid for row in rows}
    states: list[DicomAvailability] = []
    for key, of_study in zip(keys, await _sums(context, keys), strict=True):
        if key in receiving:
            states.append(DicomAvailability.RECEIVING)
        elif of_study and not any(each.instances for each in of_study):
            states.append(DicomAvailability.UNAVAILABLE)
        else:
            states.append(DicomAvailability.AVAILABLE)
    return states


_attachments_of_studies = KeptStatement(
    lambda viewer: (
        sa.select(study_attachments.c.study_uuid, sa.func.count().label("total"))
        .join(items, items.c.uuid == study_attachments.c.item_uuid)
        .where(
            in_bound_keys(study_attachments.c.study_uuid, KEYS),
            is_visible(viewer, items.c.folder_uuid),
        )
        .group_by(study_attachments.c.study_uuid)
    ),
    AttachmentCount,
)


@batch(dicom_studies.c.uuid, work=5)
async def counts_of(
    context: Context, keys: list[UUID], *, count_files: CountFiles = False
) -> Sequence[StudyCounts]:
    """Load the counts of studies; with `count_files` also from the store."""
    sums = await _sums(context, keys)
    attached = dict(await _attachments_of_studies.rows(context.database, context.viewer, keys))
    files = await stored_files(context, keys) if count_files else {}
    return [
        StudyCounts(
            series=sum(each.series for each in of_study),
            instances=sum(each.instances for each in of_study),
            superseded=sum(each.superseded for each in of_study),
            frames=sum(each.frames for each in of_study),
            attachments=attached.get(key, 0),
            file_size=sum(each.file_size for each in of_study),
            files=files.get(key, 0) if count_files else None,
        )
        for key, of_study in zip(keys, sums, strict=True)
    ]
