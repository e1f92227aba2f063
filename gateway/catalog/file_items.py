"""Items of the kind `FILE` that no job makes: without files at first, or with a link."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.counters import apply_deltas, arrival_deltas
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.metadata_values import add_metadata
from gateway.catalog.ledger.mirror_datasets import items_created
from gateway.database.engine import Transaction
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.base import fold, natural_key
from gateway.models.items import ItemRecord, items

WITHOUT_FILES: dict[str, Any] = {"revision_number": 0, "file_count": 0, "is_directory": True}
"""The columns of an item that is created as a place for files, which have names of their own."""


async def create_file_item(
    transaction: Transaction,
    user_uuid: UUID | None,
    folder_uuid: UUID,
    name: str,
    description: str = "",
    client_metadata: dict[str, Any] | None = None,
    **columns: Any,
) -> UUID:
    """Create an item of the kind `FILE`, and return its UUID; `columns` are further ones.

    The caller has locked the folder tree.
    """
    row = ItemRecord(
        folder_uuid=folder_uuid,
        item_type=StorageItemType.FILE,
        name=name,
        name_key=fold(name),
        natural_key=natural_key(fold(name)),
        description=description,
        client_metadata=client_metadata or {},
        owner_uuid=user_uuid,
        **columns,
    )
    await transaction.execute(sa.insert(items).values(row.model_dump()))
    await add_metadata(transaction, {row.uuid: row.client_metadata})
    await apply_deltas(transaction, arrival_deltas([row], folder_uuid))
    await items_created(transaction, user_uuid, [row])
    entry = JournalEntry("CREATE", "StorageItem", row.uuid, folder_uuid, after={"name": name})
    await journal.append(transaction, user_uuid, [entry])
    return row.uuid
