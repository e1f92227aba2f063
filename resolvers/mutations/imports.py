"""The mutation that imports a tree of files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID

from gateway.catalog.folders import lock_folder
from gateway.catalog.ingestion.placeholders import (
    ExpectedFile,
    SignedUpload,
    sign_uploads,
    uploads_of,
)
from gateway.catalog.ingestion.tree_imports import (
    ExpectedEntry,
    ImportedTree,
    expect_tree,
    with_dicom_series,
    with_leaf_items,
)
from gateway.catalog.metadata_schema import load_metadata_validator
from gateway.catalog.rules.import_trees import EntryPath, read_entry_path, read_tree
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.error_texts import not_null
from gateway.errors import DomainError, DomainErrors, bad_input
from gateway.kinds.enums import ImportState, NameOutcome
from resolvers.id_lists import check_list_size
from resolvers.idempotency import run_once
from resolvers.inputs.imports import MAX_ENTRIES, ImportTreeEntryInput, ImportTreeInput
from resolvers.mutations.announced_files import expected_file, largest_file
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import USER

_FIELD = "entries"


StoredEntry = tuple[str, str, str, str | None, str | None]
"""The state of an entry, what became of its name, and the UUIDs of folder, item and placeholder."""


class StoredImport(TypedDict):
    """An import as stored under an idempotency key."""

    uuid: str
    entries: list[StoredEntry]


@dataclass(frozen=True, slots=True)
class EntryOutcome:
    """An entry of a tree, with the item and the target that it got."""

    path: str
    state: ImportState
    name_outcome: NameOutcome
    folder_uuid: UUID
    item_uuid: UUID | None
    target: SignedUpload | None


@dataclass(frozen=True, slots=True)
class ImportTreeOutcome(Outcome):
    """Outcome of `importTree`."""

    import_uuid: UUID | None = None
    entries: list[EntryOutcome] | None = None


@requires(USER.on_receiving_folder("folder_uuid"))
async def import_tree(
    context: Context, input: ImportTreeInput, permissions: Permissions
) -> ImportTreeOutcome:
    """Announce a tree of files: create its folders and the placeholders of its files at once.

    Send the bytes of each entry that has a target, then call `startUploadJob` with `importUuid`:
    one job turns them all into items, wherever they are below the folder. If one entry is rejected,
    nothing is created; errors are at the entries' fields.

    With `ifNameTaken: REUSE` a tree can be imported again, also after an interruption: its folders
    are used, files that are there with the same bytes are `UNCHANGED`, those with other bytes
    become a new revision, and those that were announced and never sent get a target again. Items
    and folders that exist keep their metadata.
    """
    check_list_size(input.entries, _FIELD, MAX_ENTRIES)
    tree = _read_tree(context, input)
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await permissions.check(transaction)
        metadata = await load_metadata_validator(transaction, context.services.settings)
        checks = (
            metadata.error(file.client_metadata, _FIELD, index, "clientMetadata")
            for index, file in tree.files.items()
        )
        if errors := [error for error in checks if error]:
            raise DomainErrors(errors)

        async def run() -> StoredImport:
            top = await lock_folder(transaction, input.folder_uuid)
            queue = context.services.queue
            uuid, imported = await expect_tree(transaction, queue, context.viewer, top, tree)
            return {"uuid": str(uuid), "entries": [stored_entry(each) for each in imported]}

        stored = await run_once(context, transaction, "importTree", input, run)
        placeholders = [UUID(uuid) for *_, uuid in stored["entries"] if uuid]
        expected = await uploads_of(transaction, placeholders)
    import_uuid = UUID(stored["uuid"])
    own = [row for row in expected.values() if row.import_uuid == import_uuid and not row.unit_uuid]
    signed = await sign_uploads(context.services, context.viewer, own)
    targets = {target.item_uuid: target for target in signed}
    entries = [
        entry_outcome(entry.path, each, targets)
        for entry, each in zip(input.entries, stored["entries"], strict=True)
    ]
    return ImportTreeOutcome(import_uuid=import_uuid if own else None, entries=entries)


def stored_entry(imported: ExpectedEntry) -> StoredEntry:
    """Return what is stored of an entry under an idempotency key."""
    item, placeholder = imported.item_uuid, imported.placeholder_uuid
    return (
        imported.state.value,
        imported.name_outcome.value,
        str(imported.folder_uuid),
        str(item) if item else None,
        str(placeholder) if placeholder else None,
    )


def entry_outcome(
    path: str, stored: StoredEntry, targets: Mapping[UUID, SignedUpload]
) -> EntryOutcome:
    """Return the outcome of an entry from its stored form."""
    state, outcome, folder, item, placeholder = stored
    return EntryOutcome(
        path,
        ImportState(state),
        NameOutcome(outcome),
        UUID(folder),
        UUID(item) if item else None,
        targets.get(UUID(placeholder)) if placeholder else None,
    )


def _read_tree(context: Context, input: ImportTreeInput) -> ImportedTree:
    """Return the tree of the input; raise `DomainErrors` with all that is wrong with entries."""
    max_size = largest_file(context)
    errors: list[DomainError] = []
    paths: list[EntryPath] = []
    files: dict[int, ExpectedFile] = {}
    for index, entry in enumerate(input.entries):
        try:
            path = read_entry_path(entry.path, _FIELD, index, "path")
            paths.append(path)
            if file := _read_file(entry, path, max_size, index):
                files[index] = file
        except DomainError as error:
            errors.append(error)
    if not errors:
        directories, errors = read_tree(paths, _FIELD)
    if errors:
        raise DomainErrors(errors)
    tree = ImportedTree(paths, files, directories, input.if_name_taken)
    tree = with_dicom_series(tree) if input.dicom_series else tree
    return with_leaf_items(tree) if input.leaf_folders_as_items else tree


def _read_file(
    entry: ImportTreeEntryInput, path: EntryPath, max_size: int, index: int
) -> ExpectedFile | None:
    """Return the file of an entry; None for a directory, which has no bytes."""
    if path.is_directory != (entry.file_size is None):
        message = "A directory has no fileSize." if path.is_directory else not_null("fileSize")
        raise bad_input(message, _FIELD, index, "fileSize")
    if entry.file_size is None:
        return None
    at = (_FIELD, index)
    return expected_file(entry, path.names[-1], entry.file_size, max_size, at)
