"""The tags of DICOM files, kept with every change of the files."""

from collections.abc import Mapping
from uuid import UUID

from gateway.database.dialects import upsert
from gateway.database.engine import Transaction
from gateway.dicom.documents import from_text
from gateway.kinds.dicom_object import DicomObject
from gateway.models.base import new_row
from gateway.models.dicom import DicomTagsRecord, dicom_tags


async def save_tags(transaction: Transaction, objects: Mapping[UUID, DicomObject]) -> None:
    """Store the tags of items whose files were read, by the UUIDs of the items.

    They replace those of the items' former files.
    """
    if not objects:
        return
    rows = [
        new_row(
            DicomTagsRecord,
            item_uuid=uuid,
            document=from_text(read["document"]),
            document_size=read["document_size"],
            is_complete=read["is_complete"],
            errors=read["errors"],
            omitted=read["omitted"],
            character_sets=read["character_sets"],
        )
        for uuid, read in sorted(objects.items())
    ]
    insert = upsert(transaction.connection, dicom_tags)
    replaced = {name: insert.excluded[name] for name in rows[0] if name != "item_uuid"}
    await transaction.execute(
        insert.on_conflict_do_update(index_elements=["item_uuid"], set_=replaced), rows
    )
