"""Entries whose files are in the folder already: by their URLs, compared exactly (ENC-UPI-12, ENC-UPI-13, SUB-050)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ingestion.unit_plan import UnitPlan
from gateway.catalog.items import locked_items, update_items
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.items import group_members, items
from gateway.models.uploads import uploads


async def existing_items(
    transaction: Transaction, folder_uuid: UUID, plans: Mapping[UUID, UnitPlan]
) -> dict[UUID, UUID]:
    """For each unit whose files are in the folder, the item that it would make again.

    A group is there if one of its kind has files with the same URLs, in the same order unless it is a series.
    """
    single = {uuid: plan.sources[0].object_url for uuid, plan in plans.items() if not plan.is_group}
    files = await _files(transaction, folder_uuid, {url for url in single.values() if url})
    found = {uuid: files[url] for uuid, url in single.items() if url in files}
    groups = {uuid: plan for uuid, plan in plans.items() if plan.is_group and _urls(plan)}
    present = await _groups(transaction, folder_uuid, groups.values()) if groups else {}
    wanted = {
        uuid: (plan.item_type, _compared(plan.item_type, _urls(plan)))
        for uuid, plan in groups.items()
    }
    return found | {uuid: present[key] for uuid, key in wanted.items() if key in present}


async def upsert_metadata(
    transaction: Transaction, user_uuid: UUID | None, metadata: Mapping[UUID, dict[str, Any] | None]
) -> None:
    """Replace the metadata of items that were there; where an entry has none, the item's stays."""
    wanted = {
        uuid: {"client_metadata": given} for uuid, given in metadata.items() if given is not None
    }
    present = {row.uuid: row for row in await locked_items(transaction, wanted.keys())}
    values = {uuid: new for uuid, new in wanted.items() if uuid in present}
    await update_items(transaction, user_uuid, values, present)


async def _files(
    transaction: Transaction, folder_uuid: UUID, urls: Collection[str]
) -> dict[str, UUID]:
    """The items at these URLs, and those that jobs are making of them; the oldest of each."""
    here = items.c.folder_uuid == folder_uuid
    made = sa.select(items.c.url, items.c.uuid).where(
        here, ~items.c.is_tombstone, in_keys(items.c.url, urls)
    )
    expected = sa.select(uploads.c.source_url.label("url"), items.c.uuid).join(
        items, items.c.uuid == uploads.c.item_uuid
    )
    expected = expected.where(
        here, uploads.c.unit_uuid.is_not(None), in_keys(uploads.c.source_url, urls)
    )
    rows = await transaction.rows(made) + await transaction.rows(expected)
    return {row.url: row.uuid for row in sorted(rows, key=lambda row: row.uuid, reverse=True)}


async def _groups(
    transaction: Transaction, folder_uuid: UUID, plans: Collection[UnitPlan]
) -> dict[tuple[StorageItemType, tuple[str, ...]], UUID]:
    """The folder's groups that have one of these files, by what they consist of."""
    member = items.alias()
    urls = {_urls(plan)[0] for plan in plans}
    having = sa.select(group_members.c.group_uuid).join(
        member, member.c.uuid == group_members.c.item_uuid
    )
    chosen = (
        sa.select(items.c.uuid, items.c.item_type, member.c.url)
        .join(group_members, group_members.c.group_uuid == items.c.uuid)
        .join(member, member.c.uuid == group_members.c.item_uuid)
        .where(
            items.c.folder_uuid == folder_uuid,
            items.c.uuid.in_(having.where(in_keys(member.c.url, urls))),
        )
        .order_by(items.c.uuid.desc(), group_members.c.position)
    )
    members: dict[tuple[UUID, StorageItemType], list[str]] = {}
    for row in await transaction.rows(chosen):
        members.setdefault((row.uuid, row.item_type), []).append(row.url or "")
    return {(kind, _compared(kind, found)): uuid for (uuid, kind), found in members.items()}


def _urls(plan: UnitPlan) -> list[str]:
    """The URLs of a plan's files, none if not all have one."""
    urls = [source.object_url for source in plan.sources if source.object_url]
    return urls if len(urls) == len(plan.sources) else []


def _compared(item_type: StorageItemType, urls: Sequence[str]) -> tuple[str, ...]:
    """What two groups have in common if they are the same; the job orders a series by its numbers."""
    return tuple(sorted(urls) if item_type is StorageItemType.DICOM_SERIES else urls)
