"""The mutation that tells items where their objects are now, and how they are reached."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.visibility import sees_item
from gateway.catalog.integrations import find_integrations, lock_integration
from gateway.catalog.items import lock_items, update_items
from gateway.catalog.revisions import follow_item
from gateway.clouds.cloud import Cloud
from gateway.clouds.urls import check_object_url
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.error_texts import changed_since_read, listed_more_than_once
from gateway.errors import DomainError, ErrorCode, Path, bad_input, conflict, not_found
from gateway.execution.loader_resolvers import find_rows
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import StorageLocationName
from gateway.models.items import ItemRecord, items
from resolvers.bulk import not_applied
from resolvers.id_lists import MAX_IDS, check_list_size
from resolvers.idempotency import replay, run_once
from resolvers.inputs.choices import set_value
from resolvers.inputs.migration import MigrateStorageItemInput, MigrateStorageItemsInput
from resolvers.items import item_by_uuid
from resolvers.outcomes import Outcome, UserErrorRow, to_user_error, to_user_errors
from resolvers.permissions import Permissions, Roles, requires
from resolvers.requirements import USER

_MUTATION = "migrateStorageItems"
_CONCURRENT_LOOKUPS = 16


class StoredMigration(TypedDict):
    """The UUIDs of the items of each entry, as stored under an idempotency key."""

    items: list[list[str]]


@dataclass(slots=True)
class MigrationEntry:
    """An entry of the input, the items that it means, their new values, and its error."""

    index: int
    input: MigrateStorageItemInput
    items: list[ItemRecord] = field(default_factory=list)
    values: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    error: DomainError | None = None

    @property
    def item_uuid(self) -> UUID | None:
        """The UUID of the one item that is meant; None if `url` says which are."""
        return set_value(self.input.match.item_uuid)

    @property
    def url(self) -> str | None:
        """The URL of the items that are meant; None if `item_uuid` says which one is."""
        return set_value(self.input.match.url)

    @property
    def match_path(self) -> Path:
        """Where the input says which items are meant."""
        return ("items", self.index, "match", "itemUuid" if self.item_uuid else "url")


@dataclass(frozen=True, slots=True)
class MigrationResult:
    """Result of one entry; `items` are those that the viewer can see, as they are now."""

    uuid: UUID | None
    url: str | None
    items: list[ItemRecord]
    is_skipped: bool
    user_errors: list[UserErrorRow]


@dataclass(frozen=True, slots=True)
class MigrateStorageItemsOutcome(Outcome):
    """Outcome of `migrateStorageItems`."""

    results: list[MigrationResult] | None = None


@requires(
    USER.on_items_in("items"),
    USER.on_integrations_in(
        "to_integration_uuid", "each cloud integration that reaches the items afterwards"
    ),
)
async def migrate_storage_items(
    context: Context, input: MigrateStorageItemsInput, permissions: Permissions
) -> MigrateStorageItemsOutcome:
    """Update the URLs of items whose objects were moved, or the cloud integration that reads them.

    Objects themselves are not changed. Takes 1 to 1,000 entries that match at most 1,000 items.
    With `verifyAccess` each object is looked up first, and must have the size of its item. If one
    entry is rejected, no item is changed; with `skipMissing`, entries without items are skipped
    instead. Fails with `CONFLICT` for items that mirror an object of a bucket, and for items in
    Storegraph's own store.
    """
    check_list_size(input.items, "items")
    stored = await replay(context, _MUTATION, input, StoredMigration, permissions)
    if stored is None:
        entries = await _checked_entries(context, input, permissions)
        if any(entry.error for entry in entries):
            return MigrateStorageItemsOutcome(
                results=[
                    MigrationResult(
                        entry.item_uuid,
                        entry.url,
                        [],
                        False,
                        [to_user_error(entry.error or not_applied())],
                    )
                    for entry in entries
                ],
                user_errors=to_user_errors(entry.error for entry in entries if entry.error),
            )
        stored = await _migrate(context, input, entries)
    migrated = [[UUID(uuid) for uuid in uuids] for uuids in stored["items"]]
    return MigrateStorageItemsOutcome(results=await _results(context, input, migrated))


async def _checked_entries(
    context: Context, input: MigrateStorageItemsInput, permissions: Permissions
) -> list[MigrationEntry]:
    """Return the entries, each with the new values of its items or an error."""
    target = input.to_integration_uuid
    clouds = await _target_cloud(context, target, permissions) if target else {}
    reasons: dict[UUID, str] = {}
    entries = await _read_entries(context, input, permissions)
    if target is None:
        clouds, reasons = await _present_clouds(context, entries, permissions)
    for entry in _valid(entries):
        _plan(context, entry, target, clouds, reasons)
    if input.verify_access:
        await _verify(context, entries, clouds)
    return entries


def _valid(entries: Sequence[MigrationEntry]) -> Iterator[MigrationEntry]:
    return (entry for entry in entries if entry.error is None)


async def _target_cloud(
    context: Context, uuid: UUID, permissions: Permissions
) -> dict[UUID, Cloud]:
    """Return the cloud of the integration that is to reach the items, by its UUID."""
    async with context.database.reading() as connection:
        roles = await permissions.roles(connection, "to_integration_uuid", [uuid])
    roles.require(uuid, "toIntegrationUuid")
    try:
        row = (await find_integrations(context.database, [uuid]))[uuid]
        return {uuid: await context.services.clouds.for_integration(row)}
    except FetchError as error:
        raise DomainError(error.code, error.message, ("toIntegrationUuid",)) from None


async def _read_entries(
    context: Context, input: MigrateStorageItemsInput, permissions: Permissions
) -> list[MigrationEntry]:
    """Return the entries with the items that they match, of those that the viewer can see."""
    entries = [MigrationEntry(index, entry) for index, entry in enumerate(input.items)]
    for entry in entries:
        if entry.input.new_url is None and input.to_integration_uuid is None:
            message = "newUrl is required unless toIntegrationUuid is set."
            entry.error = bad_input(message, "items", entry.index, "newUrl")
    uuids = [entry.item_uuid for entry in entries if entry.item_uuid]
    urls = [entry.url for entry in entries if entry.url]
    has_url = sa.and_(in_keys(items.c.url, urls), ~items.c.is_placeholder)
    matches = sa.or_(in_keys(items.c.uuid, uuids), has_url)
    statement = sa.select(items).where(matches, sees_item(context.viewer)).order_by(items.c.uuid)
    rows = await context.database.rows(statement.limit(MAX_IDS + 1), ItemRecord)
    if len(rows) > MAX_IDS:
        message = f"The entries match more than {MAX_IDS:,} items."
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, ("items",))
    async with context.database.reading() as connection:
        roles = await permissions.roles(connection, "items", [row.uuid for row in rows])
    seen: dict[UUID, int] = {}
    for entry in _valid(entries):
        uuid, url = entry.item_uuid, entry.url
        entry.items = [
            row
            for row in rows
            if (row.uuid == uuid if uuid else row.url == url and not row.is_placeholder)
            and row.uuid in roles
        ]
        entry.error = _items_error(entry, roles, seen, input.skip_missing)
        if input.from_integration_uuid:
            entry.items = [
                item for item in entry.items if item.integration_uuid == input.from_integration_uuid
            ]
    return entries


def _items_error(
    entry: MigrationEntry, roles: Roles, seen: dict[UUID, int], skip_missing: bool
) -> DomainError | None:
    """Return the first error of an entry's items; `seen` are the items of the entries before."""
    path = entry.match_path
    if not entry.items and not skip_missing:
        return not_found("item", entry.item_uuid or entry.url, *path)
    for item in entry.items:
        if item.uuid in seen:
            message = listed_more_than_once("item", seen[item.uuid])
            return bad_input(message, *path)
        seen[item.uuid] = entry.index
        try:
            roles.require(item.uuid, *path)
        except DomainError as error:
            return error
        if item.is_placeholder:
            return conflict("The item is a placeholder that has not been processed yet.", *path)
        if item.url is None or item.storage_location is StorageLocationName.STOREGRAPH:
            return conflict("Items in Storegraph's own store cannot be migrated.", *path[:2])
    return None


