"""What may happen to the organisation's tags, always with the record."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.database.dialects import in_keys, upsert
from gateway.database.engine import Transaction
from gateway.errors import conflict
from gateway.models.base import fold, new_row
from gateway.models.tags import (
    FolderTagRecord,
    OrganisationTagRecord,
    folder_tags,
    organisation_tags,
)


async def create_tag(
    transaction: Transaction, user_uuid: UUID, name: str, description: str
) -> UUID:
    """Make a tag; raises `CONFLICT` if there is one of that very name."""
    row = OrganisationTagRecord(name=name, name_key=fold(name), description=description)
    # Of two requests at once, the second waits here until the first has committed.
    statement = (
        upsert(transaction.connection, organisation_tags)
        .values(row.model_dump())
        .on_conflict_do_nothing()
    )
    if not await transaction.first(statement.returning(organisation_tags.c.uuid)):
        raise conflict("There is a tag of this name.", "name")
    await journal.append(
        transaction,
        user_uuid,
        [JournalEntry("CREATE", "OrganisationTag", row.uuid, after={"name": name})],
    )
    return row.uuid


async def delete_tag(transaction: Transaction, user_uuid: UUID, present: Any) -> int:
    """Remove a held tag from the organisation and all folders; how many those were."""
    mine = folder_tags.c.tag_uuid == present.uuid
    gone = await transaction.execute(sa.delete(folder_tags).where(mine))
    await transaction.execute(
        sa.delete(organisation_tags).where(organisation_tags.c.uuid == present.uuid)
    )
    before = {"name": present.name}
    await journal.append(
        transaction,
        user_uuid,
        [JournalEntry("DELETE", "OrganisationTag", present.uuid, before=before)],
    )
    return int(gone.rowcount)


async def locked_tags(transaction: Transaction, uuids: Collection[UUID]) -> dict[UUID, str]:
    """The names of those of the tags that there are, which are held until the transaction ends."""
    chosen = sa.select(organisation_tags).where(in_keys(organisation_tags.c.uuid, uuids))
    found = chosen.order_by(organisation_tags.c.uuid).with_for_update(read=True, key_share=True)
    return {row.uuid: row.name for row in await transaction.rows(found)}


async def tag_folder(
    transaction: Transaction, user_uuid: UUID, folder: Any, tags: dict[UUID, str]
) -> None:
    """Give a held folder tags; those that it has stay."""
    new = sorted(tags.keys() - await _tags_of(transaction, folder.uuid))
    if new:
        rows = [new_row(FolderTagRecord, folder_uuid=folder.uuid, tag_uuid=tag) for tag in new]
        await transaction.execute(sa.insert(folder_tags), rows)
    changed = [
        JournalEntry(
            "TAG", "StorageFolder", folder.uuid, folder.parent_uuid, after={"tag": tags[tag]}
        )
        for tag in new
    ]
    await journal.append(transaction, user_uuid, changed)


async def untag_folder(
    transaction: Transaction, user_uuid: UUID, folder: Any, tags: dict[UUID, str]
) -> None:
    """Take tags from a held folder; those that it does not have are passed over."""
    old = sorted(tags.keys() & await _tags_of(transaction, folder.uuid))
    chosen = in_keys(folder_tags.c.tag_uuid, old)
    await transaction.execute(
        sa.delete(folder_tags).where(folder_tags.c.folder_uuid == folder.uuid, chosen)
    )
    changed = [
        JournalEntry(
            "UNTAG", "StorageFolder", folder.uuid, folder.parent_uuid, before={"tag": tags[tag]}
        )
        for tag in old
    ]
    await journal.append(transaction, user_uuid, changed)


async def _tags_of(transaction: Transaction, folder_uuid: UUID) -> set[UUID]:
    found = sa.select(folder_tags.c.tag_uuid).where(folder_tags.c.folder_uuid == folder_uuid)
    return {row.tag_uuid for row in await transaction.rows(found)}
