"""Items: how they are resolved, and their signed URLs."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
import strawberry

from gateway.auth.visibility import (
    has_staying_item,
    is_staying_dataset,
    sees_dataset,
    sees_item,
    sees_item_at_home,
)
from gateway.catalog.integrations import find_integrations
from gateway.catalog.reprobing import was_read_by_older_version
from gateway.catalog.sharing import MAX_SHARES
from gateway.context import Context
from gateway.database.dialects import in_bound_keys
from gateway.error_texts import sized
from gateway.errors import bad_input
from gateway.execution.compiled.kept_statements import KeptStatement
from gateway.execution.declarations import (
    Aggregate,
    Argument,
    Computed,
    EdgeQuery,
    KeyedRows,
    Lookup,
    SameRow,
    ToMany,
    ToOne,
    batch,
)
from gateway.execution.keysets import KEYS
from gateway.execution.viewer_columns import viewer_column
from gateway.kinds.downloads import SignedUrlDisposition
from gateway.kinds.item_kinds import ITEM_KINDS
from gateway.models.datasets import data_rows, datasets
from gateway.models.folders import folders
from gateway.models.items import group_members, items
from gateway.models.people import users
from gateway.models.shares import item_shares
from gateway.stores.base import SignedRequest
from resolvers.bitstreams import only_files_of
from resolvers.filters import SCOPE, item_search_conditions
from resolvers.folders import folder_by_uuid
from resolvers.global_ids import id_from
from resolvers.identity import is_restricted
from resolvers.inputs.item_filters import StorageItemFilter
from resolvers.item_conditions import is_broad, item_conditions
from resolvers.item_walks import walk_of_search
from resolvers.metadata_keys import prepare_across_folders
from resolvers.orders import ITEM_ORDERS, by_name, in_sequence
from resolvers.rare_texts import start_of_search
from resolvers.shared_items import shared_in_scope, shown_folder_uuid
from resolvers.signed_files import Disposition, ServedFile, locate, sign_files
from resolvers.signed_urls import Lifetime

MAX_RELATED = 1000
MAX_FRAMES = 10_000


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
item_by_uuid = ToOne(items, "item_uuid", access=sees_item, at_home=sees_item_at_home)
item_lookup = Lookup(item_by_uuid, "uuid", "UUID of the item.")
folder_of = ToOne(folders, shown_folder_uuid)
owner_of = ToOne(users, items.c.owner_uuid)
copy_of = ToOne(items, items.c.copy_of_uuid, access=sees_item)
same_item = SameRow()
data_row_count = Aggregate(
    items.c.uuid,
    data_rows.c.item_uuid,
    sa.func.count(),
    data_rows,
    where=lambda _viewer: is_staying_dataset(data_rows.c.dataset_uuid),
)
group_count = Aggregate(
    items.c.uuid,
    group_members.c.item_uuid,
    sa.func.count(sa.distinct(group_members.c.group_uuid)),
    group_members,
    where=lambda _viewer: has_staying_item(group_members.c.group_uuid),
)
dataset_count = Aggregate(
    items.c.uuid,
    data_rows.c.item_uuid,
    sa.func.count(sa.distinct(data_rows.c.dataset_uuid)),
    data_rows,
    where=lambda _viewer: is_staying_dataset(data_rows.c.dataset_uuid),
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
    further=shared_in_scope(item_conditions),
    start=start_of_search,
    walk=walk_of_search(item_search_conditions, item_conditions, is_broad),
)


_SERVED = (
    *("object_key", "url", "name", "item_type", "mime_type", "text_encoding"),
    *("is_tombstone", "integration_uuid"),
)


class ShareOfItem(NamedTuple):
    """A folder that an item was shared into."""

    item_uuid: UUID
    folder_uuid: UUID


_shares = KeptStatement(
    lambda _viewer: (
        sa.select(item_shares.c.item_uuid, item_shares.c.folder_uuid)
        .where(in_bound_keys(item_shares.c.item_uuid, KEYS))
        .order_by(item_shares.c.item_uuid, item_shares.c.shared_at, item_shares.c.folder_uuid)
    ),
    ShareOfItem,
)


@batch(
    items.c.uuid,
    items.c.folder_uuid,
    items.c.is_shared,
    listed=lambda _given: MAX_SHARES + 1,
    rows=KeyedRows(folder_by_uuid, leaves_out=True),
)
async def folders_of(context: Context, keys: list[tuple[UUID, UUID, bool]]) -> list[list[UUID]]:
    """Return the folders of items: their own, then others by time."""
    uuids: dict[UUID, list[UUID]] = {uuid: [home] for uuid, home, _ in keys}
    if shared := [uuid for uuid, _, is_shared in keys if is_shared]:
        for share in await _shares.rows(context.database, context.viewer, shared):
            uuids[share.item_uuid].append(share.folder_uuid)
    return [uuids[uuid] for uuid, *_ in keys]


# Parsing the UUIDs of a page would cost as much as reading it, and only revisions need them.
_uuid_text = viewer_column(
    items, "uuid_text", sa.Text(), lambda _viewer: sa.cast(items.c.uuid, sa.Text())
)


@batch(_uuid_text, *(items.c[name] for name in _SERVED), is_restricted, work=5)
async def signed_url_of(
    context: Context,
    keys: list[tuple[Any, ...]],
    *,
    lifetime: Lifetime = None,
    disposition: Disposition = SignedUrlDisposition.ATTACHMENT,
    revision: Annotated[
        int | None,
        strawberry.argument(
            description="Number of the revision whose file the URL is of; the newest if omitted."
        ),
    ] = None,
) -> list[SignedRequest | None]:
    """Sign URLs of items' objects; None for an item without an object that can be reached."""
    if revision is None:
        served = [ServedFile(*key[1:]) for key in keys]
        return await sign_files(context, served, lifetime, disposition)
    uuids = [UUID(key[0]) for key in keys]
    of_revision = await only_files_of(context, uuids, revision)
    signed = await sign_files(context, [*of_revision.values()], lifetime, disposition)
    by_item = dict(zip(of_revision, signed, strict=True))
    return [by_item.get(uuid) for uuid in uuids]


