"""Placeholders: items whose bytes are still expected, and the URLs to which they are sent."""

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.identity import sees_identity_of
from gateway.auth.url_holders import url_bounds
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import sees_item
from gateway.catalog.items import delete_items
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.metadata_values import add_metadata
from gateway.clock import now
from gateway.context import Services
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.database.row_sets import insert_many
from gateway.ids import uuid7s
from gateway.kinds.enums import NameOutcome, StorageLocationName
from gateway.kinds.item_kinds import ITEM_KINDS, StorageItemType
from gateway.models.base import fold, natural_key, new_row
from gateway.models.integrations import CloudIntegrationRecord
from gateway.models.items import ItemRecord, StoredObjectRecord, items, stored_objects
from gateway.models.revisions import bitstreams
from gateway.models.uploads import UploadRecord, uploads
from gateway.queues.base import Queue
from gateway.stores import base as stores
from gateway.stores.keys import new_key

UPLOADABLE = frozenset(item_type for item_type, kind in ITEM_KINDS.items() if kind.prober)
"""Kinds whose items can be single files."""


@dataclass(frozen=True, slots=True)
class ExpectedFile:
    """A file for which a placeholder is created.

    Attributes:
        item_type: its kind; None if its content decides.
        file_size: in bytes; None if unknown.
        sha256: in lower-case hex, if the client declared it.
        url: where the file is, unless its bytes are uploaded.
        integration: the integration in whose store `url` is, if it is in one.
        source_modified_at: when the file was last modified, if the client said so.
    """

    name: str
    item_type: StorageItemType | None
    file_size: int | None
    mime_type: str
    sha256: str | None
    client_metadata: dict[str, Any]
    url: str | None = None
    integration: CloudIntegrationRecord | None = None
    source_modified_at: datetime | None = None


class PlaceholderRows(NamedTuple):
    """The rows of a placeholder, by column: one of `items`, one of `uploads`."""

    item: dict[str, Any]
    upload: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SignedUpload:
    """Where to send the bytes of a placeholder.

    `name_outcome` is what became of the name, if the file has just been announced.

    It is one request, or `part_count` parts of `part_size` bytes that are signed separately, or
    nothing if the bytes are stored already.
    """

    item_uuid: UUID
    object_key: str
    already_stored: bool
    request: stores.SignedRequest | None
    part_size: int | None
    part_count: int | None
    name_outcome: NameOutcome | None = None

    @property
    def url(self) -> str | None:
        """The URL of the request."""
        return self.request.url if self.request else None

    @property
    def method(self) -> str | None:
        """The HTTP method of the request."""
        return self.request.method if self.request else None

    @property
    def upload_headers(self) -> dict[str, str]:
        """The headers that the request must have, unchanged."""
        return self.request.headers if self.request else {}

    @property
    def expires_at(self) -> datetime | None:
        """When the signature expires."""
        return self.request.expires_at if self.request else None


async def create_placeholders(
    transaction: Transaction,
    viewer: Viewer,
    folder_uuid: UUID,
    files: Sequence[ExpectedFile],
    targets: Mapping[int, UUID] | None = None,
) -> list[UUID]:
    """Create a placeholder for each file, and return their UUIDs in order.

    `targets` are the items that files become part of, by the positions of the files.

    Bytes that the viewer can already read need not be uploaded again. The caller has locked the
    folder tree.
    """
    stored = await readable_keys(
        transaction, viewer, {file.sha256 for file in files if file.sha256}
    )
    moment = now()
    placeholders = [
        placeholder_rows(
            viewer.user_uuid,
            folder_uuid,
            file,
            stored.get((file.sha256, file.file_size)),
            uuid=uuid,
            created_at=moment,
            last_edited_at=moment,
        )
        for file, uuid in zip(files, uuid7s(len(files)), strict=True)
    ]
    for index, placeholder in enumerate(placeholders):
        placeholder.upload["user_uuid"] = viewer.user_uuid
        placeholder.upload["target_uuid"] = (targets or {}).get(index)
    await add_placeholders(transaction, viewer.user_uuid, placeholders)
    return [placeholder.item["uuid"] for placeholder in placeholders]


def placeholder_rows(
    user_uuid: UUID | None,
    folder_uuid: UUID,
    file: ExpectedFile,
    stored_key: str | None,
    **columns: Any,
) -> PlaceholderRows:
    """Return the rows of a placeholder.

    Until its content has decided, the item is a `FILE`. `stored_key` is the object that has its
    bytes already; `columns` are further columns of the item.
    """
    integration_uuid = file.integration.uuid if file.integration else None
    name_key = fold(file.name)
    item = new_row(
        ItemRecord,
        folder_uuid=folder_uuid,
        item_type=file.item_type or StorageItemType.FILE,
        name=file.name,
        name_key=name_key,
        natural_key=natural_key(name_key),
        client_metadata=file.client_metadata,
        owner_uuid=user_uuid,
        is_placeholder=True,
        url=file.url,
        storage_location=storage_location_of(file.url is not None, file.integration),
        integration_uuid=integration_uuid,
        source_modified_at=file.source_modified_at,
        **columns,
    )
    upload = new_row(
        UploadRecord,
        item_uuid=item["uuid"],
        item_type=file.item_type,
        object_key=new_key(),
        file_name=file.name,
        file_size=file.file_size,
        mime_type=file.mime_type,
        sha256=file.sha256,
        stored_key=stored_key,
        source_url=file.url,
        integration_uuid=integration_uuid,
        created_at=item["created_at"],
    )
    return PlaceholderRows(item, upload)


