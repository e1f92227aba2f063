"""What may happen to datasets and their data rows, always with the record."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.changes import Changed, record
from gateway.catalog.mirrors import items_entered, unlink
from gateway.database.dialects import among
from gateway.database.engine import Transaction
from gateway.kinds import StorageUserRole
from gateway.models.base import fold
from gateway.models.datasets import Dataset, DatasetGrant, data_rows, dataset_grants, datasets
from gateway.models.items import items


async def create_dataset(
    transaction: Transaction,
    user_uuid: UUID,
    title: str,
    description: str = "",
    backing_folder_uuid: UUID | None = None,
) -> UUID:
    """Make a dataset, whose maker becomes its ADMIN; with a folder it mirrors that, which no other dataset does.

    To mirror a folder the caller has locked the tree exclusively, so that no item enters meanwhile.
    """
    dataset = Dataset(
        title=title, title_key=fold(title), description=description, backing_folder_uuid=backing_folder_uuid
    )
    grant = DatasetGrant(dataset_uuid=dataset.uuid, user_uuid=user_uuid, role=StorageUserRole.ADMIN)
    await transaction.execute(sa.insert(datasets).values(dataset.model_dump()))
    await transaction.execute(sa.insert(dataset_grants).values(grant.model_dump()))
    after = {"title": title, "backing_folder_uuid": backing_folder_uuid}
    await record(transaction, user_uuid, [Changed("CREATE", "Dataset", dataset.uuid, backing_folder_uuid, after=after)])
    if backing_folder_uuid:
        lying = await _linkable_in(transaction, backing_folder_uuid)
        await items_entered(transaction, user_uuid, backing_folder_uuid, lying)
    return dataset.uuid


async def delete_dataset(transaction: Transaction, user_uuid: UUID, present: Any) -> int:
    """Remove a held dataset with its data rows; how many those were. Its items, and a folder that it mirrors, stay.

    The caller has locked the tree exclusively, so that no item enters the folder meanwhile.
    """
    rows = await unlink(transaction, user_uuid, data_rows.c.dataset_uuid == present.uuid)
    await transaction.execute(sa.delete(datasets).where(datasets.c.uuid == present.uuid))
    folder, before = present.backing_folder_uuid, {"title": present.title}
    await record(transaction, user_uuid, [Changed("DELETE", "Dataset", present.uuid, folder, before)])
    return len(rows)


async def linked_among(transaction: Transaction, dataset_uuid: UUID, item_uuids: Collection[UUID]) -> set[UUID]:
    """Those of the items that a dataset uses."""
    used = sa.select(data_rows.c.item_uuid).where(_uses(transaction, dataset_uuid, item_uuids))
    return {row.item_uuid for row in await transaction.rows(used)}


async def unlink_items(
    transaction: Transaction, user_uuid: UUID, dataset_uuid: UUID, item_uuids: Collection[UUID]
) -> int:
    """Let a dataset use items no more; how many data rows that were."""
    return len(await unlink(transaction, user_uuid, _uses(transaction, dataset_uuid, item_uuids)))


async def _linkable_in(transaction: Transaction, folder_uuid: UUID) -> list[UUID]:
    lying = sa.select(items.c.uuid).where(
        items.c.folder_uuid == folder_uuid, items.c.is_placeholder.is_(False), items.c.is_tombstone.is_(False)
    )
    return [row.uuid for row in await transaction.rows(lying.order_by(items.c.uuid).with_for_update())]


def _uses(transaction: Transaction, dataset_uuid: UUID, item_uuids: Collection[UUID]) -> sa.ColumnElement[bool]:
    chosen = among(transaction.connection.dialect.name, data_rows.c.item_uuid, item_uuids)
    return sa.and_(data_rows.c.dataset_uuid == dataset_uuid, chosen)