@batch(
    items.c.url,
    items.c.is_tombstone,
    items.c.is_placeholder,
    items.c.item_type,
    items.c.file_count,
    items.c.integration_uuid,
    is_restricted,
)
async def unavailable_reason(
    context: Context, keys: list[tuple[Any, ...]]
) -> list[SignedUrlUnavailableReason | None]:
    """Load the reasons why items have no signed URL; None where they have one."""
    uuids = {integration for *_, integration, _ in keys if integration}
    integrations = await find_integrations(context.database, uuids)
    reasons: list[SignedUrlUnavailableReason | None] = []
    for url, is_tombstone, is_placeholder, item_type, files, integration, restricted in keys:
        reason = None
        if is_tombstone:
            reason = SignedUrlUnavailableReason.TOMBSTONE
        elif url is None:
            reason = (
                SignedUrlUnavailableReason.NOT_YET_STORED
                if is_placeholder or (ITEM_KINDS[item_type].always_has_object and not files)
                else SignedUrlUnavailableReason.NOT_A_SINGLE_OBJECT
            )
        elif restricted:
            reason = SignedUrlUnavailableReason.PHI_RESTRICTED
        elif integration and url and await locate(context, integrations[integration], url) is None:
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


_uses = KeptStatement(
    lambda viewer: (
        sa.select(
            data_rows.c.item_uuid,
            datasets.c.uuid.label("dataset_uuid"),
            datasets.c.title,
            data_rows.c.uuid.label("data_row_uuid"),
            data_rows.c.created_at,
        )
        .join(datasets, datasets.c.uuid == data_rows.c.dataset_uuid)
        .where(in_bound_keys(data_rows.c.item_uuid, KEYS), sees_dataset(viewer))
        .order_by(datasets.c.uuid, data_rows.c.uuid)
    ),
    DataRowUse,
)


@batch(items.c.uuid, work=5)
async def accessible_datasets(context: Context, keys: list[UUID]) -> list[list[DatasetUsageRow]]:
    """Load the uses of items by datasets, of those that the viewer can see."""
    by_item: dict[UUID, list[DataRowUse]] = defaultdict(list)
    for use in await _uses.rows(context.database, context.viewer, keys):
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
