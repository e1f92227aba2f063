"""The tags of DICOM instances, as a viewer sees them."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.dicom_visibility import sees_series
from gateway.auth.identity import sees_identity_at, sees_study_identity
from gateway.auth.viewer import Viewer
from gateway.database.dialects import in_keys
from gateway.database.engine import Database
from gateway.dicom.viewed_documents import ViewedDocument
from gateway.errors import DomainError, ErrorCode
from gateway.models.dicom import (
    dicom_headers,
    dicom_instances,
    dicom_series,
    dicom_studies,
    dicom_tags,
)

MAX_INSTANCES = 1000
MAX_SIZE = 64 << 20
"""Bytes of the documents that are read at once, as JSON."""


class StoredDocument(NamedTuple):
    """A row of `dicom_tags`; `document` is None if all documents together are too large."""

    item_uuid: UUID
    document: bytes | None
    corrections: dict[str, Any] | None
    sees_identity: bool


async def read_documents(
    database: Database, viewer: Viewer, item_uuids: Collection[UUID]
) -> dict[UUID, ViewedDocument]:
    """Return the documents of instances that the viewer may see, by the UUIDs of their items.

    Instances whose files were not read yet have none.

    Raises:
        DomainError: `LIMIT_EXCEEDED`, the documents together are too large.
    """
    size = sa.select(sa.func.sum(dicom_tags.c.document_size)).where(
        in_keys(dicom_tags.c.item_uuid, item_uuids)
    )
    corrections = sa.case(
        (sees_study_identity(viewer, dicom_studies.c.uuid), dicom_studies.c.corrections)
    )
    statement = (
        sa.select(
            dicom_tags.c.item_uuid,
            sa.case((size.scalar_subquery() <= MAX_SIZE, dicom_tags.c.document)).label("document"),
            corrections.label("corrections"),
            sees_identity_at(viewer, dicom_series.c.folder_uuid).label("sees_identity"),
        )
        .join(dicom_instances, dicom_instances.c.item_uuid == dicom_tags.c.item_uuid)
        .join(dicom_series, dicom_series.c.uuid == dicom_instances.c.series_uuid)
        .join(dicom_studies, dicom_studies.c.uuid == dicom_series.c.study_uuid)
        .where(in_keys(dicom_tags.c.item_uuid, item_uuids))
    )
    documents = {}
    for row in await database.rows(statement, StoredDocument):
        if row.document is None:
            message = (
                f"The tags of {len(item_uuids):,} instances are more than {MAX_SIZE >> 20} MiB of "
                "JSON, which is the limit. Request fewer `instances` at once."
            )
            raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, ("instances",))
        documents[row.item_uuid] = ViewedDocument(
            row.document, row.corrections or {}, not row.sees_identity
        )
    return documents


class EarliestInstance(NamedTuple):
    """The earliest instance of a series or study that the viewer sees."""

    parent: UUID
    item_uuid: UUID
    sees_identity: bool


async def read_series_documents(
    database: Database, viewer: Viewer, series: Collection[UUID]
) -> dict[UUID, ViewedDocument]:
    """Return the documents of the earliest instances of series, by the UUIDs of these.

    Raises:
        DomainError: as `read_documents` does.
    """
    seen = sees_identity_at(viewer, dicom_series.c.folder_uuid)
    return await _read_earliest(database, viewer, dicom_series.c.uuid, series, seen)


async def read_study_documents(
    database: Database, viewer: Viewer, studies: Collection[UUID]
) -> dict[UUID, ViewedDocument]:
    """Return the documents of the earliest visible instances of studies, by the UUIDs of these.

    They are masked if any part of the study is, as the other attributes of studies are.

    Raises:
        DomainError: as `read_documents` does.
    """
    seen = sees_study_identity(viewer, dicom_series.c.study_uuid)
    return await _read_earliest(database, viewer, dicom_series.c.study_uuid, studies, seen)


async def _read_earliest(
    database: Database,
    viewer: Viewer,
    parent: sa.Column[UUID],
    keys: Collection[UUID],
    seen: sa.ColumnElement[bool],
) -> dict[UUID, ViewedDocument]:
    """Return the documents of the earliest instances whose series have a key in a column."""
    item = dicom_headers.c.first_item_uuid
    placed = (
        sa.select(
            parent.label("parent"),
            item.label("item_uuid"),
            seen.label("sees_identity"),
            sa.func.row_number().over(partition_by=parent, order_by=item).label("place"),
        )
        .join(dicom_series, dicom_series.c.uuid == dicom_headers.c.series_uuid)
        .where(in_keys(parent, keys), item.is_not(None), sees_series(viewer))
        .subquery()
    )
    columns = [placed.c[name] for name in EarliestInstance._fields]
    chosen = sa.select(*columns).where(placed.c.place == 1)
    rows = await database.rows(chosen, EarliestInstance)
    documents = await read_documents(database, viewer, {row.item_uuid for row in rows})
    return {
        row.parent: replace(documents[row.item_uuid], is_masked=not row.sees_identity)
        for row in rows
        if row.item_uuid in documents
    }


class InstanceSum(NamedTuple):
    """A series or study with its number of visible instances."""

    parent: UUID
    instances: int


class CurrentInstance(NamedTuple):
    """A current instance of a series or study."""

    parent: UUID
    item_uuid: UUID


async def current_instances(
    database: Database, viewer: Viewer, parent: sa.Column[UUID], keys: Collection[UUID]
) -> dict[UUID, list[UUID]]:
    """Return the items of the current visible instances of series or studies, in their order.

    Args:
        database: where they are read.
        viewer: who sees them.
        parent: the column of `dicom_series` with the keys of series or studies.
        keys: those keys.

    Raises:
        DomainError: `LIMIT_EXCEEDED`, one has more than 1,000.
    """
    visible = in_keys(parent, keys), sees_series(viewer)
    total = sa.cast(sa.func.sum(dicom_series.c.instances), sa.BigInteger)
    sums = sa.select(parent.label("parent"), total.label("instances")).where(*visible)
    large = sums.group_by(parent).having(total > MAX_INSTANCES).limit(1)
    for row in await database.rows(large, InstanceSum):
        message = (
            f"There are {row.instances:,} instances; at most {MAX_INSTANCES:,} are returned at "
            "once. Request pages of `instances` instead."
        )
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, ("instances",))
    chosen = (
        sa.select(parent.label("parent"), dicom_instances.c.item_uuid)
        .join(dicom_series, dicom_series.c.uuid == dicom_instances.c.series_uuid)
        .where(*visible, dicom_instances.c.is_current.is_(True))
        .order_by(
            dicom_series.c.number.nulls_last(),
            dicom_series.c.uuid,
            dicom_instances.c.number.nulls_last(),
            dicom_instances.c.sop_instance_uid,
        )
    )
    by_parent: dict[UUID, list[UUID]] = {key: [] for key in keys}
    for instance in await database.rows(chosen, CurrentInstance):
        by_parent[instance.parent].append(instance.item_uuid)
    return by_parent
