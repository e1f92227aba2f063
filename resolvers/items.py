"""Items: how they are resolved, and their signed URLs."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import strawberry
import structlog

from gateway.auth.visibility import has_staying_item, is_staying_dataset, sees_dataset, sees_item
from gateway.catalog.integrations import find_integrations
from gateway.catalog.reprobing import was_read_by_older_version
from gateway.clouds.base import ObjectLocation
from gateway.clouds.cloud import Cloud
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.error_texts import sized
from gateway.errors import bad_input
from gateway.execution.declarations import (
    Aggregate,
    Argument,
    Computed,
    EdgeQuery,
    Lookup,
    SameRow,
    ToMany,
    ToOne,
    batch,
)
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import SignedUrlDisposition
from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.kinds.media_types import UNNAMED_TYPE
from gateway.models.datasets import data_rows, datasets
from gateway.models.folders import folders
from gateway.models.integrations import CloudIntegrationRecord
from gateway.models.items import group_members, items
from gateway.models.people import users
from gateway.stores.base import SignedRequest, expires_after
from gateway.stores.headers import inline_media_type
from resolvers.filters import SCOPE, item_search_conditions
from resolvers.global_ids import id_from
from resolvers.identity import is_restricted
from resolvers.inputs.item_filters import StorageItemFilter
from resolvers.metadata_keys import prepare_across_folders
from resolvers.orders import ITEM_ORDERS, by_name, in_sequence
from resolvers.signed_urls import Lifetime, bounds_of, lifetime_of

MAX_RELATED = 1000
SIGNED_AT_ONCE = 200
"""URLs that are signed before other tasks of the event loop run."""
MAX_FRAMES = 10_000

log = structlog.get_logger(__name__)


class SignedUrlUnavailableReason(StrEnum):
    """Reason why an item has no signed URL."""

    NOT_A_SINGLE_OBJECT = "NOT_A_SINGLE_OBJECT"
    NOT_YET_STORED = "NOT_YET_STORED"
    TOMBSTONE = "TOMBSTONE"
    STORE_UNREACHABLE = "STORE_UNREACHABLE"
    PHI_RESTRICTED = "PHI_RESTRICTED"


def _member_conditions(query: EdgeQuery) -> Sequence[sa.ColumnElement[bool]]:
    """Return the conditions of visible members, and of the positions in the argument `frames`."""
    frames = query.arguments.get("frames")
    if frames is None:
        return [sees_item(query.viewer)]
    if len(frames) > MAX_FRAMES:
        raise bad_input(sized("frames", 0, MAX_FRAMES, len(frames), "entries"), "frames")
    return [sees_item(query.viewer), group_members.c.position.in_(frames)]


id_of = id_from("StorageItem", items.c.uuid)
id_of_named = id_from("StorageItem", "item_uuid")
item_by_uuid = ToOne(items, "item_uuid", access=sees_item)
item_lookup = Lookup(item_by_uuid, "uuid", "UUID of the item.")
folder_of = ToOne(folders, items.c.folder_uuid)
owner_of = ToOne(users, items.c.owner_uuid)
same_item = SameRow()
data_row_count = Aggregate(
    items.c.uuid,
    data_rows.c.item_uuid,
    sa.func.count(),
    data_rows,
    where=is_staying_dataset(data_rows.c.dataset_uuid),
)
group_count = Aggregate(
    items.c.uuid,
    group_members.c.item_uuid,
    sa.func.count(sa.distinct(group_members.c.group_uuid)),
    group_members,
    where=has_staying_item(group_members.c.group_uuid),
)
dataset_count = Aggregate(
    items.c.uuid,
    data_rows.c.item_uuid,
    sa.func.count(sa.distinct(data_rows.c.dataset_uuid)),
    data_rows,
    where=is_staying_dataset(data_rows.c.dataset_uuid),
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
            "frames",
            list[int] | None,
            None,
            "Only the members at these positions, counted from 0; at most 10,000.",
        ),
    ),
)
# Warnings may quote the file.
probe_warnings_of = Computed(
    (items.c.probe_warnings, is_restricted),
    lambda row: [] if row.is_restricted else row.probe_warnings,
)
probed_by_older_version = Computed(
    (
        items.c.probe_version,
        items.c.url,
        items.c.item_type,
        items.c.is_placeholder,
        items.c.is_tombstone,
    ),
    was_read_by_older_version,
)
position_on_edge = Computed(("node",), lambda edge: edge.node.position)
groups_containing = ToMany(
    "groupsContaining",
    items,
    by_name(items.c.name_key, items.c.uuid),
    key=items.c.uuid,
    parent=group_members.c.item_uuid,
    source=items.join(group_members, group_members.c.group_uuid == items.c.uuid),
    where=lambda query: [sees_item(query.viewer)],
)
item_search = ToMany(
    "searchStorageItems",
    items,
    ITEM_ORDERS,
    where=item_search_conditions,
    filter_type=StorageItemFilter,
    prepare=prepare_across_folders,
    arguments=(SCOPE,),
)


Disposition = Annotated[
    SignedUrlDisposition,
    strawberry.argument(description="Whether browsers should show or save what the URL serves."),
]


class ServedFile(NamedTuple):
    """The columns of an item by which its file is served, unless it is restricted."""

    object_key: str | None
    url: str | None
    name: str
    item_type: StorageItemType
    mime_type: str | None
    text_encoding: str | None
    is_tombstone: bool
    integration_uuid: UUID | None
    is_restricted: bool


@batch(*(items.c[name] for name in ServedFile._fields[:-1]), is_restricted, work=5)
async def signed_url_of(
    context: Context,
    keys: list[tuple[Any, ...]],
    *,
    lifetime: Lifetime = None,
    disposition: Disposition = SignedUrlDisposition.ATTACHMENT,
) -> list[SignedRequest | None]:
    """Sign URLs of items' objects; None for an item without an object that can be reached.

    The URL of a file elsewhere needs no signature, and is promised no longer than a signed one.
    """
    span, bounds = lifetime_of(context, lifetime), bounds_of(context)
    files = [ServedFile(*key) for key in keys]
    uuids = {file.integration_uuid for file in files if file.integration_uuid}
    integrations = await find_integrations(context.database, uuids)
    signed: list[SignedRequest | None] = []
    for file in files:
        mime, is_inline = _served_as(file, disposition)
        if len(signed) % SIGNED_AT_ONCE == SIGNED_AT_ONCE - 1:
            await asyncio.sleep(0)  # the disk store signs without waiting for anything
        if not file.url or file.is_tombstone or file.is_restricted:
            signed.append(None)
        elif file.object_key is not None:
            store = context.services.store
            signed.append(
                await store.sign_get(
                    file.object_key, file.name, mime, span, is_inline=is_inline, bounds=bounds
                )
            )
        elif file.integration_uuid is None:
            signed.append(SignedRequest(file.url, "GET", expires_after(span)))
        else:
            reached = await _locate(context, integrations[file.integration_uuid], file.url)
            cloud, location = reached or (None, None)
            signed.append(
                await cloud.sign_get(
                    location, file.name, mime, span, is_inline=is_inline, bounds=bounds
                )
                if cloud and location
                else None
            )
    return signed


def _served_as(file: ServedFile, disposition: SignedUrlDisposition) -> tuple[str, bool]:
    """Return the media type with which content is served, and whether browsers may show it."""
    stored = file.mime_type or UNNAMED_TYPE
    if disposition is SignedUrlDisposition.ATTACHMENT:
        return stored, False
    is_unnamed_text = file.item_type is StorageItemType.PLAIN_TEXT and stored == UNNAMED_TYPE
    shown = inline_media_type("text/plain" if is_unnamed_text else stored, file.text_encoding)
    return shown or stored, shown is not None


async def _locate(
    context: Context, integration: CloudIntegrationRecord, url: str
) -> tuple[Cloud, ObjectLocation] | None:
    """Return the cloud and location of an object.

    None if the integration cannot be used, or no longer covers the URL.
    """
    try:
        cloud = await context.services.clouds.for_integration(integration)
        return cloud, cloud.locate(url)
    except FetchError as error:
        log.warning("url_not_signed", integration=str(integration.uuid), reason=error.message)
        return None


@batch(
    items.c.url,
    items.c.is_tombstone,
    items.c.is_placeholder,
    items.c.item_type,
    items.c.integration_uuid,
    is_restricted,
)
async def unavailable_reason(
    context: Context, keys: list[tuple[str | None, bool, bool, StorageItemType, UUID | None, bool]]
) -> list[SignedUrlUnavailableReason | None]:
    """Load the reasons why items have no signed URL; None where they have one."""
    uuids = {integration for *_, integration, _ in keys if integration}
    integrations = await find_integrations(context.database, uuids)
    reasons: list[SignedUrlUnavailableReason | None] = []
    for url, is_tombstone, is_placeholder, item_type, integration, restricted in keys:
        reason = None
        if is_tombstone:
            reason = SignedUrlUnavailableReason.TOMBSTONE
        elif url is None:
            reason = (
                SignedUrlUnavailableReason.NOT_YET_STORED
                if is_placeholder or ITEM_KINDS[item_type].always_has_object
                else SignedUrlUnavailableReason.NOT_A_SINGLE_OBJECT
            )
        elif restricted:
            reason = SignedUrlUnavailableReason.PHI_RESTRICTED
        elif integration and url and await _locate(context, integrations[integration], url) is None:
            reason = SignedUrlUnavailableReason.STORE_UNREACHABLE
        reasons.append(reason)
    return reasons


class DataRowUse(NamedTuple):
    """A data row by which a dataset uses an item."""

    item_uuid: UUID
    dataset_uuid: UUID
    title: str
    data_row_uuid: UUID
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DatasetUsageRow:
    """A dataset's use of an item, by one data row or more."""

    dataset_uuid: UUID
    title: str
    data_rows_created_at: datetime
    data_row_uuids: list[UUID] = field(default_factory=list)