async def _present_clouds(
    context: Context, entries: Sequence[MigrationEntry], permissions: Permissions
) -> tuple[dict[UUID, Cloud], dict[UUID, str]]:
    """Return the clouds of the integrations that items keep, and why others cannot be used.

    A new URL registers another object, so the viewer needs the role on these integrations too.
    """
    uuids = {
        item.integration_uuid
        for entry in _valid(entries)
        for item in entry.items
        if item.integration_uuid
    }
    async with context.database.reading() as connection:
        roles = await permissions.roles(connection, "to_integration_uuid", uuids)
    for entry in _valid(entries):
        try:
            for item in entry.items:
                if item.integration_uuid:
                    roles.require(item.integration_uuid, "items", entry.index, "newUrl")
        except DomainError as error:
            entry.error = error
    clouds, reasons = {}, {}
    for uuid, row in (await find_integrations(context.database, uuids)).items():
        try:
            clouds[uuid] = await context.services.clouds.for_integration(row)
        except FetchError as error:
            reasons[uuid] = error.message
    return clouds, reasons


def _plan(
    context: Context,
    entry: MigrationEntry,
    target: UUID | None,
    clouds: Mapping[UUID, Cloud],
    reasons: Mapping[UUID, str],
) -> None:
    """Set the new values of an entry's items, or the error of one that cannot have them."""
    for item in entry.items:
        if item.linked_folder_uuid:
            message = "The item is in a cloud-synced folder, so it cannot be migrated."
            entry.error = conflict(message, "items", entry.index)
            return
        integration, url = target or item.integration_uuid, entry.input.new_url or item.url or ""
        location = StorageLocationName.DIRECT_ACCESS
        try:
            if integration is None:
                context.services.fetch_rules.check_url(url)
            elif integration not in clouds:
                reason = reasons.get(integration, "It does not exist.")
                raise conflict(f"The item's cloud integration cannot be used: {reason}")
            else:
                check_object_url(clouds[integration].account, url)
                location = clouds[integration].account.kind
        except (DomainError, ValueError) as error:
            code = error.code if isinstance(error, DomainError) else ErrorCode.BAD_USER_INPUT
            entry.error = DomainError(code, str(error), ("items", entry.index, "newUrl"))
            return
        entry.values[item.uuid] = {
            "integration_uuid": integration,
            "url": url,
            "storage_location": location,
        }


