"""Files that clients announce: what they say of one is checked."""

from datetime import datetime
from typing import Any, Protocol

from gateway.catalog.ingestion.placeholders import UPLOADABLE, ExpectedFile
from gateway.catalog.rules.files import validate_mime_type, validate_sha256
from gateway.catalog.rules.names import validate_metadata, validate_name
from gateway.context import Context
from gateway.error_texts import between
from gateway.errors import Path, bad_input
from gateway.kinds.item_kinds import StorageItemType
from gateway.stores.base import MAX_PARTS


class AnnouncedFile(Protocol):
    """The fields of an input about a file, besides its name."""

    item_type: StorageItemType | None
    mime_type: str | None
    sha256: str | None
    client_metadata: Any
    source_modified_at: datetime | None


def largest_file(context: Context) -> int:
    """Return the size of the largest file that the store takes, in bytes."""
    return context.services.store.part_size * MAX_PARTS


def expected_file(
    file: AnnouncedFile, name: str, file_size: int, max_size: int, path: Path
) -> ExpectedFile:
    """Return the announced file; raise `BAD_USER_INPUT` at its first invalid field."""
    if file.item_type not in (*UPLOADABLE, None):
        message = f"An item of type {file.item_type} cannot be created from one file."
        raise bad_input(message, *path, "itemType")
    least = 0 if file.item_type in (StorageItemType.FILE, None) else 1
    if not least <= file_size <= max_size:
        message = between("fileSize", least, max_size, file_size)
        raise bad_input(message, *path, "fileSize")
    digest = validate_sha256(file.sha256, *path, "sha256")
    mime_type = validate_mime_type(file.mime_type, *path, "mimeType")
    metadata = validate_metadata(file.client_metadata, *path, "clientMetadata")
    return ExpectedFile(
        validate_name(name, *path, "name"),
        file.item_type,
        file_size,
        mime_type,
        digest,
        metadata,
        source_modified_at=file.source_modified_at,
    )
