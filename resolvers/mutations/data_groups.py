"""How items are laid out together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from gateway.auth.roles import EffectiveRole, require_role, roles_on_items
from gateway.catalog.ingestion.file_groups import NewGroup, create_file_groups, group_row
from gateway.catalog.items import locked_items
from gateway.catalog.rules.metadata_types import load_metadata_validator
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.errors import DomainError, ErrorCode, Path, bad_input, conflict
from gateway.ids import uuid7
from gateway.kinds.enums import StorageUserRole
from gateway.kinds.item_kinds import StorageItemType
from resolvers.bulk import Bulk, EntryResult
from resolvers.idempotency import run_once
from resolvers.inputs.data_groups import CreateDataGroupsInput
from resolvers.mutations.layouts import GroupPlan, read_group
from resolvers.outcomes import Outcome
from resolvers.permissions import check_list_size, require_target_folder_role, requires


class _Nothing(Exception):
    """None of the groups can be made; `bulk` says why."""

    def __init__(self, bulk: Bulk) -> None:
        super().__init__()
        self.bulk = bulk


@dataclass(frozen=True, slots=True)
class CreateDataGroupsOutcome(Outcome):
    """Outcome of `createDataGroups`."""

    results: list[EntryResult] | None = None


@requires(
    "USER on the folder, and on that of each item, which cannot be removed before the group is"
)
async def create_data_groups(
    context: Context, input: CreateDataGroupsInput
) -> CreateDataGroupsOutcome:
    """Lay items out together, each group in a grid, a carousel or a layout of its own (ENC-FOLDEROP-37, -38)."""
    check_list_size(input.groups, "groups")
    plans, faults = _read(input)
    try:
        async with context.database.writing() as transaction:
            await lock_tree(transaction.connection, exclusive=False)
            await require_target_folder_role(
                context, transaction, input.folder_uuid, StorageUserRole.USER, "folderUuid"
            )

            async def work() -> dict[str, Any]:
                bulk = await _make(context, transaction, input, plans, faults)
                return {"groups": [str(uuid) for uuid in bulk.uuids], "errors": _kept(bulk.errors)}

            done = await run_once(context, transaction, "createDataGroups", input, work)
    except _Nothing as nothing:
        bulk = nothing.bulk
    else:
        bulk = Bulk([UUID(uuid) for uuid in done["groups"]], True, _told(done["errors"]))
    return CreateDataGroupsOutcome(results=bulk.results, user_errors=bulk.user_errors)


def _read(input: CreateDataGroupsInput) -> tuple[dict[int, GroupPlan], dict[int, DomainError]]:
    plans: dict[int, GroupPlan] = {}
    faults: dict[int, DomainError] = {}
    for place, group in enumerate(input.groups):
        try:
            plans[place] = read_group(group, "groups", place)
        except DomainError as error:
            faults[place] = error
    return plans, faults


async def _make(
    context: Context,
    transaction: Transaction,
    input: CreateDataGroupsInput,
    plans: Mapping[int, GroupPlan],
    faults: Mapping[int, DomainError],
) -> Bulk:
    """Make the groups with which nothing is wrong; raises `_Nothing` if there are none."""
    bulk = Bulk([uuid7() for _ in input.groups], input.allow_partial, faults)
    wanted = {uuid for plan in plans.values() for uuid in plan.item_uuids}
    held = {row.uuid: row for row in await locked_items(transaction, wanted)}
    roles = await roles_on_items(transaction.connection, context.viewer, wanted)
    terms = await load_metadata_validator(transaction, context.services.settings)
    for place, plan in plans.items():
        fault = terms.error(plan.client_metadata, *plan.paths[0][:3], "clientMetadata")
        if error := fault or _fault(plan, held, roles):
            bulk.errors[place] = error
    if not bulk.accepted:
        raise _Nothing(bulk)
    user = context.viewer.user_uuid
    groups = [
        _group(bulk.uuids[place], input.folder_uuid, user, plans[place]) for place in bulk.accepted
    ]
    await create_file_groups(transaction, user, input.folder_uuid, groups)
    return bulk


def _fault(
    plan: GroupPlan, held: Mapping[UUID, Any], roles: Mapping[UUID, EffectiveRole]
) -> DomainError | None:
    """What is wrong with the items of a group."""
    for uuid, path in zip(plan.item_uuids, plan.paths, strict=True):
        try:
            require_role(roles.get(uuid), StorageUserRole.USER, "item", *path)
        except DomainError as error:
            return error
        row = held[uuid]
        if row.item_type is StorageItemType.GROUP:
            return bad_input("A data group holds no other data groups.", *path)
        if row.is_placeholder or row.is_tombstone:
            return conflict("This item is not yet processed, or gone.", *path)
    rows = [held[uuid] for uuid in plan.item_uuids]
    if plan.images_of_one_shape and not _are_of_one_shape(rows):
        return bad_input(
            "Only images of one aspect ratio can share their labels.", *plan.images_of_one_shape
        )
    return None


def _are_of_one_shape(rows: Sequence[Any]) -> bool:
    first = rows[0]
    return all(
        row.item_type is StorageItemType.IMAGE
        and None not in (row.width, row.height)
        and row.width * first.height == row.height * first.width
        for row in rows
    )


def _group(uuid: UUID, folder_uuid: UUID, user_uuid: UUID, plan: GroupPlan) -> NewGroup:
    facts = {"uuid": uuid, "data_group": plan.layout}
    row = group_row(
        folder_uuid, user_uuid, StorageItemType.GROUP, plan.name, plan.client_metadata, facts
    )
    return NewGroup(row, plan.item_uuids, plan.keys)


def _kept(errors: Mapping[int, DomainError]) -> list[Any]:
    """Refusals as plain JSON."""
    return [[place, error.code, error.message, list(error.path)] for place, error in errors.items()]


def _told(kept: Sequence[tuple[int, str, str, Path]]) -> dict[int, DomainError]:
    """The refusals that were kept."""
    return {
        place: DomainError(ErrorCode(code), message, tuple(path))
        for place, code, message, path in kept
    }
