"""The mutation that has DICOM files read again."""

from dataclasses import dataclass
from uuid import UUID

from gateway.catalog.items import lock_items, unusable_reason
from gateway.catalog.reprobing import enqueue_chosen
from gateway.context import Context
from gateway.errors import DomainErrors, bad_input, conflict
from gateway.kinds.item_kinds import StorageItemType
from resolvers.id_lists import check_list_size
from resolvers.inputs.dicom_studies import ExtractDicomMetadataInput
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import USER


@dataclass(frozen=True, slots=True)
class ExtractDicomMetadataOutcome(Outcome):
    """Outcome of `extractDicomMetadata`."""

    item_uuids: list[UUID] | None = None


@requires(USER.on_each_item("item_uuids"))
async def extract_dicom_metadata(
    context: Context, input: ExtractDicomMetadataInput, permissions: Permissions
) -> ExtractDicomMetadataOutcome:
    """Have 1 to 1,000 DICOM files read again: all their tags, and the facts of their items.

    Workers read them soon after. What they read also replaces the tags that a client passed
    instead of having the file read. A file that cannot be read now keeps what is known of it, and
    `probeWarnings` says why. If one item is not such a file, none is read.
    """
    uuids = input.item_uuids
    check_list_size(uuids, "itemUuids")
    async with context.database.writing() as transaction:
        items = {row.uuid: row for row in await lock_items(transaction, uuids)}
        errors = await permissions.errors(transaction, "item_uuids")
        for index, uuid in enumerate(uuids):
            if index in errors:
                continue
            if items[uuid].item_type is not StorageItemType.DICOM_FILE:
                errors[index] = bad_input("Only DICOM files are read.", "itemUuids", index)
            elif message := unusable_reason(items[uuid]):
                errors[index] = conflict(message, "itemUuids", index)
        if errors:
            raise DomainErrors([errors[index] for index in sorted(errors)])
        await enqueue_chosen(transaction, context.services.queue, uuids)
    return ExtractDicomMetadataOutcome(item_uuids=uuids)
