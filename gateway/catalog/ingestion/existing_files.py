"""Files that a tree has already: which of them are to be sent again."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ingestion.placeholders import ExpectedFile, uploads_of
from gateway.catalog.items import lock_items
from gateway.catalog.rules.paths import in_nfc
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.errors import DomainError, conflict
from gateway.kinds.enums import ImportState
from gateway.models.items import ItemRecord
from gateway.models.revisions import BitstreamRecord, bitstreams
from gateway.models.uploads import UploadRecord, uploads


class NamedFile(NamedTuple):
    """A file, and the item that has its name or is made of the files of its directory."""

    file: ExpectedFile
    item: ItemRecord


@dataclass(frozen=True, slots=True)
class ExistingFile:
    """An item in comparison with a file.

    Attributes:
        state: what the file is.
        upload: where its bytes are expected already, because it was announced before.
        is_target: whether the file becomes a part of the item.
        is_replaced: whether the item is a placeholder that waits for another file.
    """

    item: ItemRecord
    state: ImportState
    upload: UploadRecord | None = None
    is_target: bool = False
    is_replaced: bool = False


async def compare_files(
    transaction: Transaction, files: Mapping[int, NamedFile], field: str
) -> tuple[dict[int, ExistingFile], list[DomainError]]:
    """Lock the items that have the names of files, and compare each with its file, by position.

    A file without a digest counts as changed. Files whose item has just been deleted are left out.
    """
    locked = await lock_items(transaction, {named.item.uuid for named in files.values()})
    rows = {row.uuid: row for row in locked}
    waiting = await uploads_of(transaction, [row.uuid for row in locked if row.is_placeholder])
    announced = await _announced_for(transaction, rows)
    compared: dict[int, ExistingFile] = {}
    errors: list[DomainError] = []
    for index, (file, item) in files.items():
        row = rows.get(item.uuid)
        if row is None:
            continue
        upload = waiting.get(row.uuid)
        if upload is None and _has_bytes(row, file):
            compared[index] = ExistingFile(row, ImportState.UNCHANGED)
        elif upload is None:
            compared[index] = _part_of(row, file, ImportState.REVISION, announced[row.uuid])
        elif upload.unit_uuid is None:
            is_same = _expects(upload, file)
            compared[index] = ExistingFile(
                row, ImportState.NEW, upload if is_same else None, is_replaced=not is_same
            )
        elif _expects(upload, file):
            compared[index] = ExistingFile(row, ImportState.IN_PROGRESS)
        else:
            message = "A job is reading another file of this name. Try again when it has ended."
            errors.append(conflict(message, field, index, "path"))
    return compared, errors


async def compare_parts(
    transaction: Transaction, files: Mapping[int, NamedFile]
) -> dict[int, ExistingFile]:
    """Lock items that are made of the files of directories, and compare these, by position."""
    locked = await lock_items(transaction, {named.item.uuid for named in files.values()})
    rows = {row.uuid: row for row in locked}
    heads = await _heads_of(transaction, rows)
    announced = await _announced_for(transaction, rows)
    compared: dict[int, ExistingFile] = {}
    for index, (file, item) in files.items():
        row = rows.get(item.uuid)
        if row is None:
            continue
        head = heads[row.uuid]
        name = in_nfc(file.name)
        if name in head and _has_bytes(head[name], file):
            compared[index] = ExistingFile(row, ImportState.UNCHANGED)
        else:
            state = ImportState.REVISION if name in head else ImportState.NEW
            compared[index] = _part_of(row, file, state, announced[row.uuid])
    return compared


def _part_of(
    item: ItemRecord, file: ExpectedFile, state: ImportState, announced: Collection[UploadRecord]
) -> ExistingFile:
    """Return a file that becomes part of an item; it may have been announced before."""
    same = [
        upload
        for upload in announced
        if in_nfc(upload.file_name) == in_nfc(file.name) and _expects(upload, file)
    ]
    if any(upload.unit_uuid for upload in same):
        return ExistingFile(item, ImportState.IN_PROGRESS)
    return ExistingFile(item, state, next(iter(same), None), is_target=True)


async def _announced_for(
    transaction: Transaction, targets: Collection[UUID]
) -> defaultdict[UUID, list[UploadRecord]]:
    """Return the uploads that imports have announced for parts of items, by item."""
    announced: defaultdict[UUID, list[UploadRecord]] = defaultdict(list)
    chosen = sa.select(uploads).where(in_keys(uploads.c.target_uuid, targets))
    for row in await transaction.rows(chosen.order_by(uploads.c.created_at), UploadRecord):
        if row.target_uuid:
            announced[row.target_uuid].append(row)
    return announced


async def _heads_of(
    transaction: Transaction, rows: Mapping[UUID, ItemRecord]
) -> dict[UUID, dict[str, ItemRecord | BitstreamRecord]]:
    """Return the newest files of items by name; the only file of an item is the item itself."""
    heads: dict[UUID, dict[str, ItemRecord | BitstreamRecord]] = {
        row.uuid: {in_nfc(row.name): row} if row.file_count is None else {} for row in rows.values()
    }
    with_rows = {uuid for uuid, row in rows.items() if row.file_count is not None}
    newest = sa.select(bitstreams).where(
        in_keys(bitstreams.c.item_uuid, with_rows), bitstreams.c.last_revision.is_(None)
    )
    for file in await transaction.rows(newest, BitstreamRecord):
        heads[file.item_uuid][in_nfc(file.name)] = file
    return heads


def _has_bytes(existing: ItemRecord | BitstreamRecord, file: ExpectedFile) -> bool:
    """Return whether an item or a file of one certainly has the bytes of a file."""
    is_same = file.sha256 is not None and existing.sha256 == file.sha256
    is_lost = getattr(existing, "is_tombstone", False) or getattr(existing, "is_lost", False)
    return is_same and not is_lost and existing.file_size == file.file_size


def _expects(upload: UploadRecord, file: ExpectedFile) -> bool:
    """Return whether an upload is certainly that of a file."""
    announced = upload.sha256, upload.file_size, upload.item_type, upload.mime_type
    wanted = file.sha256, file.file_size, file.item_type, file.mime_type
    return file.sha256 is not None and announced == wanted
