"""How items answer."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import sqlalchemy as sa
import strawberry
import structlog

from gateway.auth.visibility import sees_dataset, sees_item
from gateway.catalog.ingestion.placeholders import UNNAMED_TYPE
from gateway.catalog.integrations import find_integrations
from gateway.clouds.base import ObjectLocation
from gateway.clouds.cloud import Cloud
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.errors import bad_input
from gateway.execution.declarations import (
    Aggregate,
    Argument,
    Batch,
    Computed,
    EdgeQuery,
    Lookup,
    SameRow,
    ToMany,
    ToOne,
)
from gateway.fetching.errors import FetchError
from gateway.ids import global_id
from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.models.datasets import data_rows, datasets
from gateway.models.folders import folders
from gateway.models.items import group_members, items
from gateway.models.people import users
from gateway.stores.base import SignedRequest, expires_after
from resolvers.filters import SCOPE, item_search_conditions
from resolvers.inputs.lists import StorageItemFilter
from resolvers.orders import ITEM_ORDERS, by_name, in_sequence

MAX_RELATED = 1000
MAX_FRAMES = 10_000
MIN_LIFETIME, MAX_LIFETIME = 60, 7 * 24 * 3600

log = structlog.get_logger(__name__)
_group = items.alias("group_item")


class SignedUrlUnavailableReason(StrEnum):
    """Reason why an item has no signed URL."""

    NOT_A_SINGLE_OBJECT = "NOT_A_SINGLE_OBJECT"
    NOT_YET_STORED = "NOT_YET_STORED"
    TOMBSTONE = "TOMBSTONE"
    STORE_UNREACHABLE = "STORE_UNREACHABLE"


def _unavailable(
    url: str | None, gone: bool, item_type: StorageItemType
) -> SignedUrlUnavailableReason | None:
    if gone:
        return SignedUrlUnavailableReason.TOMBSTONE
    if url is not None:
        return None
    if ITEM_KINDS[item_type].always_has_object:
        return SignedUrlUnavailableReason.NOT_YET_STORED
    return SignedUrlUnavailableReason.NOT_A_SINGLE_OBJECT


def _member_conditions(asked: EdgeQuery) -> Sequence[sa.ColumnElement[bool]]:
    frames = asked.arguments.get("frames")
    if frames is None:
        return [sees_item(asked.viewer)]
    if len(frames) > MAX_FRAMES:
        raise bad_input(f"At most {MAX_FRAMES} frames can be asked for at once.", "frames")
    return [sees_item(asked.viewer), group_members.c.position.in_(frames)]


id_of = Computed((items.c.uuid,), lambda row: global_id("StorageItem", row.uuid))
item_by_uuid = ToOne(items, "item_uuid", access=sees_item)
item_lookup = Lookup(item_by_uuid, "uuid", "The item's uuid.")
folder_of = ToOne(folders, items.c.folder_uuid)
owner_of = ToOne(users, items.c.owner_uuid)
same_item = SameRow()
data_row_count = Aggregate(items.c.uuid, data_rows.c.item_uuid, sa.func.count(), data_rows)
group_count = Aggregate(
    items.c.uuid,
    group_members.c.item_uuid,
    sa.func.count(sa.distinct(group_members.c.group_uuid)),
    group_members,
)
dataset_count = Aggregate(
    items.c.uuid,
    data_rows.c.item_uuid,
    sa.func.count(sa.distinct(data_rows.c.dataset_uuid)),
    data_rows,
)
member_count = Aggregate(items.c.uuid, group_members.c.group_uuid, sa.func.count(), group_members)
children_of = ToMany(
    "children",
    items,
    in_sequence(group_members.c.position, items.c.uuid),
    key=items.c.uuid,
    parent=group_members.c.group_uuid,
    source=items.join(group_members, group_members.c.item_uuid == items.c.uuid),
    extras={"position": group_members.c.position},
    where=_member_conditions,
    arguments=(
        Argument(
            "frames", list[int] | None, None, "Only the members at these positions, counted from 0."
        ),
    ),
)
position_on_edge = Computed(("node",), lambda edge: edge.node.position)
groups_containing = ToMany(
    "groupsContaining",
    items,
    by_name(items.c.name_key, items.c.uuid),
    key=items.c.uuid,
    parent=group_members.c.item_uuid,
    source=items.join(group_members, group_members.c.group_uuid == items.c.uuid),
    where=lambda asked: [sees_item(asked.viewer)],
)
item_search = ToMany(
    "searchStorageItems",
    items,
    ITEM_ORDERS,
    where=item_search_conditions,
    filter_type=StorageItemFilter,
    filter_required=True,
    arguments=(SCOPE,),
)


Lifetime = Annotated[
    int | None,
    strawberry.argument(
        description="Seconds for which the URL works, from 60 to 604,800; 3,600 unless the site says otherwise."
    ),
]


def lifetime_of(context: Context, asked: int | None) -> timedelta:
    """How long a URL is to work; raises `BAD_USER_INPUT` beyond the bounds."""
    seconds = context.services.settings.signed_url_seconds if asked is None else asked
    if not MIN_LIFETIME <= seconds <= MAX_LIFETIME:
        raise bad_input(
            f"lifetime is from {MIN_LIFETIME} to {MAX_LIFETIME} seconds, not {seconds}.", "lifetime"
        )
    return timedelta(seconds=seconds)


async def _signed_urls(
    context: Context,
    keys: list[tuple[str | None, str | None, str, str | None, bool, UUID | None]],
    *,
    lifetime: Lifetime = None,
) -> list[Any]:
    span = lifetime_of(context, lifetime)
    rows = await find_integrations(
        context.database, {integration for *_, integration in keys if integration}
    )
    return [
        await _signed(
            context, key, url, name, mime or UNNAMED_TYPE, integration and rows[integration], span
        )
        if url and not gone
        else None
        for key, url, name, mime, gone, integration in keys
    ]


async def _signed(
    context: Context,
    key: str | None,
    url: str,
    name: str,
    mime: str,
    integration: Any,
    span: timedelta,
) -> SignedRequest | None:
    """A URL to an object of ours or in a cloud, None where that cannot be reached; a file elsewhere has one that needs
    no signature, and we promise no more for it."""
    if key is not None:
        return await context.services.store.sign_get(key, name, mime, span)
    if integration is None:
        return SignedRequest(url, "GET", expires_after(span))
    found = await _in_cloud(context, integration, url)
    return await found[0].sign_get(found[1], name, mime, span) if found else None


async def _in_cloud(
    context: Context, integration: Any, url: str
) -> tuple[Cloud, ObjectLocation] | None:
    """Where an object lies; None if the integration cannot be used, or not for this object any more."""
    try:
        cloud = await context.services.clouds.for_integration(integration)
        return cloud, cloud.locate(url)
    except FetchError as error:
        log.warning("not_signed", integration=str(integration.uuid), reason=error.message)
        return None


async def _reasons(
    context: Context, keys: list[tuple[str | None, bool, StorageItemType, UUID | None]]
) -> list[SignedUrlUnavailableReason | None]:
    rows = await find_integrations(
        context.database, {integration for *_, integration in keys if integration}
    )
    reasons = []
    for url, gone, item_type, integration in keys:
        reason = _unavailable(url, gone, item_type)
        if (
            reason is None
            and integration
            and url
            and await _in_cloud(context, rows[integration], url) is None
        ):
            reason = SignedUrlUnavailableReason.STORE_UNREACHABLE
        reasons.append(reason)
    return reasons


async def _accessible_groups(context: Context, keys: list[UUID]) -> list[list[Any]]:
    statement = (
        sa.select(
            group_members.c.item_uuid,
            _group.c.uuid,
            _group.c.name,
            _group.c.item_type,
            _group.c.folder_uuid.label("parent_uuid"),
            folders.c.name.label("parent_name"),
        )
        .distinct()
        .join(_group, _group.c.uuid == group_members.c.group_uuid)
        .join(folders, folders.c.uuid == _group.c.folder_uuid)
        .where(
            in_keys(group_members.c.item_uuid, keys),
            sees_item(context.viewer, _group),
        )
        .order_by(_group.c.uuid)
    )
    return await _bounded(context, statement, keys)


async def _accessible_datasets(context: Context, keys: list[UUID]) -> list[list[Any]]:
    statement = (
        sa.select(
            data_rows.c.item_uuid,
            datasets.c.uuid.label("dataset_uuid"),
            datasets.c.title,
            data_rows.c.uuid.label("data_row_uuid"),
            data_rows.c.created_at,
        )
        .join(datasets, datasets.c.uuid == data_rows.c.dataset_uuid)
        .where(
            in_keys(data_rows.c.item_uuid, keys),
            sees_dataset(context.viewer),
        )
        .order_by(datasets.c.uuid, data_rows.c.uuid)
    )
    return [_usages(rows) for rows in await _bounded(context, statement, keys)]


def _usages(rows: list[Any]) -> list[Any]:
    """One entry a dataset, with all its data rows of the item."""
    usages: dict[UUID, DatasetUsageRow] = {}
    for row in rows:
        usage = usages.setdefault(row.dataset_uuid, DatasetUsageRow(row))
        usage.data_hashes.append(row.data_row_uuid)
    return list(usages.values())


class DatasetUsageRow:
    """That a dataset uses an item, by one data row or more (ENC-DSHORT)."""

    def __init__(self, row: Any) -> None:
        self.dataset_hash: UUID = row.dataset_uuid
        self.title: str = row.title
        self.data_units_created_at = row.created_at
        self.data_hashes: list[UUID] = []


async def _bounded(
    context: Context, statement: sa.Select[Any], keys: list[UUID]
) -> list[list[Any]]:
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in await context.database.rows(statement):
        if len(found[row.item_uuid]) < MAX_RELATED:
            found[row.item_uuid].append(row)
    return [found[key] for key in keys]


unavailable_reason = Batch(
    (items.c.url, items.c.is_tombstone, items.c.item_type, items.c.integration_uuid), _reasons
)
signed_url_of = Batch(
    (
        items.c.object_key,
        items.c.url,
        items.c.name,
        items.c.mime_type,
        items.c.is_tombstone,
        items.c.integration_uuid,
    ),
    _signed_urls,
)
accessible_groups = Batch((items.c.uuid,), _accessible_groups)
accessible_datasets = Batch((items.c.uuid,), _accessible_datasets)
