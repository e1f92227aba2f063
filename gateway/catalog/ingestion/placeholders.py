"""Uploads that are expected: placeholders, the targets to which their bytes are sent, and what becomes of late ones."""

import math
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_item
from gateway.catalog.items import delete_items
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas
from gateway.catalog.ledger.journal import JournalEntry
from gateway.context import Services
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.kinds.enums import StorageLocationName
from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.models.base import fold, new_row
from gateway.models.items import ItemRecord, items, stored_objects
from gateway.models.uploads import UploadRecord, uploads
from gateway.queues.base import Queue
from gateway.stores import base as stores
from gateway.stores.keys import new_key

UNNAMED_TYPE = "application/octet-stream"
UPLOADABLE = frozenset(item_type for item_type, kind in ITEM_KINDS.items() if kind.prober)
"""Kinds whose items can be single files."""


@dataclass(frozen=True, slots=True)
class ExpectedFile:
    """A file that a client will send, or that lies at `url`, in the store of an integration if its row is given.

    `file_size` is in bytes, `sha256` in lower-case hex.
    """

    name: str
    item_type: StorageItemType
    file_size: int | None
    mime_type: str
    sha256: str | None
    client_metadata: dict[str, Any]
    url: str | None = None
    integration: Any = None

    @property
    def integration_uuid(self) -> UUID | None:
        """The integration's uuid."""
        uuid: UUID | None = self.integration and self.integration.uuid
        return uuid


@dataclass(frozen=True, slots=True)
class UploadTarget:
    """Where to send the bytes of a placeholder: one request, or as many as `part_count` says, or none at all."""

    item_uuid: UUID
    object_key: str
    already_stored: bool
    request: stores.SignedRequest | None
    part_size: int | None
    part_count: int | None

    @property
    def url(self) -> str | None:
        """The URL of the one request."""
        return self.request.url if self.request else None

    @property
    def method(self) -> str | None:
        """Its HTTP method."""
        return self.request.method if self.request else None

    @property
    def upload_headers(self) -> dict[str, str]:
        """Headers to be sent with it, just as they are (SUB-069)."""
        return self.request.headers if self.request else {}

    @property
    def expires_at(self) -> datetime | None:
        """Until when it may be sent."""
        return self.request.expires_at if self.request else None


async def create_placeholders(
    transaction: Transaction, viewer: Viewer, folder_uuid: UUID, files: Sequence[ExpectedFile]
) -> list[UUID]:
    """Make a placeholder for each file; the caller holds the tree. Their uuids, in order."""
    known = await _known_objects(
        transaction, viewer, {file.sha256 for file in files if file.sha256}
    )
    made = [
        placeholder_rows(
            viewer.user_uuid, folder_uuid, file, known.get((file.sha256, file.file_size))
        )
        for file in files
    ]
    await add_placeholders(transaction, viewer.user_uuid, folder_uuid, made)
    return [item["uuid"] for item, _ in made]


