"""Tags by which DICOM studies are filtered: how they are resolved."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.job_visibility import sees_indexing
from gateway.auth.viewer import Viewer
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.dicom.dictionary import entry_of
from gateway.execution.declarations import Computed, ToOne, batch
from gateway.kinds.enums import DicomTagIndexStatus
from gateway.models.dicom_indexed_tags import (
    DicomIndexedTagRecord,
    dicom_indexed_tags,
    dicom_tag_values,
)
from gateway.models.jobs import jobs
from resolvers.global_ids import id_from


def is_indexed(_viewer: Viewer) -> sa.ColumnElement[bool]:
    """Return the condition that a tag was not removed; everyone may know which are indexed."""
    return ~dicom_indexed_tags.c.is_removed


id_of = id_from("DicomIndexedTag", dicom_indexed_tags.c.uuid)
indexed_tag_by_uuid = ToOne(dicom_indexed_tags, "indexed_tag_uuid", access=is_indexed)
indexed_tag_of_job = ToOne(
    dicom_indexed_tags, jobs.c.uuid, dicom_indexed_tags.c.job_uuid, access=is_indexed
)
job_of = ToOne(jobs, dicom_indexed_tags.c.job_uuid, access=sees_indexing)
indexing_by_uuid = ToOne(jobs, "job_uuid", access=sees_indexing)
creator_of = Computed(
    (dicom_indexed_tags.c.private_creator,), lambda row: row.private_creator or None
)
keyword_of = Computed(
    (dicom_indexed_tags.c.tag,),
    lambda row: (entry := entry_of(row.tag.rpartition(":")[2])) and entry.keyword,
)
status_of = Computed(
    (dicom_indexed_tags.c.is_filled,),
    lambda row: DicomTagIndexStatus.READY if row.is_filled else DicomTagIndexStatus.FILLING,
)


async def all_indexed_tags(context: Context) -> list[DicomIndexedTagRecord]:
    """The tags by which DICOM studies can be filtered, at most 64, in the order of addition."""
    chosen = sa.select(dicom_indexed_tags).where(is_indexed(context.viewer))
    ordered = chosen.order_by(dicom_indexed_tags.c.created_at, dicom_indexed_tags.c.uuid)
    return await context.database.rows(ordered, DicomIndexedTagRecord)


class UnindexedSum(NamedTuple):
    """An indexed tag and the number of instances with values that could not be indexed."""

    indexed_tag_uuid: UUID
    total: int


@batch(dicom_indexed_tags.c.uuid, work=5)
async def unindexed_of(context: Context, keys: list[UUID]) -> Sequence[int | None]:
    """Count the instances with values that could not be indexed, for site admins."""
    if not context.viewer.administers_site:
        return [None] * len(keys)
    total = sa.cast(sa.func.sum(dicom_tag_values.c.instances), sa.BigInteger).label("total")
    sums = (
        sa.select(dicom_tag_values.c.indexed_tag_uuid, total)
        .where(
            in_keys(dicom_tag_values.c.indexed_tag_uuid, keys), dicom_tag_values.c.value_key == ""
        )
        .group_by(dicom_tag_values.c.indexed_tag_uuid)
    )
    rows = await context.database.rows(sums, UnindexedSum)
    totals = {row.indexed_tag_uuid: row.total for row in rows}
    return [totals.get(key, 0) for key in keys]
