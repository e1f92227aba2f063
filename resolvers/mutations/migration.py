"""How items are told that their objects lie elsewhere now, or are reached by another integration."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.roles import EffectiveRole, require_role, roles_on_integrations, roles_on_items
from gateway.auth.visibility import sees_item
from gateway.catalog.integrations import find_integrations, lock_integration
from gateway.catalog.items import locked_items, update_items
from gateway.clouds.cloud import Cloud
from gateway.clouds.urls import check_object_url
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.errors import DomainError, ErrorCode, bad_input, conflict, not_found
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import StorageLocationName, StorageUserRole
from gateway.models.items import items
from resolvers.idempotency import replay, run_once
from resolvers.inputs.migration import MigrateStorageItemInput, MigrateStorageItemsInput
from resolvers.outcomes import Outcome, UserErrorRow, to_user_error
from resolvers.permissions import MAX_IDS, check_list_size, requires

_MUTATION = "migrateStorageItems"
_AT_ONCE = 16
"""Objects that are looked for at a time."""


class StoredMigration(TypedDict):
    """The uuids of the items of each entry, as stored under an idempotency key."""

    items: list[list[str]]


@dataclass(slots=True)
class MigrationEntry:
    """An entry of the input, the items that it means, what they become, and what is wrong with it."""

    place: int
    asked: MigrateStorageItemInput
    rows: list[Any] = field(default_factory=list)
    values: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    error: DomainError | None = None


@dataclass(frozen=True, slots=True)
class MigrationResult:
    """What became of one entry."""

    uuid: UUID | None
    url: str | None
    items: list[Any]
    is_skipped: bool
    user_errors: list[UserErrorRow]


@dataclass(frozen=True, slots=True)
class MigrateStorageItemsOutcome(Outcome):
    """Outcome of `migrateStorageItems`."""

    results: list[MigrationResult] | None = None


@requires("USER on each item's folder, and on the cloud integration by which it is reached then")
async def migrate_storage_items(
    context: Context, input: MigrateStorageItemsInput
) -> MigrateStorageItemsOutcome:
    """Let items be reached at another URL or by another integration; no object is touched (ENC-CLIENT-09, SUB-090).

    One entry at fault refuses all, but for those that are missing where `skipMissing` is set. Items of a folder that
    mirrors a bucket stay what they mirror.
    """
    check_list_size(input.items, "items")
    done = await replay(context, _MUTATION, input, StoredMigration)
    if done is None:
        entries = await _checked(context, input)
        if any(entry.error for entry in entries):
            return _refused(entries)
        done = await _write(context, input, entries)
    moved = [[UUID(uuid) for uuid in uuids] for uuids in done["items"]]
    return MigrateStorageItemsOutcome(results=await _results(context, input, moved))


async def _checked(context: Context, input: MigrateStorageItemsInput) -> list[MigrationEntry]:
    """The entries with what their items become, or with what is wrong."""
    clouds = await _clouds(context, input.to_integration_uuid)
    entries = await _entries(context, input)
    if input.to_integration_uuid is None:
        clouds = await _kept_clouds(context, entries)
    for entry in _sound(entries):
        _plan(context, entry, input.to_integration_uuid, clouds)
    if input.verify_access:
        await _verify(context, entries, clouds)
    return entries


def _sound(entries: Sequence[MigrationEntry]) -> Iterator[MigrationEntry]:
    return (entry for entry in entries if entry.error is None)


async def _clouds(context: Context, uuid: UUID | None) -> dict[UUID, Cloud]:
    """The cloud of the integration to which items are to change, if there is one."""
    if uuid is None:
        return {}
    async with context.database.reading() as connection:
        held = await roles_on_integrations(connection, context.viewer, [uuid])
    require_role(held.get(uuid), StorageUserRole.USER, "cloud integration", "toIntegrationUuid")
    try:
        row = (await find_integrations(context.database, [uuid]))[uuid]
        return {uuid: await context.services.clouds.for_integration(row)}
    except FetchError as error:
        raise DomainError(error.code, error.message, ("toIntegrationUuid",)) from None


async def _entries(context: Context, input: MigrateStorageItemsInput) -> list[MigrationEntry]:
    """The entries with their items, of those that the viewer sees."""
    entries = [MigrationEntry(place, asked) for place, asked in enumerate(input.items)]
    for entry in entries:
        entry.error = _fault_of_form(entry, input)
    uuids = [entry.asked.item_uuid for entry in entries if entry.asked.item_uuid]
    urls = [entry.asked.url for entry in entries if entry.asked.url]
    made = sa.and_(in_keys(items.c.url, urls), ~items.c.is_placeholder)
    named = sa.or_(in_keys(items.c.uuid, uuids), made)
    seen_by = sa.select(items).where(named, sees_item(context.viewer))
    rows = await context.database.rows(seen_by.order_by(items.c.uuid).limit(MAX_IDS + 1))
    if len(rows) > MAX_IDS:
        raise DomainError(
            ErrorCode.LIMIT_EXCEEDED, f"These are more than {MAX_IDS:,} items.", ("items",)
        )
    async with context.database.reading() as connection:
        held = await roles_on_items(connection, context.viewer, [row.uuid for row in rows])
    seen: dict[UUID, int] = {}
    for entry in _sound(entries):
        found = [
            row for row in rows if row.uuid in held and entry.asked.item_uuid in (row.uuid, None)
        ]
        entry.rows = [
            row for row in found if entry.asked.item_uuid or _lies_at(row, entry.asked.url)
        ]
        entry.error = _fault_of_items(entry, held, seen, input.skip_missing)
        if input.from_integration_uuid:
            entry.rows = [
                row for row in entry.rows if row.integration_uuid == input.from_integration_uuid
            ]
    return entries


def _lies_at(row: Any, url: str | None) -> bool:
    return row.url == url and not row.is_placeholder


def _fault_of_form(entry: MigrationEntry, input: MigrateStorageItemsInput) -> DomainError | None:
    asked = entry.asked
    if (asked.item_uuid is None) == (asked.url is None):
        return bad_input("Give exactly one of itemUuid and url.", "items", entry.place)
    if asked.new_url is None and input.to_integration_uuid is None:
        return bad_input(
            "Without toIntegrationUuid, newUrl is needed.", "items", entry.place, "newUrl"
        )
    return None


def _fault_of_items(
    entry: MigrationEntry, held: Mapping[UUID, EffectiveRole], seen: dict[UUID, int], skips: bool
) -> DomainError | None:
    path = ("items", entry.place, "itemUuid" if entry.asked.item_uuid else "url")
    if not entry.rows and not skips:
        return not_found("item", *path)
    for row in entry.rows:
        if row.uuid in seen:
            return bad_input(f"This item is meant already, at position {seen[row.uuid]}.", *path)
        seen[row.uuid] = entry.place
        try:
            require_role(held[row.uuid], StorageUserRole.USER, "item", *path)
        except DomainError as error:
            return error
        if row.is_placeholder:
            return conflict("This item is not yet processed.", *path)
        if row.url is None or row.storage_location is StorageLocationName.STOREGRAPH:
            return conflict("This item has no object outside of our own store.", *path[:2])
    return None


async def _kept_clouds(context: Context, entries: Sequence[MigrationEntry]) -> dict[UUID, Cloud]:
    """The clouds of the integrations that items keep, of those that can be reached.

    Another URL is as good as another object, so the viewer needs the role on them by which objects are registered.
    """
    kept = {
        row.integration_uuid
        for entry in _sound(entries)
        for row in entry.rows
        if row.integration_uuid
    }
    async with context.database.reading() as connection:
        held = await roles_on_integrations(connection, context.viewer, kept)
    for entry in _sound(entries):
        try:
            for uuid in {row.integration_uuid for row in entry.rows} & kept:
                require_role(
                    held.get(uuid),
                    StorageUserRole.USER,
                    "cloud integration",
                    "items",
                    entry.place,
                    "newUrl",
                )
        except DomainError as error:
            entry.error = error
    found = {}
    for uuid, row in (await find_integrations(context.database, kept)).items():
        try:
            found[uuid] = await context.services.clouds.for_integration(row)
        except FetchError:
            pass  # who keeps it is told so
    return found


def _plan(
    context: Context, entry: MigrationEntry, to: UUID | None, clouds: Mapping[UUID, Cloud]
) -> None:
    """What the items of an entry become, or that they cannot."""
    for row in entry.rows:
        if row.linked_folder_uuid:
            entry.error = conflict(
                "This item mirrors an object of a bucket, as its folder does.", "items", entry.place
            )
            return
        integration, url = to or row.integration_uuid, entry.asked.new_url or row.url
        try:
            if integration is None:
                context.services.fetch_rules.check_url(url)
            elif integration not in clouds:
                raise conflict("The integration of this item cannot be used.")
            else:
                check_object_url(clouds[integration].account, url)
        except (DomainError, ValueError) as error:
            code = error.code if isinstance(error, DomainError) else ErrorCode.BAD_USER_INPUT
            entry.error = DomainError(code, str(error), ("items", entry.place, "newUrl"))
            return
        kind = (
            clouds[integration].account.kind if integration else StorageLocationName.DIRECT_ACCESS
        )
        entry.values[row.uuid] = {
            "integration_uuid": integration,
            "url": url,
            "storage_location": kind,
        }


async def _verify(
    context: Context, entries: Sequence[MigrationEntry], clouds: Mapping[UUID, Cloud]
) -> None:
    """Look for every object at its new place, some at a time."""
    places = asyncio.Semaphore(_AT_ONCE)

    async def look(entry: MigrationEntry) -> None:
        async with places:
            for row in entry.rows:
                entry.error = entry.error or await _fault_of_object(context, entry, row, clouds)

    async with asyncio.TaskGroup() as group:
        for entry in _sound(entries):
            group.create_task(look(entry))


async def _fault_of_object(
    context: Context, entry: MigrationEntry, row: Any, clouds: Mapping[UUID, Cloud]
) -> DomainError | None:
    path = ("items", entry.place, "newUrl")
    integration, url = entry.values[row.uuid]["integration_uuid"], entry.values[row.uuid]["url"]
    try:
        if integration is None:
            size = (await context.services.fetcher.read_range(url, 0, 1)).total
        else:
            size = (await clouds[integration].head(clouds[integration].locate(url))).size
    except FetchError as error:
        return DomainError(error.code, error.message, path)
    if None not in (size, row.file_size) and size != row.file_size:
        return conflict(f"The object there has {size:,} bytes, the item {row.file_size:,}.", *path)
    return None


async def _write(
    context: Context, input: MigrateStorageItemsInput, entries: Sequence[MigrationEntry]
) -> StoredMigration:
    """Change the items, unless somebody else changed or took one of them meanwhile; which items, for each entry."""
    async with context.database.writing() as transaction:

        async def work() -> StoredMigration:
            if input.to_integration_uuid:
                await lock_integration(transaction, input.to_integration_uuid, "toIntegrationUuid")
            await _change(context, transaction, entries)
            return {"items": [[str(row.uuid) for row in entry.rows] for entry in entries]}

        return await run_once(context, transaction, _MUTATION, input, work)


async def _change(
    context: Context, transaction: Transaction, entries: Sequence[MigrationEntry]
) -> None:
    before = {row.uuid: (entry, row) for entry in entries for row in entry.rows}
    present = {row.uuid: row for row in await locked_items(transaction, before.keys())}
    for uuid, (entry, row) in before.items():
        now = present.get(uuid)
        if now is None or (now.url, now.integration_uuid) != (row.url, row.integration_uuid):
            raise conflict("Somebody else changed this item just now.", "items", entry.place)
    values = {uuid: entry.values[uuid] for uuid, (entry, _) in before.items()}
    await update_items(transaction, context.viewer.user_uuid, values, present)


def _refused(entries: Sequence[MigrationEntry]) -> MigrateStorageItemsOutcome:
    """What is wrong with each entry; of the others that they were not done either."""
    said = "Nothing is wrong with this entry, but another made the whole fail."
    others = DomainError(ErrorCode.NOT_APPLIED, said)
    results = [
        MigrationResult(
            one.asked.item_uuid, one.asked.url, [], False, [to_user_error(one.error or others)]
        )
        for one in entries
    ]
    return MigrateStorageItemsOutcome(
        results=results,
        user_errors=[to_user_error(entry.error) for entry in entries if entry.error],
    )


async def _results(
    context: Context, input: MigrateStorageItemsInput, moved: Sequence[Sequence[UUID]]
) -> list[MigrationResult]:
    """The items of each entry as they are now, of those that the viewer sees."""
    mine = in_keys(items.c.uuid, [uuid for uuids in moved for uuid in uuids])
    rows = await context.database.rows(sa.select(items).where(mine, sees_item(context.viewer)))
    present = {row.uuid: row for row in rows}
    return [
        MigrationResult(
            asked.item_uuid,
            asked.url,
            [present[uuid] for uuid in uuids if uuid in present],
            not uuids,
            [],
        )
        for asked, uuids in zip(input.items, moved, strict=True)
    ]
