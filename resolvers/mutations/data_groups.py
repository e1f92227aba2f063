"""The mutation that lays items out together in data groups."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NotRequired, TypedDict
from uuid import UUID

from gateway.auth.identity import masked_trees
from gateway.catalog.ingestion.file_groups import NewGroup, create_file_groups, group_row
from gateway.catalog.items import lock_items, unusable_reason
from gateway.catalog.metadata_schema import load_metadata_validator
from gateway.catalog.taken_names import NameChoice, WantedName, choose_names, lock_home
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.error_texts import leaves_masked_tree
from gateway.errors import DomainError, ErrorCode, bad_input, conflict, forbidden
from gateway.ids import uuid7
from gateway.kinds.enums import IfNameTaken, NameOutcome
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.items import ItemRecord
from resolvers.bulk import Bulk, EntryResult
from resolvers.id_lists import check_list_size
from resolvers.idempotency import run_once
from resolvers.inputs.data_groups import CreateDataGroupsInput
from resolvers.mutations.layouts import GroupPlan, read_group
from resolvers.outcomes import Outcome, UserErrorRow
from resolvers.permissions import Permissions, Roles, requires
from resolvers.requirements import USER


class NothingAppliedError(Exception):
    """Raised to roll back when no group can be created; `bulk` has the errors."""

    def __init__(self, bulk: Bulk) -> None:
        super().__init__()
        self.bulk = bulk


class StoredGroups(TypedDict):
    """Uuids of all entries and the errors of some, as stored under an idempotency key.

    An error is its entry's index, its code, its message and its path. What became of names, by
    entry, is missing where earlier releases stored it.
    """

    groups: list[str]
    errors: list[tuple[int, str, str, list[str | int]]]
    name_outcomes: NotRequired[dict[str, str]]


@dataclass(frozen=True, slots=True)
class GroupCreation:
    """Result of one entry of `createDataGroups`."""

    item_uuid: UUID | None
    name_outcome: NameOutcome | None
    user_errors: list[UserErrorRow]

    @classmethod
    def of(cls, result: EntryResult, outcome: str) -> "GroupCreation":
        """Return the result of an entry, with what became of the name of its group."""
        name_outcome = NameOutcome(outcome) if result.is_applied else None
        return cls(result.item_uuid, name_outcome, result.user_errors)


@dataclass(frozen=True, slots=True)
class CreateDataGroupsOutcome(Outcome):
    """Outcome of `createDataGroups`."""

    results: list[GroupCreation] | None = None


@requires(USER.on_receiving_folder("folder_uuid"), USER.on_items_in("groups"))
async def create_data_groups(
    context: Context, input: CreateDataGroupsInput, permissions: Permissions
) -> CreateDataGroupsOutcome:
    """Create 1 to 1,000 data groups, each of 1 to 50 items that are shown together.

    A group has the layout of a grid, a carousel or a custom layout tree. Its items remain in
    their folders, and cannot be deleted before the group is. If one group is rejected, none is
    created unless `allowPartial` is set.
    """
    check_list_size(input.groups, "groups")
    if input.if_name_taken is IfNameTaken.REUSE:
        message = "A group is a new item. Use RENAME, REFUSE or ALLOW_DUPLICATE."
        raise bad_input(message, "ifNameTaken")
    plans, errors = read_groups(input)
    try:
        async with context.database.writing() as transaction:
            await lock_home(transaction, input.folder_uuid, input.if_name_taken)
            await permissions.check(transaction)

            async def create() -> StoredGroups:
                bulk = Bulk([uuid7() for _ in input.groups], input.allow_partial, errors)
                outcomes = await _create_groups(
                    context, transaction, input, permissions, plans, bulk
                )
                stored = [
                    (index, error.code.value, error.message, list(error.path))
                    for index, error in bulk.errors.items()
                ]
                uuids = [str(uuid) for uuid in bulk.uuids]
                return {"groups": uuids, "errors": stored, "name_outcomes": outcomes}

            outcome = await run_once(
                context, transaction, "createDataGroups", input, create, permissions
            )
    except NothingAppliedError as nothing:
        bulk, names = nothing.bulk, {}
    else:
        names = outcome.get("name_outcomes", {})
        errors = {
            index: DomainError(ErrorCode(code), message, tuple(path))
            for index, code, message, path in outcome["errors"]
        }
        bulk = Bulk([UUID(uuid) for uuid in outcome["groups"]], True, errors)
    results = [
        GroupCreation.of(result, names.get(str(index), NameOutcome.AS_GIVEN))
        for index, result in enumerate(bulk.results)
    ]
    return CreateDataGroupsOutcome(results=results, user_errors=bulk.user_errors)


def read_groups(
    input: CreateDataGroupsInput,
) -> tuple[dict[int, GroupPlan], dict[int, DomainError]]:
    """Return the plans of groups, and the errors of the other entries."""
    plans: dict[int, GroupPlan] = {}
    errors: dict[int, DomainError] = {}
    for index, group in enumerate(input.groups):
        try:
            plans[index] = read_group(group, "groups", index)
        except DomainError as error:
            errors[index] = error
    return plans, errors


async def _create_groups(
    context: Context,
    transaction: Transaction,
    input: CreateDataGroupsInput,
    permissions: Permissions,
    plans: Mapping[int, GroupPlan],
    bulk: Bulk,
) -> dict[str, str]:
    """Create the valid groups; raise `NothingAppliedError` if there are none.

    Returns:
        What became of the names that were given, by the index of the entry.
    """
    uuids = {uuid for plan in plans.values() for uuid in plan.item_uuids}
    items = {row.uuid: row for row in await lock_items(transaction, uuids)}
    roles = await permissions.roles(transaction, "groups", uuids)
    homes = {row.folder_uuid for row in items.values()}
    folders = {*homes, input.folder_uuid}
    trees = await masked_trees(transaction.connection, context.viewer, folders)
    tree = trees.get(input.folder_uuid)
    leaving = {row.uuid for row in items.values() if trees.get(row.folder_uuid, tree) != tree}
    metadata = await load_metadata_validator(transaction, context.services.settings)
    for index, plan in plans.items():
        error = metadata.error(plan.client_metadata, *plan.paths[0][:3], "clientMetadata")
        if error := error or _group_error(plan, items, roles, leaving):
            bulk.errors[index] = error
    choices = await name_groups(context, transaction, input, plans, bulk)
    if not bulk.accepted:
        raise NothingAppliedError(bulk)
    user = context.viewer.user_uuid
    groups = []
    for index in bulk.accepted:
        plan, facts = plans[index], {"uuid": bulk.uuids[index], "data_group": plans[index].layout}
        row = group_row(
            input.folder_uuid,
            user,
            StorageItemType.GROUP,
            choices[index].name if index in choices else None,
            plan.client_metadata,
            facts,
        )
        groups.append(NewGroup(row, plan.item_uuids, plan.keys))
    await create_file_groups(transaction, user, groups)
    return {str(index): choices[index].outcome.value for index in bulk.accepted if index in choices}


async def name_groups(
    context: Context,
    transaction: Transaction,
    input: CreateDataGroupsInput,
    plans: Mapping[int, GroupPlan],
    bulk: Bulk,
) -> dict[int, NameChoice]:
    """Return what becomes of the names of groups that were given one; refused ones get an error."""
    named = {index: plans[index].name or "" for index in bulk.accepted if plans[index].name}
    wanted = [
        WantedName(input.folder_uuid, name, False, (*plans[index].paths[0][:3], "name"))
        for index, name in named.items()
    ]
    chosen = await choose_names(transaction, context.viewer, wanted, input.if_name_taken)
    choices = dict(zip(named, chosen, strict=True))
    bulk.errors |= {index: each.error for index, each in choices.items() if each.error}
    return choices


def _group_error(
    plan: GroupPlan, items: Mapping[UUID, ItemRecord], roles: Roles, leaving: Collection[UUID]
) -> DomainError | None:
    """Return the first error of a group's items, if there is one.

    Those that are `leaving` would get out of a masked folder.
    """
    for uuid, path in zip(plan.item_uuids, plan.paths, strict=True):
        try:
            roles.require(uuid, *path)
        except DomainError as error:
            return error
        item = items[uuid]
        if uuid in leaving:
            return forbidden(leaves_masked_tree("item"), *path)
        if item.item_type is StorageItemType.GROUP:
            return bad_input("A data group cannot be in another data group.", *path)
        if message := unusable_reason(item):
            return conflict(message, *path)
    rows = [items[uuid] for uuid in plan.item_uuids]
    if plan.same_ratio_path:
        ratios = {
            Fraction(row.width, row.height) if row.width and row.height else None for row in rows
        }
        are_images = all(row.item_type is StorageItemType.IMAGE for row in rows)
        if not are_images or len(ratios) > 1 or None in ratios:
            message = "Only images of the same aspect ratio can share labels."
            return bad_input(message, *plan.same_ratio_path)
    return None
