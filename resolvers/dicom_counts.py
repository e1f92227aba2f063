"""Counts of DICOM studies, and what follows from them: of the parts that the viewer sees."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.visibility import sees_item, sees_series
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.execution.declarations import Computed, SameRow, batch
from gateway.kinds.enums import DicomAvailability, JobKind, JobStatus
from gateway.models.dicom import dicom_series, dicom_studies, study_attachments
from gateway.models.items import items
from gateway.models.jobs import jobs
from resolvers.dicom_stored_files import stored_files

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
    """Number of the visible attachments of a study."""

    study_uuid: UUID
    attachments: int


class ReceivingStudy(NamedTuple):
    """A study that a running upload job changes."""

    study_uuid: UUID


counts_of_series = SameRow()
bytes_of = Computed(("file_size",), lambda counts: counts.file_size)
bytes_of_series = Computed((dicom_series.c.file_size,), lambda row: row.file_size)


async def _sums(context: Context, keys: list[UUID]) -> list[list[SeriesSums]]:
    """Return the sums of studies by modality, which several fields share."""

    async def load(loaded: list[UUID]) -> list[list[SeriesSums]]:
        summed = (
            dicom_series.c.instances,
            dicom_series.c.superseded,
            dicom_series.c.frames,
            dicom_series.c.file_size,
        )
        statement = (
            sa.select(
                dicom_series.c.study_uuid,
                dicom_series.c.modality,
                sa.func.count().label("series"),
                *(sa.cast(sa.func.sum(each), sa.BigInteger).label(each.key) for each in summed),
            )
            .where(in_keys(dicom_series.c.study_uuid, loaded), sees_series(context.viewer))
            .group_by(dicom_series.c.study_uuid, dicom_series.c.modality)
            .order_by(dicom_series.c.modality)
        )
        by_study: dict[UUID, list[SeriesSums]] = defaultdict(list)
        for row in await context.database.rows(statement, SeriesSums):
            by_study[row.study_uuid].append(row)
        return [by_study[key] for key in loaded]

    loads = (context.loaders.load("sums of studies", key, load) for key in keys)
    sums: list[list[SeriesSums]] = await asyncio.gather(*loads)
    return sums


@batch(dicom_studies.c.uuid)
async def modalities_of(context: Context, keys: list[UUID]) -> list[list[str]]:
    """Load the modalities of studies, in alphabetical order."""
    sums = await _sums(context, keys)
    return [[each.modality for each in of_study if each.modality] for of_study in sums]


@batch(dicom_studies.c.uuid)
async def availability_of(context: Context, keys: list[UUID]) -> list[DicomAvailability]:
    """Load whether studies are complete and can be read."""
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
        in_keys(dicom_series.c.study_uuid, keys),
        sees_series(context.viewer),
        dicom_series.c.last_edited_at >= began,
    )
    rows = await context.database.rows(changing.distinct(), ReceivingStudy)
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


async def _attachments(context: Context, keys: list[UUID]) -> dict[UUID, int]:
    """Return the numbers of attachments of the studies that have any."""
    statement = (
        sa.select(study_attachments.c.study_uuid, sa.func.count().label("attachments"))
        .join(items, items.c.uuid == study_attachments.c.item_uuid)
        .where(in_keys(study_attachments.c.study_uuid, keys), sees_item(context.viewer))
        .group_by(study_attachments.c.study_uuid)
    )
    rows = await context.database.rows(statement, AttachmentCount)
    return {row.study_uuid: row.attachments for row in rows}


@batch(dicom_studies.c.uuid, work=5)
async def counts_of(
    context: Context, keys: list[UUID], *, count_files: CountFiles = False
) -> Sequence[StudyCounts]:
    """Load the counts of studies; with `count_files` also from the store."""
    sums, attached = await _sums(context, keys), await _attachments(context, keys)
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
