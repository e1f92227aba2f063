"""The mutation that creates many folders at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypedDict
from uuid import UUID

from gateway.catalog.folders import lock_folders
from gateway.catalog.new_folders import FolderPlan, NewFolder, by_level
from gateway.catalog.rules.names import validate_description, validate_metadata, validate_name
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.error_texts import LIMITED_TO_TREE, listed_more_than_once, sized
from gateway.errors import DomainError, ErrorCode, bad_input, forbidden
from gateway.kinds.enums import IfNameTaken, NameOutcome
from resolvers.bulk import Bulk, not_applied
from resolvers.id_lists import check_list_size
from resolvers.idempotency import run_once
from resolvers.inputs.choices import set_value
from resolvers.inputs.folders import CreateStorageFoldersInput, NewStorageFolderInput
from resolvers.mutations.data_groups import NothingAppliedError
from resolvers.outcomes import Outcome, UserErrorRow, to_user_error, to_user_errors
from resolvers.permissions import Permissions, Roles, requires
from resolvers.requirements import USER

MAX_REFERENCE = 200
FIELD = "folders"


StoredError = tuple[int, str, str, list[str | int]]
"""The position of an entry, and the code, the message and the path of its error."""


class StoredFolders(TypedDict):
    """Folders that were created, and the errors of others, as stored under an idempotency key.

    Folders are those of their entries, each its UUID and what became of its name.
    """

    folders: dict[str, tuple[str, str]]
    errors: list[StoredError]


@dataclass(frozen=True, slots=True)
class FolderCreation:
    """Result of one entry of `createStorageFolders`."""

    reference: str | None
    folder_uuid: UUID | None = None
    name_outcome: NameOutcome | None = None
    user_errors: list[UserErrorRow] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class CreateStorageFoldersOutcome(Outcome):
    """Outcome of `createStorageFolders`."""

    results: list[FolderCreation] | None = None


@requires(USER.on_folders_in("folders", "each existing folder that one is created in"))
async def create_storage_folders(
    context: Context, input: CreateStorageFoldersInput, permissions: Permissions
) -> CreateStorageFoldersOutcome:
    """Create 1 to 1,000 folders, in existing folders, in each other, or as root folders.

    An entry that is created in another one names it by its `reference`, in any order; entries that
    lead back to themselves are refused. Otherwise each is created as `createStorageFolder` does.
    If one of them is rejected, none is created unless `allowPartial` is set; those inside of a
    rejected one are not created then, either.
    """
    check_list_size(input.folders, FIELD)
    new, errors = read_new_folders(input.folders)
    parents = {each.parent_uuid for each in new.values() if each.parent_uuid}
    chooses_roots = input.if_name_taken is not IfNameTaken.ALLOW_DUPLICATE and any(
        each.parent_uuid is None and each.above is None for each in new.values()
    )
    try:
        async with context.database.writing() as transaction:
            await lock_tree(transaction.connection, exclusive=chooses_roots)
            rows = {row.uuid: row for row in await lock_folders(transaction, parents)}

            async def create() -> StoredFolders:
                roles = await permissions.roles(transaction, "folders", parents)
                refused = errors | refused_places(context, new, roles)
                masks_roots = context.services.settings.mask_new_roots
                plan = FolderPlan(
                    transaction, context.viewer, input.if_name_taken, masks_roots, rows
                )
                await plan.add({index: new[index] for index in new if index not in refused})
                return await insert_accepted(input, plan, refused)

            stored = await run_once(
                context, transaction, "createStorageFolders", input, create, permissions
            )
    except NothingAppliedError as nothing:
        stored = StoredFolders(folders={}, errors=stored_errors(nothing.bulk))
    errors = {
        index: DomainError(ErrorCode(code), message, tuple(path))
        for index, code, message, path in stored["errors"]
    }
    results = []
    for index, entry in enumerate(input.folders):
        if created := stored["folders"].get(str(index)):
            uuid, outcome = created
            results.append(FolderCreation(entry.reference, UUID(uuid), NameOutcome(outcome)))
        else:
            error = to_user_error(errors.get(index) or not_applied())
            results.append(FolderCreation(entry.reference, user_errors=[error]))
    in_order = [errors[index] for index in sorted(errors)]
    return CreateStorageFoldersOutcome(results=results, user_errors=to_user_errors(in_order))


def refused_places(
    context: Context, new: Mapping[int, NewFolder], roles: Roles
) -> dict[int, DomainError]:
    """Return the errors of entries where the viewer may not create anything."""
    errors: dict[int, DomainError] = {}
    for index, each in new.items():
        try:
            if each.parent_uuid:
                roles.require(each.parent_uuid, *each.path, "parent", "folderUuid")
            elif each.above is None and context.viewer.tree_uuid:
                raise forbidden(LIMITED_TO_TREE, *each.path, "parent")
        except DomainError as error:
            errors[index] = error
    return errors


async def insert_accepted(
    input: CreateStorageFoldersInput, plan: FolderPlan, errors: dict[int, DomainError]
) -> StoredFolders:
    """Insert the folders of the accepted entries; raise `NothingAppliedError` if there are none."""
    errors = errors | plan.errors
    message = not_applied().message
    for index in set(range(len(input.folders))) - errors.keys() - plan.rows.keys():
        path = (FIELD, index, "parent")  # which has an error
        errors[index] = DomainError(ErrorCode.NOT_APPLIED, message, path)
    nowhere = UUID(int=0)
    uuids = [
        plan.rows[index].uuid if index in plan.rows else nowhere
        for index in range(len(input.folders))
    ]
    bulk = Bulk(uuids, input.allow_partial, errors)
    if not bulk.accepted:
        raise NothingAppliedError(bulk)
    await plan.insert(bulk.accepted)
    folders = {
        str(index): (str(uuids[index]), plan.choices[index].outcome.value)
        for index in bulk.accepted
    }
    return {"folders": folders, "errors": stored_errors(bulk)}


def stored_errors(bulk: Bulk) -> list[StoredError]:
    """Return the errors of entries as they are stored under an idempotency key."""
    return [
        (index, error.code.value, error.message, list(error.path))
        for index, error in bulk.errors.items()
    ]


def read_new_folders(
    entries: Sequence[NewStorageFolderInput],
) -> tuple[dict[int, NewFolder], dict[int, DomainError]]:
    """Return the folders that entries describe, and the errors of the other entries."""
    errors: dict[int, DomainError] = {}
    positions: dict[str, int] = {}
    for index, entry in enumerate(entries):
        reference = entry.reference
        if reference is None:
            continue
        at = (FIELD, index, "reference")
        if not 1 <= len(reference) <= MAX_REFERENCE:
            errors[index] = bad_input(sized("reference", 1, MAX_REFERENCE, len(reference)), *at)
        elif positions.setdefault(reference, index) != index:
            message = listed_more_than_once("reference", positions[reference])
            errors[index] = bad_input(message, *at)
    new: dict[int, NewFolder] = {}
    aboves: dict[int, int | None] = {}
    for index, entry in enumerate(entries):
        above = set_value(entry.parent.reference) if entry.parent else None
        aboves[index] = None if above is None else positions.get(above)
        try:
            if above is not None and aboves[index] is None:
                message = "No other entry of the request has this reference."
                raise bad_input(message, FIELD, index, "parent", "reference")
            new[index] = read_new_folder(entry, index, aboves[index])
        except DomainError as error:
            errors.setdefault(index, error)
    reached = {index for level in by_level(aboves) for index in level}
    for index in aboves.keys() - reached:
        message = "The folder would be inside itself: the references lead back to it."
        errors[index] = bad_input(message, FIELD, index, "parent", "reference")
    return {index: each for index, each in new.items() if index not in errors}, errors


def read_new_folder(entry: NewStorageFolderInput, index: int, above: int | None) -> NewFolder:
    """Return the folder that an entry describes.

    Raises:
        DomainError: the entry is invalid.
    """
    path = (FIELD, index)
    parent_uuid = entry.parent.folder_uuid if entry.parent else None
    return NewFolder(
        validate_name(entry.name, *path, "name"),
        path,
        validate_description(entry.description, *path, "description"),
        validate_metadata(entry.client_metadata, *path, "clientMetadata"),
        entry.visibility,
        parent_uuid or None,
        above,
    )
