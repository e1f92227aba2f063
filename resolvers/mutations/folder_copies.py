"""The mutation that copies a folder with everything below it."""

from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID

from gateway.catalog.copy_rules import check_folder_copy
from gateway.catalog.folder_copies import start_folder_copy
from gateway.catalog.folders import lock_folder
from gateway.catalog.rules.names import validate_name
from gateway.catalog.taken_names import WantedName, choose_names, lock_home
from gateway.context import Context
from gateway.kinds.enums import NameOutcome
from resolvers.idempotency import run_once
from resolvers.inputs.copies import CopyStorageFolderInput
from resolvers.mutations.copies import check_copying_rule
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import USER, VIEWER


@dataclass(frozen=True, slots=True)
class CopyStorageFolderOutcome(Outcome):
    """Outcome of `copyStorageFolder`."""

    folder_uuid: UUID | None = None
    name_outcome: NameOutcome | None = None
    job_uuid: UUID | None = None


class StoredCopy(TypedDict):
    """The copy of a folder, as stored under an idempotency key."""

    folder: str
    name_outcome: str
    job: str


@requires(
    VIEWER.on_folder("folder_uuid"),
    USER.on_receiving_folder("target_folder_uuid", "the target folder"),
)
async def copy_storage_folder(
    context: Context, input: CopyStorageFolderInput, permissions: Permissions
) -> CopyStorageFolderOutcome:
    """Start a job that copies a folder, with everything below it, into another folder.

    `folder` is the copy, which `job` fills with what the caller sees. Items are copied as
    `copyStorageItems` does, and groups get the copies of their members. What is shared into a
    folder is shared into its copy: the copy of the item if it is in the tree, otherwise the item,
    or a copy of it if the caller is not `ADMIN` on its own folder. Folders that were masked or made
    private remain so; grants, tags, collections and syncs are not copied.

    A folder cannot be copied into itself or one of its subfolders (`BAD_USER_INPUT`). One that
    would become public requires `allowPublic` (`CONFLICT`). Without `seesPhi` for the folder, it
    can be copied only within its masked tree (`FORBIDDEN`).
    """
    check_copying_rule(input.if_name_taken)
    name = None if input.name is None else validate_name(input.name, "name")
    async with context.database.writing() as transaction:
        await lock_home(transaction, input.target_folder_uuid, input.if_name_taken)
        await permissions.check(transaction)

        async def start() -> StoredCopy:
            source = await lock_folder(transaction, input.folder_uuid)
            target = await lock_folder(transaction, input.target_folder_uuid)
            await check_folder_copy(
                transaction, context.viewer, source, target, allow_public=input.allow_public
            )
            wanted = WantedName(target.uuid, name or source.name, True, ("name",))
            [choice] = await choose_names(
                transaction, context.viewer, [wanted], input.if_name_taken
            )
            if choice.error:
                raise choice.error
            started = await start_folder_copy(
                *(transaction, context.services.queue, context.viewer, source, target, choice.name),
                allow_public=input.allow_public,
            )
            return {
                "folder": str(started.folder_uuid),
                "name_outcome": choice.outcome.value,
                "job": str(started.job_uuid),
            }

        stored = await run_once(context, transaction, "copyStorageFolder", input, start)
    return CopyStorageFolderOutcome(
        folder_uuid=UUID(stored["folder"]),
        name_outcome=NameOutcome(stored["name_outcome"]),
        job_uuid=UUID(stored["job"]),
    )
