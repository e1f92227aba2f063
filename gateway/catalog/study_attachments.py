"""Attachments of DICOM studies: items, such as reports, that belong to a study."""

from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.items import lock_items
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.dicom_studies import refresh_studies
from gateway.catalog.ledger.journal import JournalEntry
from gateway.catalog.study_edits import lock_study
from gateway.database.engine import Transaction
from gateway.database.tree import ancestors
from gateway.errors import bad_input, conflict, not_found
from gateway.models.base import new_row
from gateway.models.dicom import StudyAttachmentRecord, study_attachments
from gateway.models.folders import folders


class _FolderPath(NamedTuple):
    path: str


async def attach_item(
    transaction: Transaction, user_uuid: UUID | None, study_uuid: UUID, item_uuid: UUID
) -> None:
    """Attach an item to a study in its root folder; attaching it again changes nothing.

    Raises:
        DomainError: `BAD_USER_INPUT` if the item is in another root folder, `CONFLICT` if it is
            attached to another study.
    """
    [item] = await lock_items(transaction, [item_uuid])
    chosen = sa.select(folders.c.path).where(folders.c.uuid == item.folder_uuid)
    home = await transaction.single(chosen.with_for_update(read=True, key_share=True), _FolderPath)
    study = await lock_study(transaction, study_uuid)
    if ancestors(home.path)[-1] != study.root_folder_uuid:
        message = "The item is in another root folder than the study."
        raise bad_input(message, "itemUuid")
    known = await _attachment(transaction, item_uuid)
    if known and known.study_uuid == study_uuid:
        return
    if known:
        raise conflict("The item is attached to another study.", "itemUuid")
    row = new_row(StudyAttachmentRecord, item_uuid=item_uuid, study_uuid=study_uuid)
    await transaction.execute(sa.insert(study_attachments), [row])
    await refresh_studies(transaction, [study_uuid])
    after = {"attached_to": study.study_uid}
    entry = JournalEntry("UPDATE", "StorageItem", item_uuid, item.folder_uuid, after=after)
    await journal.append(transaction, user_uuid, [entry])


async def detach_item(
    transaction: Transaction, user_uuid: UUID | None, study_uuid: UUID, item_uuid: UUID
) -> None:
    """Remove an attachment from a study; the item stays. A study without any part is deleted.

    Raises:
        DomainError: `NOT_FOUND`, the item is not attached to the study.
    """
    [item] = await lock_items(transaction, [item_uuid])
    study = await lock_study(transaction, study_uuid)
    known = await _attachment(transaction, item_uuid)
    if known is None or known.study_uuid != study_uuid:
        raise not_found("attachment", item_uuid, "itemUuid")
    mine = study_attachments.c.item_uuid == item_uuid
    await transaction.execute(sa.delete(study_attachments).where(mine))
    await refresh_studies(transaction, [study_uuid])
    before = {"attached_to": study.study_uid}
    entry = JournalEntry("UPDATE", "StorageItem", item_uuid, item.folder_uuid, before=before)
    await journal.append(transaction, user_uuid, [entry])


async def _attachment(transaction: Transaction, item_uuid: UUID) -> StudyAttachmentRecord | None:
    chosen = sa.select(study_attachments).where(study_attachments.c.item_uuid == item_uuid)
    return await transaction.first(chosen, StudyAttachmentRecord)
