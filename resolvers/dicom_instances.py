"""DICOM instances: how they are resolved."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.dicom_visibility import sees_instance, sees_series
from gateway.auth.viewer import Viewer
from gateway.catalog.dicom_study_keys import in_scope
from gateway.catalog.rules.dicom_values import check_uid
from gateway.context import Context
from gateway.database.dialects import in_bound_keys, in_keys
from gateway.error_texts import sized
from gateway.errors import DomainError, ErrorCode, bad_input
from gateway.execution.compiled.kept_statements import kept_statement
from gateway.execution.declarations import (
    Argument,
    Computed,
    EdgeQuery,
    KeyedRows,
    Orders,
    ToMany,
    ToOne,
    batch,
)
from gateway.execution.keysets import KEYS
from gateway.kinds.downloads import SignedUrlDisposition
from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.thumbnail_sizes import ThumbnailSize
from gateway.models.dicom import dicom_instances, dicom_series, dicom_studies
from gateway.models.items import items
from gateway.stores.base import SignedRequest
from resolvers.dicom_instance_matches import instances_with_tags
from resolvers.global_ids import id_from
from resolvers.identity import is_restricted
from resolvers.inputs.dicom import DicomInstanceFilter
from resolvers.orders import in_sequence
from resolvers.signed_files import Disposition, ServedFile, sign_files
from resolvers.signed_urls import Lifetime
from resolvers.thumbnails import Frame, SignedThumbnail, Size, picture_key, thumbnail_of

MAX_UIDS = 1000
MAX_VERSIONS = 100

id_of = id_from("DicomInstance", dicom_instances.c.item_uuid)
sop_class_of = Computed((dicom_instances.c.sop_class_uid,), lambda row: row.sop_class_uid)
item_of = ToOne(items, dicom_instances.c.item_uuid)
series_of = ToOne(dicom_series, dicom_instances.c.series_uuid, access=sees_series)
instance_of_item = ToOne(
    dicom_instances, items.c.uuid, dicom_instances.c.item_uuid, access=sees_instance
)


INCLUDE_SUPERSEDED = Argument(
    "include_superseded",
    bool,
    False,
    "Whether to include earlier versions, and tombstones. Instances with the same number are then "
    "in the order in which their files were added.",
)


def current_only(query: EdgeQuery) -> list[sa.ColumnElement[bool]]:
    """Return the condition that instances are current, unless an argument includes the others."""
    if query.arguments["include_superseded"]:
        return []
    return [dicom_instances.c.is_current.is_(True)]


def _filter_conditions(query: EdgeQuery) -> Sequence[sa.ColumnElement[bool]]:
    """Return the conditions of a `DicomInstanceFilter` and of what the viewer sees."""
    filter: DicomInstanceFilter | None = query.filter
    if filter is None or filter == DicomInstanceFilter():
        raise bad_input("Set at least one field.", "filter")
    conditions = in_scope(query.viewer, dicom_series.c.folder_uuid, filter.folder_uuid)
    for uids, column, name in (
        (filter.sop_instance_uids, dicom_instances.c.sop_instance_uid, "sopInstanceUids"),
        (filter.series_uids, dicom_series.c.series_uid, "seriesUids"),
        (filter.study_uids, dicom_studies.c.study_uid, "studyUids"),
    ):
        if uids is None:
            continue
        _check_size(uids, name)
        for number, uid in enumerate(uids):
            check_uid(uid, "filter", name, number)
        if column.table is dicom_studies:
            studies = sa.select(dicom_studies.c.uuid).where(in_keys(column, uids))
            conditions.append(dicom_series.c.study_uuid.in_(studies))
        else:
            conditions.append(in_keys(column, uids))
    if query.prepared is not None:
        conditions.append(in_keys(dicom_instances.c.item_uuid, query.prepared))
    if filter.item_uuids is not None:
        _check_size(filter.item_uuids, "itemUuids")
        conditions.append(in_keys(dicom_instances.c.item_uuid, filter.item_uuids))
    return [*conditions, *current_only(query)]


def _check_size(entries: Collection[Any], name: str) -> None:
    if len(entries) > MAX_UIDS:
        message = sized(name, 0, MAX_UIDS, len(entries), "entries")
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, ("filter", name))


_with_series = dicom_instances.join(
    dicom_series, dicom_series.c.uuid == dicom_instances.c.series_uuid
)
_by_number = in_sequence(dicom_instances.c.number, dicom_instances.c.item_uuid)
instance_search = ToMany(
    "dicomInstances",
    dicom_instances,
    _by_number,
    source=_with_series,
    where=_filter_conditions,
    filter_type=DicomInstanceFilter,
    prepare=instances_with_tags,
    requires_filter=True,
    arguments=(INCLUDE_SUPERSEDED,),
)
instances_of_series = ToMany(
    "seriesInstances",
    dicom_instances,
    Orders(
        _by_number.columns,
        _by_number.default,
        dicom_instances.c.item_uuid,
        # Among the current instances of a series, each UID occurs once.
        last_of=lambda query: (
            dicom_instances.c.item_uuid
            if query.arguments["include_superseded"]
            else dicom_instances.c.sop_instance_uid
        ),
    ),
    key=dicom_series.c.uuid,
    parent=dicom_instances.c.series_uuid,
    where=current_only,
    arguments=(INCLUDE_SUPERSEDED,),
    fixed=(dicom_instances.c.is_current,),
)


def _conditions_in_study(query: EdgeQuery) -> list[sa.ColumnElement[bool]]:
    uid = query.arguments["series_uid"]
    conditions = [sees_series(query.viewer), *current_only(query)]
    if uid is not None:
        conditions.append(dicom_series.c.series_uid == check_uid(uid, "seriesUid"))
    return conditions


instances_of_study = ToMany(
    "studyInstances",
    dicom_instances,
    _by_number,
    key=dicom_studies.c.uuid,
    parent=dicom_series.c.study_uuid,
    source=_with_series,
    where=_conditions_in_study,
    arguments=(
        Argument(
            "series_uid",
            str | None,
            None,
            "Only instances of the series with this Series Instance UID (0020,000E).",
        ),
        INCLUDE_SUPERSEDED,
    ),
)


class VersionRow(NamedTuple):
    """A version of an instance."""

    series_uuid: UUID
    sop_instance_uid: str
    item_uuid: UUID


@kept_statement(VersionRow)
def newest_versions(_viewer: Viewer) -> sa.Select[Any]:
    """Return the statement for the versions of instances, the newest first."""
    place = sa.func.row_number().over(
        partition_by=(dicom_instances.c.series_uuid, dicom_instances.c.sop_instance_uid),
        order_by=(dicom_instances.c.is_current.desc(), dicom_instances.c.item_uuid.desc()),
    )
    placed = (
        sa.select(*(dicom_instances.c[name] for name in VersionRow._fields), place.label("place"))
        .where(
            in_bound_keys(dicom_instances.c.series_uuid, KEYS),
            in_bound_keys(dicom_instances.c.sop_instance_uid, "sop_instance_uids"),
        )
        .subquery()
    )
    columns = [column for column in placed.c if column.key != "place"]
    return sa.select(*columns).where(placed.c.place <= MAX_VERSIONS).order_by(placed.c.place)


@batch(
    dicom_instances.c.series_uuid,
    dicom_instances.c.sop_instance_uid,
    rows=KeyedRows(
        ToOne(dicom_instances, "item_uuid", dicom_instances.c.item_uuid), leaves_out=True
    ),
)
async def versions_of(context: Context, keys: list[tuple[UUID, str]]) -> list[list[UUID]]:
    """Load the versions of instances, the newest first."""
    series, uids = {series for series, _ in keys}, {uid for _, uid in keys}
    rows = await newest_versions.rows(
        context.database, context.viewer, series, sop_instance_uids=list(uids)
    )
    versions: dict[tuple[UUID, str], list[UUID]] = defaultdict(list)
    for row in rows:
        versions[row.series_uuid, row.sop_instance_uid].append(row.item_uuid)
    return [versions[key] for key in keys]


class InstanceFile(NamedTuple):
    """The columns of an instance's item by which its file is served, unless it is restricted."""

    uuid: UUID
    sha256: str | None
    object_key: str | None
    url: str | None
    name: str
    item_type: StorageItemType
    mime_type: str | None
    text_encoding: str | None
    is_tombstone: bool
    is_placeholder: bool
    integration_uuid: UUID | None
    picture_key: str | None
    is_restricted: bool