@batch(items.c.uuid, work=5)
async def accessible_datasets(context: Context, keys: list[UUID]) -> list[list[DatasetUsageRow]]:
    """Load the uses of items by datasets, of those that the viewer can see."""
    statement = (
        sa.select(
            data_rows.c.item_uuid,
            datasets.c.uuid.label("dataset_uuid"),
            datasets.c.title,
            data_rows.c.uuid.label("data_row_uuid"),
            data_rows.c.created_at,
        )
        .join(datasets, datasets.c.uuid == data_rows.c.dataset_uuid)
        .where(in_keys(data_rows.c.item_uuid, keys), sees_dataset(context.viewer))
        .order_by(datasets.c.uuid, data_rows.c.uuid)
    )
    by_item: dict[UUID, list[DataRowUse]] = defaultdict(list)
    for use in await context.database.rows(statement, DataRowUse):
        if len(by_item[use.item_uuid]) < MAX_RELATED:
            by_item[use.item_uuid].append(use)
    usages: list[list[DatasetUsageRow]] = []
    for key in keys:
        by_dataset: dict[UUID, DatasetUsageRow] = {}
        for row in by_item.get(key, []):
            new = DatasetUsageRow(row.dataset_uuid, row.title, row.created_at)
            usage = by_dataset.setdefault(row.dataset_uuid, new)
            usage.data_row_uuids.append(row.data_row_uuid)
        usages.append(list(by_dataset.values()))
    return usages