async def _verify(
    context: Context, entries: Sequence[MigrationEntry], clouds: Mapping[UUID, Cloud]
) -> None:
    """Look up each object at its new URL, some at a time; set the error of the first that fails."""
    slots = asyncio.Semaphore(_CONCURRENT_LOOKUPS)

    async def verify(entry: MigrationEntry) -> None:
        async with slots:
            for item in entry.items:
                entry.error = entry.error or await _object_error(context, entry, item, clouds)

    async with asyncio.TaskGroup() as group:
        for entry in _valid(entries):
            group.create_task(verify(entry))


async def _object_error(
    context: Context, entry: MigrationEntry, item: ItemRecord, clouds: Mapping[UUID, Cloud]
) -> DomainError | None:
    """Return the error of an object that cannot be reached or has another size than its item."""
    path = ("items", entry.index, "newUrl")
    integration, url = entry.values[item.uuid]["integration_uuid"], entry.values[item.uuid]["url"]
    try:
        if integration is None:
            size = (await context.services.fetcher.read_range(url, 0, 1)).total
        else:
            cloud = clouds[integration]
            size = (await cloud.head(cloud.locate(url))).size
    except FetchError as error:
        return DomainError(error.code, error.message, path)
    if size is not None and item.file_size is not None and size != item.file_size:
        return conflict(
            f"The object has {size:,} bytes, but the item has {item.file_size:,}.", *path
        )
    return None


async def _migrate(
    context: Context, input: MigrateStorageItemsInput, entries: Sequence[MigrationEntry]
) -> StoredMigration:
    """Write the new values, unless an item was changed or deleted since it was read."""
    read = {item.uuid: (entry, item) for entry in entries for item in entry.items}
    async with context.database.writing() as transaction:

        async def run() -> StoredMigration:
            if input.to_integration_uuid:
                await lock_integration(transaction, input.to_integration_uuid, "toIntegrationUuid")
            locked = {row.uuid: row for row in await lock_items(transaction, read.keys())}
            for uuid, (entry, item) in read.items():
                row, before = locked.get(uuid), (item.url, item.integration_uuid)
                if row is None or (row.url, row.integration_uuid) != before:
                    raise conflict(changed_since_read("item"), "items", entry.index)
            values = {uuid: entry.values[uuid] for uuid, (entry, _) in read.items()}
            await update_items(transaction, context.viewer.user_uuid, values, locked)
            for uuid in values:
                if locked[uuid].file_count is not None:
                    await follow_item(transaction, uuid)
            return {"items": [[str(item.uuid) for item in entry.items] for entry in entries]}

        return await run_once(context, transaction, _MUTATION, input, run)


async def _results(
    context: Context, input: MigrateStorageItemsInput, migrated: Sequence[Sequence[UUID]]
) -> list[MigrationResult]:
    """Return a result for each entry; `migrated` are the UUIDs of its items."""
    wanted = [uuid for uuids in migrated for uuid in uuids]
    rows = {row.uuid: row for row in await find_rows(context, item_by_uuid, wanted) if row}
    return [
        MigrationResult(
            set_value(entry.match.item_uuid),
            set_value(entry.match.url),
            [rows[uuid] for uuid in uuids if uuid in rows],
            not uuids,
            [],
        )
        for entry, uuids in zip(input.items, migrated, strict=True)
    ]
