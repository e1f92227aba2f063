"""Duplicates: items that a folder already has for the URLs of a unit. URLs are compared exactly."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ingestion.unit_plan import UnitPlan
from gateway.catalog.items import lock_items, update_items
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.items import group_members, items
from gateway.models.uploads import uploads

GroupKey = tuple[StorageItemType, tuple[str, ...]]
"""The kind of a group and the URLs of its files: groups with the same key are duplicates."""


class _ItemUrl(NamedTuple):
    url: str
    uuid: UUID


class _MemberUrl(NamedTuple):
    uuid: UUID
    item_type: StorageItemType
    url: str | None


async def existing_items(
    transaction: Transaction, folder_uuid: UUID, plans: Mapping[UUID, UnitPlan]
) -> dict[UUID, UUID]:
    """Return the item that the folder already has for each unit, by unit.

    A group exists if one of its kind has files with the same URLs, in the same order unless it is
    a DICOM series.
    """
    urls = {uuid: plan.urls for uuid, plan in plans.items() if plan.urls}
    files = await files_by_url(
        transaction, folder_uuid, {urls[uuid][0] for uuid in urls if not plans[uuid].is_group}
    )
    first_urls = {urls[uuid][0] for uuid in urls if plans[uuid].is_group}
    groups = await groups_by_key(transaction, folder_uuid, first_urls) if first_urls else {}
    existing = {
        uuid: groups.get(_group_key(plans[uuid].item_type, urls[uuid]))
        if plans[uuid].is_group
        else files.get(urls[uuid][0])
        for uuid in urls
    }
    return {uuid: item for uuid, item in existing.items() if item}


async def upsert_metadata(
    transaction: Transaction, user_uuid: UUID | None, metadata: Mapping[UUID, dict[str, Any] | None]
) -> None:
    """Replace the metadata of existing items, by item, except where the new metadata is None."""
    given = {uuid: values for uuid, values in metadata.items() if values is not None}
    locked = await lock_items(transaction, given.keys())
    rows = {row.uuid: row for row in locked}
    changes = {uuid: {"client_metadata": given[uuid]} for uuid in given if uuid in rows}
    await update_items(transaction, user_uuid, changes, rows)


async def files_by_url(
    transaction: Transaction, folder_uuid: UUID, urls: Collection[str]
) -> dict[str, UUID]:
    """Return the folder's oldest item for each URL, including items that jobs are processing."""
    in_folder = items.c.folder_uuid == folder_uuid
    finished = sa.select(items.c.url, items.c.uuid).where(
        in_folder, ~items.c.is_tombstone, in_keys(items.c.url, urls)
    )
    processing = (
        sa.select(uploads.c.source_url.label("url"), items.c.uuid)
        .join(items, items.c.uuid == uploads.c.item_uuid)
        .where(in_folder, uploads.c.unit_uuid.is_not(None), in_keys(uploads.c.source_url, urls))
    )
    rows = await transaction.rows(finished, _ItemUrl)
    rows += await transaction.rows(processing, _ItemUrl)
    # UUIDs ascend with time, and the last entry of a key wins.
    return {row.url: row.uuid for row in sorted(rows, key=lambda row: row.uuid, reverse=True)}


async def groups_by_key(
    transaction: Transaction, folder_uuid: UUID, urls: Collection[str]
) -> dict[GroupKey, UUID]:
    """Return the folder's oldest group for each key, of the groups with a file at these URLs."""
    member = items.alias()
    with_file = (
        sa.select(group_members.c.group_uuid)
        .join(member, member.c.uuid == group_members.c.item_uuid)
        .where(in_keys(member.c.url, urls))
    )
    members = (
        sa.select(items.c.uuid, items.c.item_type, member.c.url)
        .join(group_members, group_members.c.group_uuid == items.c.uuid)
        .join(member, member.c.uuid == group_members.c.item_uuid)
        .where(items.c.folder_uuid == folder_uuid, items.c.uuid.in_(with_file))
        .order_by(items.c.uuid.desc(), group_members.c.position)
    )
    groups: dict[tuple[UUID, StorageItemType], list[str]] = {}
    for row in await transaction.rows(members, _MemberUrl):
        groups.setdefault((row.uuid, row.item_type), []).append(row.url or "")
    return {
        _group_key(item_type, members_urls): uuid
        for (uuid, item_type), members_urls in groups.items()
    }


def _group_key(item_type: StorageItemType, urls: Sequence[str]) -> GroupKey:
    """Return the key of a group. The files of a series are ordered by number, not by request."""
    is_series = item_type is StorageItemType.DICOM_SERIES
    return item_type, tuple(sorted(urls) if is_series else urls)
