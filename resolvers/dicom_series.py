"""DICOM series: how they are resolved, also from the items that group their files."""

import asyncio
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.dicom_visibility import sees_series
from gateway.auth.viewer import Viewer
from gateway.context import Context
from gateway.database.dialects import in_bound_keys
from gateway.execution.compiled.kept_statements import kept_statement
from gateway.execution.declarations import ToMany, ToOne, batch
from gateway.execution.keysets import KEYS
from gateway.execution.loader_resolvers import find_rows
from gateway.models.dicom import (
    dicom_instances,
    dicom_series,
    dicom_studies,
)
from gateway.models.folders import folders
from gateway.models.items import group_members, items
from resolvers.dicom import study_by_uuid
from resolvers.dicom_identity import identifying
from resolvers.dicom_instances import series_of
from resolvers.dicom_tag_matches import matching, prepare_tag_spans
from resolvers.global_ids import id_from
from resolvers.inputs.dicom_tag_matches import DicomSeriesFilter
from resolvers.orders import in_sequence

id_of = id_from("DicomSeries", dicom_series.c.uuid)
description_of = identifying(dicom_series.c.description)
folder_of = ToOne(folders, dicom_series.c.folder_uuid)
series_of_study = ToMany(
    "studySeries",
    dicom_series,
    in_sequence(dicom_series.c.number, dicom_series.c.uuid),
    key=dicom_studies.c.uuid,
    parent=dicom_series.c.study_uuid,
    where=lambda query: [
        sees_series(query.viewer),
        *matching(query.viewer, query.prepared or (), dicom_series.c.uuid, "uuid"),
    ],
    filter_type=DicomSeriesFilter,
    prepare=prepare_tag_spans,
)


class GroupSeries(NamedTuple):
    """An item that groups files, and the series of its first file."""

    item_uuid: UUID
    series_uuid: UUID | None


@kept_statement(GroupSeries)
def series_of_groups(_viewer: Viewer) -> sa.Select[Any]:
    """Return the statement for the series of the first files of groups."""
    first = (
        sa.select(dicom_instances.c.series_uuid)
        .join(group_members, group_members.c.item_uuid == dicom_instances.c.item_uuid)
        .where(group_members.c.group_uuid == items.c.uuid)
        .order_by(group_members.c.position)
        .limit(1)
        .scalar_subquery()
    )
    selected = sa.select(items.c.uuid.label("item_uuid"), first.label("series_uuid"))
    return selected.where(in_bound_keys(items.c.uuid, KEYS))


async def _series_of_groups(context: Context, keys: list[UUID]) -> list[Any]:
    """Return the series of the first files of groups, of those that the viewer can see."""

    async def load(loaded: list[UUID]) -> list[UUID | None]:
        rows = await series_of_groups.rows(context.database, context.viewer, loaded)
        series = {row.item_uuid: row.series_uuid for row in rows}
        return [series.get(key) for key in loaded]

    loads = (context.loaders.load("series of groups", key, load) for key in keys)
    return await find_rows(context, series_of, await asyncio.gather(*loads))


@batch(items.c.uuid)
async def series_of_group(context: Context, keys: list[UUID]) -> list[Any]:
    """Load the series to which the files of groups belong."""
    return await _series_of_groups(context, keys)


@batch(items.c.uuid)
async def study_of_group(context: Context, keys: list[UUID]) -> list[Any]:
    """Load the studies to which the files of groups belong."""
    series = await _series_of_groups(context, keys)
    return await find_rows(context, study_by_uuid, [row and row.study_uuid for row in series])
