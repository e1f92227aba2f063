"""Tags of the organisation: create, delete, and put on folders, with journal entries."""

from collections.abc import Collection, Mapping
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.visibility import is_staying_tag
from gateway.catalog.deletion import enqueue_removal
from gateway.catalog.jobs import add_job
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.ledger.row_edits import count_rows
from gateway.database.dialects import in_keys, upsert
from gateway.database.engine import Transaction
from gateway.errors import conflict
from gateway.kinds.enums import FolderVisibility, JobKind
from gateway.models.base import fold, new_row
from gateway.models.folders import FolderRecord
from gateway.models.tags import (
    FolderTagRecord,
    OrganisationTagRecord,
    folder_tags,
    organisation_tags,
)
from gateway.queues.base import Queue

UNTAGGED_AT_ONCE = 1_000
"""Folders that lose a deleted tag in the request itself."""


class DeletedTag(NamedTuple):
    """The number of folders that had a deleted tag, and the job that removes it, if any."""

    folder_count: int
    job_uuid: UUID | None


async def create_tag(
    transaction: Transaction, user_uuid: UUID, name: str, description: str
) -> UUID:
    """Create a tag.

    Raises:
        DomainError: `CONFLICT` at `name`, if there is a tag with exactly this name.
    """
    row = OrganisationTagRecord(name=name, name_key=fold(name), description=description)
    # The second of two concurrent requests waits here until the first has committed.
    statement = (
        upsert(transaction.connection, organisation_tags)
        .values(row.model_dump())
        .on_conflict_do_nothing()
        .returning(organisation_tags.c.uuid)
    )
    if not await transaction.first(statement, OrganisationTagRecord):
        raise conflict("A tag with this name already exists.", "name")
    entry = JournalEntry("CREATE", "OrganisationTag", row.uuid, after={"name": name})
    await journal.append(transaction, user_uuid, [entry])
    return row.uuid


async def find_tag(
    transaction: Transaction, condition: sa.ColumnElement[bool]
) -> OrganisationTagRecord | None:
    """Return the tag that meets a condition, if there is one, and lock it."""
    found = sa.select(organisation_tags).where(condition, is_staying_tag()).with_for_update()
    return await transaction.first(found, OrganisationTagRecord)


async def delete_tag(
    transaction: Transaction, queue: Queue, user_uuid: UUID, row: OrganisationTagRecord
) -> DeletedTag:
    """Delete a locked tag and remove it from all folders; a job removes it if they are many.

    The tag is gone at once in any case, and its name is free.
    """
    count = await count_rows(transaction, folder_tags, folder_tags.c.tag_uuid == row.uuid)
    mine, job_uuid = organisation_tags.c.uuid == row.uuid, None
    if count <= UNTAGGED_AT_ONCE:
        await transaction.execute(sa.delete(organisation_tags).where(mine))
    else:
        job_uuid = await add_job(
            transaction,
            JobKind.DELETION,
            user_uuid,
            None,
            title=row.name,
            units_pending_count=count,
        )
        unnamed = {"name": row.uuid.hex, "name_key": row.uuid.hex, "deletion_uuid": job_uuid}
        await transaction.execute(sa.update(organisation_tags).where(mine).values(unnamed))
        await enqueue_removal(transaction, queue, job_uuid)
    entry = JournalEntry("DELETE", "OrganisationTag", row.uuid, before={"name": row.name})
    await journal.append(transaction, user_uuid, [entry])
    return DeletedTag(count, job_uuid)


async def lock_tags(transaction: Transaction, uuids: Collection[UUID]) -> dict[UUID, str]:
    """Keep tags from being deleted until the transaction ends, and return the names by UUID."""
    statement = (
        sa.select(organisation_tags)
        .where(in_keys(organisation_tags.c.uuid, uuids), is_staying_tag())
        .order_by(organisation_tags.c.uuid)
        .with_for_update(read=True, key_share=True)
    )
    rows = await transaction.rows(statement, OrganisationTagRecord)
    return {row.uuid: row.name for row in rows}


async def tag_folder(
    transaction: Transaction, user_uuid: UUID, folder: FolderRecord, tags: Mapping[UUID, str]
) -> None:
    """Put tags, given as names by UUID, on a locked folder; tags that it already has are kept."""
    new = sorted(tags.keys() - await _tags_of(transaction, folder.uuid))
    if new:
        rows = [new_row(FolderTagRecord, folder_uuid=folder.uuid, tag_uuid=tag) for tag in new]
        await transaction.execute(sa.insert(folder_tags), rows)
    entries = [
        JournalEntry(
            "TAG",
            "StorageFolder",
            folder.uuid,
            folder.parent_uuid,
            after={"tag": tags[tag]},
            is_private=folder.visibility is FolderVisibility.PRIVATE,
        )
        for tag in new
    ]
    await journal.append(transaction, user_uuid, entries)


async def untag_folder(
    transaction: Transaction, user_uuid: UUID, folder: FolderRecord, tags: Mapping[UUID, str]
) -> None:
    """Remove tags, given as names by UUID, from a locked folder; absent ones are ignored."""
    old = sorted(tags.keys() & await _tags_of(transaction, folder.uuid))
    await transaction.execute(
        sa.delete(folder_tags).where(
            folder_tags.c.folder_uuid == folder.uuid, in_keys(folder_tags.c.tag_uuid, old)
        )
    )
    entries = [
        JournalEntry(
            "UNTAG",
            "StorageFolder",
            folder.uuid,
            folder.parent_uuid,
            before={"tag": tags[tag]},
            is_private=folder.visibility is FolderVisibility.PRIVATE,
        )
        for tag in old
    ]
    await journal.append(transaction, user_uuid, entries)


async def _tags_of(transaction: Transaction, folder_uuid: UUID) -> set[UUID]:
    statement = sa.select(folder_tags.c.tag_uuid).where(folder_tags.c.folder_uuid == folder_uuid)
    return {row.tag_uuid for row in await transaction.rows(statement, FolderTagRecord)}
