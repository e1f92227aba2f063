"""Immediate mutations of DICOM studies: attachments, corrected attributes, single instances."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from strawberry import UNSET

from gateway.catalog.dicom_jobs import visible_part
from gateway.catalog.dicom_study_keys import find_study
from gateway.catalog.dicom_units import folders_of
from gateway.catalog.instance_deletion import emptied_series, find_versions
from gateway.catalog.items import delete_items, deletion_errors, lock_items
from gateway.catalog.rules.dicom_values import check_date, check_name, check_time, check_uid
from gateway.catalog.study_attachments import attach_item, detach_item
from gateway.catalog.study_edits import correct_study, derive_again
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.error_texts import sized
from gateway.errors import DomainError, DomainErrors, bad_input, conflict, not_found
from gateway.json_values import camel_case
from resolvers.id_lists import check_list_size
from resolvers.inputs.dicom_studies import (
    AddStudyAttachmentInput,
    ClearDicomStudyCacheInput,
    DeleteDicomInstancesInput,
    DeleteStudyAttachmentInput,
    DicomStudyInput,
    DicomStudyPhiInput,
    SetDicomStudyPhiInput,
    study_key,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import ADMIN, USER

_LENGTHS = {"patient_sex": 16, "accession_number": 64, "study_id": 64, "description": 1000}
_CHECKS: dict[str, Callable[..., str]] = {
    "patient_name": check_name,
    "referring_physician_name": check_name,
    "patient_birth_date": check_date,
    "study_date": check_date,
    "study_time": check_time,
}


@dataclass(frozen=True, slots=True)
class AddStudyAttachmentOutcome(Outcome):
    """Outcome of `addStudyAttachment`."""

    study_uuid: UUID | None = None
    item_uuid: UUID | None = None


@requires(USER.on_study("folder_uuid"), USER.on_item("item_uuid"))
async def add_study_attachment(
    context: Context, input: AddStudyAttachmentInput, permissions: Permissions
) -> AddStudyAttachmentOutcome:
    """Attach an item, such as a report, to a DICOM study. Attaching it again changes nothing.

    Fails with `CONFLICT` if the item is attached to another study.
    """
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await permissions.check(transaction, "item_uuid")
        study_uuid = await _editable_study(context, transaction, input, permissions)
        await attach_item(transaction, context.viewer.user_uuid, study_uuid, input.item_uuid)
    return AddStudyAttachmentOutcome(study_uuid=study_uuid, item_uuid=input.item_uuid)


@dataclass(frozen=True, slots=True)
class DeleteStudyAttachmentOutcome(Outcome):
    """Outcome of `deleteStudyAttachment`."""

    study_uuid: UUID | None = None
    item_uuid: UUID | None = None


@requires(USER.on_study("folder_uuid"), USER.on_item("item_uuid"))
async def delete_study_attachment(
    context: Context, input: DeleteStudyAttachmentInput, permissions: Permissions
) -> DeleteStudyAttachmentOutcome:
    """Detach an item from a DICOM study. The item itself stays; `deleteStorageItems` deletes it.

    A study without instances is gone with its last attachment.
    """
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        await permissions.check(transaction, "item_uuid")
        study_uuid = await _editable_study(context, transaction, input, permissions)
        await detach_item(transaction, context.viewer.user_uuid, study_uuid, input.item_uuid)
    return DeleteStudyAttachmentOutcome(study_uuid=study_uuid, item_uuid=input.item_uuid)


@dataclass(frozen=True, slots=True)
class SetDicomStudyPhiOutcome(Outcome):
    """Outcome of `setDicomStudyPhi`."""

    study_uuid: UUID | None = None


@requires(USER.on_study("folder_uuid"))
async def set_dicom_study_phi(
    context: Context, input: SetDicomStudyPhiInput, permissions: Permissions
) -> SetDicomStudyPhiOutcome:
    """Correct attributes of a patient and study, next to the files, whose bytes never change.

    Every answer and filter uses the corrected values, which `phiVersion` numbers. They apply to the
    whole study: this requires seeing all its parts, and identities where these are masked
    (`FORBIDDEN`).
    """
    values = _corrections(input.values)
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        study_uuid = await _editable_study(context, transaction, input, permissions)
        await correct_study(transaction, context.viewer, study_uuid, values)
    return SetDicomStudyPhiOutcome(study_uuid=study_uuid)


@dataclass(frozen=True, slots=True)
class ClearDicomStudyCacheOutcome(Outcome):
    """Outcome of `clearDicomStudyCache`."""

    study_uuid: UUID | None = None


@requires(USER.on_study("folder_uuid"))
async def clear_dicom_study_cache(
    context: Context, input: ClearDicomStudyCacheInput, permissions: Permissions
) -> ClearDicomStudyCacheOutcome:
    """Derive the counts and attributes of a DICOM study from its instances again.

    They are kept with every change, so that this changes nothing on a sound site.
    """
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        study_uuid = await find_study(transaction.connection, context.viewer, study_key(input))
        homes = await _checked_homes(context, transaction, study_uuid, permissions)
        await derive_again(transaction, study_uuid, homes)
    return ClearDicomStudyCacheOutcome(study_uuid=study_uuid)


@dataclass(frozen=True, slots=True)
class DeleteDicomInstancesOutcome(Outcome):
    """Outcome of `deleteDicomInstances`."""

    removed_items_count: int | None = None
    deleted_uuids: list[UUID] | None = None


@requires(ADMIN.on_study("folder_uuid"))
async def delete_dicom_instances(
    context: Context, input: DeleteDicomInstancesInput, permissions: Permissions
) -> DeleteDicomInstancesOutcome:
    """Delete 1 to 1,000 instances of a DICOM study, all versions of each.

    If one of them cannot be deleted, none is. DICOM series (`DicomSeriesItem`) whose members are
    all deleted go with them. Fails with `CONFLICT` for members of other groups, and for items that
    datasets use unless `allowDatasetChanges`, or `allowMirrorDatasetChanges` for mirror datasets,
    is set. Versions in folders that the caller cannot see stay.
    """
    uids = input.sop_instance_uids
    check_list_size(uids, "sopInstanceUids")
    for number, uid in enumerate(uids):
        check_uid(uid, "sopInstanceUids", number)
    async with context.database.writing() as transaction:
        await lock_tree(transaction.connection, exclusive=False)
        study_uuid = await find_study(transaction.connection, context.viewer, study_key(input))
        await _checked_homes(context, transaction, study_uuid, permissions)
        versions = await find_versions(transaction, context.viewer, study_uuid, uids)
        series = await emptied_series(transaction, [row.item_uuid for row in versions])
        locked = await lock_items(transaction, [*(row.item_uuid for row in versions), *series])
        messages = await deletion_errors(
            transaction,
            [row.uuid for row in locked],
            input.allow_dataset_changes,
            input.allow_mirror_dataset_changes,
        )
        by_uid: dict[str, list[UUID]] = defaultdict(list)
        for row in versions:
            by_uid[row.sop_instance_uid].append(row.item_uuid)
        _refuse(uids, by_uid, messages)
        queue, user_uuid = context.services.queue, context.viewer.user_uuid
        await delete_items(transaction, queue, user_uuid, locked)
    uuids = [row.uuid for row in locked]
    return DeleteDicomInstancesOutcome(removed_items_count=len(uuids), deleted_uuids=uuids)


def _refuse(uids: list[str], items: dict[str, list[UUID]], messages: dict[UUID, str]) -> None:
    """Raise an error for each UID that is of no instance, or has a version that must stay."""
    errors: list[DomainError] = []
    for number, uid in enumerate(uids):
        reasons = [messages[item] for item in items[uid] if item in messages]
        if not items[uid]:
            errors.append(not_found("instance", uid, "sopInstanceUids", number))
        elif reasons:
            errors.append(conflict(reasons[0], "sopInstanceUids", number))
    listed = {item for uid in uids for item in items[uid]}
    groups = [message for item, message in messages.items() if item not in listed]
    if groups and not errors:
        errors.append(conflict(groups[0], "sopInstanceUids"))
    if errors:
        raise DomainErrors(errors)


async def _checked_homes(
    context: Context, transaction: Transaction, study_uuid: UUID, permissions: Permissions
) -> list[UUID]:
    """Return the folders with the part of a study that the viewer sees, having checked the role."""
    homes = folders_of(await visible_part(transaction, context.viewer, study_uuid))
    roles = await permissions.roles(transaction, "folder_uuid", homes)
    for uuid in homes:
        roles.require(uuid, "folderUuid")
    return homes


async def _editable_study(
    context: Context, transaction: Transaction, input: DicomStudyInput, permissions: Permissions
) -> UUID:
    """Return the study that an input names, having checked the role on its folders."""
    study_uuid = await find_study(transaction.connection, context.viewer, study_key(input))
    await _checked_homes(context, transaction, study_uuid, permissions)
    return study_uuid


def _corrections(input: DicomStudyPhiInput) -> dict[str, Any]:
    """Return the attributes that are set, by their columns."""
    values: dict[str, Any] = {}
    for name, value in vars(input).items():
        path = ("values", camel_case(name))
        if value is UNSET:
            continue
        if value is not None and name in _CHECKS:
            _CHECKS[name](value, *path)
        elif value is not None and len(value) > _LENGTHS[name]:
            raise bad_input(sized(path[-1], 0, _LENGTHS[name], len(value)), *path)
        values[name] = value or None
    if not values:
        raise bad_input("Set at least one attribute.", "values")
    return values