def storage_location_of(
    is_remote: bool, integration: CloudIntegrationRecord | None
) -> StorageLocationName:
    """Return where a file's bytes are stored: in the gateway's own store, a cloud, or elsewhere."""
    if not is_remote:
        return StorageLocationName.STOREGRAPH
    return integration.kind if integration else StorageLocationName.DIRECT_ACCESS


async def add_placeholders(
    transaction: Transaction,
    user_uuid: UUID | None,
    placeholders: Sequence[PlaceholderRows],
) -> None:
    """Insert placeholders with their uploads, and update counters and the journal."""
    if not placeholders:
        return
    rows = [placeholder.item for placeholder in placeholders]
    await insert_many(transaction, items, rows)
    await add_metadata(transaction, {row["uuid"]: row["client_metadata"] for row in rows})
    await insert_many(transaction, uploads, [placeholder.upload for placeholder in placeholders])
    homes = Counter(row["folder_uuid"] for row in rows)
    deltas = {folder: Counter(placeholders=count) for folder, count in homes.items()}
    await apply_deltas(transaction, deltas)
    entries = [
        JournalEntry(
            "CREATE", "StorageItem", row["uuid"], row["folder_uuid"], after={"name": row["name"]}
        )
        for row in rows
    ]
    await journal.append(transaction, user_uuid, entries)


async def sign_uploads(
    services: Services,
    viewer: Viewer,
    rows: Sequence[UploadRecord],
    outcomes: Sequence[NameOutcome] | None = None,
) -> list[SignedUpload]:
    """Return where to send the bytes of these uploads, freshly signed.

    `outcomes` are what became of their names, if the files have just been announced.
    """
    store = services.store
    lifetime = timedelta(seconds=services.settings.upload_url_seconds)
    bounds = url_bounds(services.settings, viewer)
    signed = []
    named = outcomes or list[NameOutcome | None]([None] * len(rows))
    for row, outcome in zip(rows, named, strict=True):
        size = row.file_size or 0  # it is known of everything that clients send
        key, is_stored = row.stored_key or row.object_key, row.stored_key is not None
        request = part_size = parts = None
        if not is_stored and size > store.part_size:
            part_size, parts = store.part_size, part_count(size, store.part_size)
        elif not is_stored:
            declared = stores.DeclaredUpload(size, row.mime_type, row.sha256)
            request = await store.sign_put(key, declared, lifetime, bounds)
        signed.append(
            SignedUpload(row.item_uuid, key, is_stored, request, part_size, parts, outcome)
        )
    return signed


async def uploads_of(
    transaction: Transaction, item_uuids: Collection[UUID]
) -> dict[UUID, UploadRecord]:
    """Return the uploads of these placeholders by item.

    They do not change while the caller has the items locked.
    """
    chosen = sa.select(uploads).where(in_keys(uploads.c.item_uuid, item_uuids))
    return {row.item_uuid: row for row in await transaction.rows(chosen, UploadRecord)}


def part_count(file_size: int, part_size: int) -> int:
    """Return the number of parts in which a file is sent."""
    return max(1, math.ceil(file_size / part_size))


def size_of_part(file_size: int, part_size: int, number: int) -> int:
    """Return the size of a part in bytes; parts are numbered from 1."""
    return min(part_size, file_size - (number - 1) * part_size)


async def readable_keys(
    transaction: Transaction, viewer: Viewer, digests: Collection[str]
) -> dict[tuple[str | None, int | None], str]:
    """Return the keys of objects with these digests that the viewer can read, by digest and size.

    The objects are locked, so that they are not removed before they are referred to.
    """
    if not digests:
        return {}
    is_readable = sees_item(viewer), sees_identity_of(viewer)
    readable = (
        sa.select(stored_objects)
        .where(
            in_keys(stored_objects.c.sha256, digests),
            ~stored_objects.c.is_leaving,
            sa.or_(
                sa.exists().where(items.c.object_key == stored_objects.c.key, *is_readable),
                sa.exists().where(
                    bitstreams.c.object_key == stored_objects.c.key,
                    bitstreams.c.item_uuid == items.c.uuid,
                    *is_readable,
                ),
            ),
        )
        .order_by(stored_objects.c.sha256, stored_objects.c.key)
        .with_for_update(read=True, key_share=True, of=stored_objects)
    )
    rows = await transaction.rows(readable, StoredObjectRecord)
    return {(row.sha256, row.file_size): row.key for row in rows}


async def abandon_placeholders(
    transaction: Transaction, queue: Queue, user_uuid: UUID | None, rows: Sequence[ItemRecord]
) -> None:
    """Expect no more bytes for these locked items.

    Placeholders are deleted. Items whose changed file a sync wanted to read again stay as they
    are, and the next sync tries again.
    """
    await delete_items(transaction, queue, user_uuid, [row for row in rows if row.is_placeholder])
    existing = [row.uuid for row in rows if not row.is_placeholder]
    if existing:
        of_existing = sa.delete(uploads).where(in_keys(uploads.c.item_uuid, existing))
        await transaction.execute(of_existing)
        unknown = sa.update(items).where(in_keys(items.c.uuid, existing))
        await transaction.execute(unknown.values(remote_etag=None, remote_modified_at=None))