def placeholder_rows(
    user_uuid: UUID | None, folder_uuid: UUID, file: ExpectedFile, stored_key: str | None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rows of a placeholder and of its upload; `stored_key` is where the bytes are already, if they are."""
    item = new_row(
        ItemRecord,
        folder_uuid=folder_uuid,
        item_type=file.item_type,
        name=file.name,
        name_key=fold(file.name),
        client_metadata=file.client_metadata,
        owner_uuid=user_uuid,
        is_placeholder=True,
        url=file.url,
        storage_location=storage_location_of(file.url is not None, file.integration),
        integration_uuid=file.integration_uuid,
    )
    upload = new_row(
        UploadRecord,
        item_uuid=item["uuid"],
        object_key=new_key(),
        file_name=file.name,
        file_size=file.file_size,
        mime_type=file.mime_type,
        sha256=file.sha256,
        stored_key=stored_key,
        source_url=file.url,
        integration_uuid=file.integration_uuid,
    )
    return item, upload


def storage_location_of(elsewhere: bool, integration: Any) -> StorageLocationName:
    """Where the bytes of a file lie: with us or elsewhere, there in the store of an integration if there is one."""
    if not elsewhere:
        return StorageLocationName.STOREGRAPH
    return integration.kind if integration else StorageLocationName.DIRECT_ACCESS


async def add_placeholders(
    transaction: Transaction,
    user_uuid: UUID | None,
    folder_uuid: UUID,
    made: Sequence[tuple[dict[str, Any], dict[str, Any]]],
) -> None:
    """Write placeholders with their uploads, the counter of their folder and the record."""
    if not made:
        return
    await transaction.execute(sa.insert(items), [item for item, _ in made])
    await transaction.execute(sa.insert(uploads), [upload for _, upload in made])
    await apply_deltas(transaction, {folder_uuid: Counter(placeholders=len(made))})
    changed = [
        JournalEntry(
            "CREATE", "StorageItem", item["uuid"], folder_uuid, after={"name": item["name"]}
        )
        for item, _ in made
    ]
    await journal.append(transaction, user_uuid, changed)


async def sign_targets(services: Services, rows: Sequence[Any]) -> list[UploadTarget]:
    """The targets of these uploads, signed anew."""
    return [await _target(services, row) for row in rows]


async def uploads_of(transaction: Transaction, item_uuids: Collection[UUID]) -> dict[UUID, Any]:
    """The uploads of these placeholders. They stay as they are while the caller holds the placeholders."""
    chosen = in_keys(uploads.c.item_uuid, item_uuids)
    return {row.item_uuid: row for row in await transaction.rows(sa.select(uploads).where(chosen))}


def part_count(file_size: int, part_size: int) -> int:
    """How many parts a file is sent in."""
    return max(1, math.ceil(file_size / part_size))


def size_of_part(file_size: int, part_size: int, number: int) -> int:
    """Bytes of the part with that number, counted from 1."""
    return min(part_size, file_size - (number - 1) * part_size)


async def _target(services: Services, row: Any) -> UploadTarget:
    store = services.store
    if row.stored_key is not None:
        return UploadTarget(row.item_uuid, row.stored_key, True, None, None, None)
    if row.file_size > store.part_size:
        parts = part_count(row.file_size, store.part_size)
        return UploadTarget(row.item_uuid, row.object_key, False, None, store.part_size, parts)
    declared = stores.DeclaredUpload(row.file_size, row.mime_type, row.sha256)
    lifetime = timedelta(seconds=services.settings.upload_url_seconds)
    request = await store.sign_put(row.object_key, declared, lifetime)
    return UploadTarget(row.item_uuid, row.object_key, False, request, None, None)


async def _known_objects(
    transaction: Transaction, viewer: Viewer, digests: Collection[str]
) -> dict[tuple[str | None, int | None], str]:
    """The objects with these digests that the viewer can read already, by digest and size.

    They are held, so that they do not leave before they are referred to.
    """
    found = (
        sa.select(stored_objects)
        .where(
            in_keys(stored_objects.c.sha256, digests),
            ~stored_objects.c.is_leaving,
            sa.exists().where(items.c.object_key == stored_objects.c.key, sees_item(viewer)),
        )
        .order_by(stored_objects.c.sha256, stored_objects.c.key)
        .with_for_update(read=True, key_share=True, of=stored_objects)
    )
    return {(row.sha256, row.file_size): row.key for row in await transaction.rows(found)}


async def abandon_placeholders(
    transaction: Transaction, queue: Queue, user_uuid: UUID | None, rows: Sequence[Any]
) -> None:
    """Expect the files of held items no more. An item that a sync had read again will be by the next, too."""
    await delete_items(transaction, queue, user_uuid, [row for row in rows if row.is_placeholder])
    kept = [row.uuid for row in rows if not row.is_placeholder]
    if kept:
        await transaction.execute(sa.delete(uploads).where(in_keys(uploads.c.item_uuid, kept)))
        unknown = sa.update(items).where(in_keys(items.c.uuid, kept))
        await transaction.execute(unknown.values(remote_etag=None, remote_modified_at=None))
