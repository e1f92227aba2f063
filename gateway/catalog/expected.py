"""Files that are expected no more: placeholders go with them, what was there before stays as it was."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.items import remove_items
from gateway.database.dialects import among
from gateway.database.engine import Transaction
from gateway.jobs.queue import Queue
from gateway.models.items import items
from gateway.models.uploads import uploads


async def give_up_files(transaction: Transaction, queue: Queue, user_uuid: UUID | None, rows: Sequence[Any]) -> None:
    """Expect the files of held items no more. An item that a sync had read again will be by the next, too."""
    await remove_items(transaction, queue, user_uuid, [row for row in rows if row.is_placeholder])
    kept = [row.uuid for row in rows if not row.is_placeholder]
    if kept:
        dialect = transaction.connection.dialect.name
        await transaction.execute(sa.delete(uploads).where(among(dialect, uploads.c.item_uuid, kept)))
        unknown = sa.update(items).where(among(dialect, items.c.uuid, kept))
        await transaction.execute(unknown.values(remote_etag=None, remote_modified_at=None))
