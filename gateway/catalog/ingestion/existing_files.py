"""Files that a tree has already: which of them are to be sent again."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.catalog.ingestion.placeholders import ExpectedFile, uploads_of
from gateway.catalog.items import lock_items
from gateway.database.engine import Transaction
from gateway.errors import DomainError, conflict
from gateway.kinds.enums import ImportState
from gateway.models.items import ItemRecord
from gateway.models.uploads import UploadRecord


@dataclass(frozen=True, slots=True)
class ExistingFile:
    """An item that has the name of a file, and what the file is in comparison.

    Attributes:
        upload: the upload of a placeholder whose bytes are still expected: the same file was
            announced before. If the file is another one, the placeholder is replaced.
    """

    item: ItemRecord
    state: ImportState
    upload: UploadRecord | None = None
    is_replaced: bool = False


async def compare_existing(
    transaction: Transaction, files: Mapping[int, tuple[ExpectedFile, ItemRecord]], field: str
) -> tuple[dict[int, ExistingFile], list[DomainError]]:
    """Lock the items that have the names of files, and return what the files are, by position.

    A file without a digest counts as changed. Files whose item has just been deleted are left out.
    """
    rows = {
        row.uuid: row for row in await lock_items(transaction, {i.uuid for _, i in files.values()})
    }
    waiting = [row.uuid for row in rows.values() if row.is_placeholder]
    expected = await uploads_of(transaction, waiting)
    found: dict[int, ExistingFile] = {}
    errors: list[DomainError] = []
    for index, (file, item) in files.items():
        row = rows.get(item.uuid)
        if row is None:
            continue
        upload = expected.get(row.uuid)
        if upload is None:
            state = ImportState.UNCHANGED if _has_bytes(row, file) else ImportState.REVISION
            found[index] = ExistingFile(row, state)
        elif upload.unit_uuid is None:
            is_same = _expects(upload, file)
            found[index] = ExistingFile(row, ImportState.NEW, upload, is_replaced=not is_same)
        elif _expects(upload, file):
            found[index] = ExistingFile(row, ImportState.IN_PROGRESS)
        else:
            message = "A job is reading another file of this name. Try again when it has ended."
            errors.append(conflict(message, field, index, "path"))
    return found, errors


def _has_bytes(item: ItemRecord, file: ExpectedFile) -> bool:
    """Return whether an item certainly has the bytes of a file."""
    is_same = file.sha256 is not None and item.sha256 == file.sha256
    return is_same and not item.is_tombstone and item.file_size == file.file_size


def _expects(upload: UploadRecord, file: ExpectedFile) -> bool:
    """Return whether an upload is certainly that of a file."""
    announced = upload.sha256, upload.file_size, upload.item_type, upload.mime_type
    wanted = file.sha256, file.file_size, file.item_type, file.mime_type
    return file.sha256 is not None and announced == wanted
