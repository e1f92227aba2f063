"""Deletion of single DICOM instances, with all their versions."""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.dicom_visibility import sees_series
from gateway.auth.viewer import Viewer
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.dicom import dicom_instances, dicom_series
from gateway.models.items import group_members, items


class InstanceItem(NamedTuple):
    """The item of a version of an instance."""

    item_uuid: UUID
    sop_instance_uid: str
    folder_uuid: UUID


class _GroupRow(NamedTuple):
    uuid: UUID


async def find_versions(
    transaction: Transaction, viewer: Viewer, study_uuid: UUID, sop_instance_uids: Sequence[str]
) -> list[InstanceItem]:
    """Return the items of all versions of instances of a study that the viewer sees."""
    chosen = (
        sa.select(
            dicom_instances.c.item_uuid,
            dicom_instances.c.sop_instance_uid,
            dicom_series.c.folder_uuid,
        )
        .join(dicom_series, dicom_series.c.uuid == dicom_instances.c.series_uuid)
        .where(
            dicom_series.c.study_uuid == study_uuid,
            in_keys(dicom_instances.c.sop_instance_uid, sop_instance_uids),
            sees_series(viewer),
        )
    )
    return await transaction.rows(chosen, InstanceItem)


async def emptied_series(transaction: Transaction, item_uuids: Collection[UUID]) -> list[UUID]:
    """Return the items that group a DICOM series, all of whose members are among the items."""
    other = group_members.alias()
    has_other_member = sa.exists().where(
        other.c.group_uuid == items.c.uuid, sa.not_(in_keys(other.c.item_uuid, item_uuids))
    )
    chosen = (
        sa.select(items.c.uuid)
        .join(group_members, group_members.c.group_uuid == items.c.uuid)
        .where(
            in_keys(group_members.c.item_uuid, item_uuids),
            items.c.item_type == StorageItemType.DICOM_SERIES,
            ~has_other_member,
        )
        .distinct()
    )
    return [row.uuid for row in await transaction.rows(chosen, _GroupRow)]