@kept_statement(InstanceFile)
def files_of_items(viewer: Viewer) -> sa.Select[Any]:
    """Return the statement for the files of items."""
    columns = [items.c[name] for name in InstanceFile._fields[:-2]]
    of_viewer = [
        column.expression(viewer).label(column.key) for column in (picture_key, is_restricted)
    ]
    return sa.select(*columns, *of_viewer).where(in_bound_keys(items.c.uuid, KEYS))


async def _files(context: Context, keys: list[UUID]) -> list[InstanceFile]:
    """Return the files of instances, which several fields share."""

    async def load(loaded: list[UUID]) -> list[InstanceFile]:
        rows = await files_of_items.rows(context.database, context.viewer, loaded)
        files = {row.uuid: row for row in rows}
        return [files[key] for key in loaded]

    loads = (context.loaders.load("instance files", key, load) for key in keys)
    files: list[InstanceFile] = await asyncio.gather(*loads)
    return files


@batch(dicom_instances.c.item_uuid)
async def version_of(context: Context, keys: list[UUID]) -> list[str | None]:
    """Load the SHA-256 of the files of instances."""
    return [file.sha256 for file in await _files(context, keys)]


@batch(dicom_instances.c.item_uuid, work=5)
async def signed_url_of_instance(
    context: Context,
    keys: list[UUID],
    *,
    lifetime: Lifetime = None,
    disposition: Disposition = SignedUrlDisposition.ATTACHMENT,
) -> Sequence[SignedRequest | None]:
    """Sign URLs of the files of instances."""
    files = [
        ServedFile(*(getattr(file, name) for name in ServedFile._fields))
        for file in await _files(context, keys)
    ]
    return await sign_files(context, files, lifetime, disposition)


@batch(dicom_instances.c.item_uuid, work=5)
async def thumbnail_of_instance(
    context: Context,
    keys: list[UUID],
    *,
    size: Size = ThumbnailSize.SMALL,
    frame: Frame = None,
) -> Sequence[SignedThumbnail | None]:
    """Sign the URLs of thumbnails of instances; those that are not made yet are requested."""
    files = await _files(context, keys)
    values = [tuple(getattr(file, name) for name in thumbnail_of.key_names) for file in files]
    signed: Sequence[SignedThumbnail | None] = await thumbnail_of.load(
        context, values, size=size, frame=frame
    )
    return signed
