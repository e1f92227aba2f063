"""The mutation that deletes a DICOM study."""

from dataclasses import dataclass
from uuid import UUID

from gateway.catalog.dicom_deletion import start_study_deletion
from gateway.catalog.dicom_jobs import check_dataset_uses, visible_part
from gateway.catalog.dicom_study_keys import find_study
from gateway.catalog.dicom_units import StudySource, folders_of
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from resolvers.idempotency import create_once
from resolvers.inputs.dicom_studies import DeleteDicomStudyInput, study_key
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import ADMIN


@dataclass(frozen=True, slots=True)
class DeleteDicomStudyOutcome(Outcome):
    """Outcome of `deleteDicomStudy`."""

    job_uuid: UUID | None = None


@requires(ADMIN.on_study("folder_uuid"))
async def delete_dicom_study(
    context: Context, input: DeleteDicomStudyInput, permissions: Permissions
) -> DeleteDicomStudyOutcome:
    """Start a job that deletes a DICOM study: all versions of its instances, and its attachments.

    The job deletes all parts of the study that the caller sees, whatever folder they are in; parts
    that the caller cannot see stay as they are. DICOM series (`DicomSeriesItem`) whose members are
    all deleted go with them. Fails with `CONFLICT` if datasets use some of it, unless
    `allowDatasetChanges`, or `allowMirrorDatasetChanges` for mirror datasets, is set. Instances
    that cannot be deleted, such as members of other groups, are units with an error.
    """
    queue, viewer = context.services.queue, context.viewer
    async with context.database.writing() as transaction:

        async def start() -> UUID:
            await lock_tree(transaction.connection, exclusive=False)
            source = await _deletable_part(context, transaction, input, permissions)
            return await start_study_deletion(
                transaction,
                queue,
                viewer,
                source,
                input.study_uid,
                keep_attachments=input.keep_attachments,
                allow_dataset=input.allow_dataset_changes,
                allow_mirror=input.allow_mirror_dataset_changes,
            )

        uuid = await create_once(
            context, transaction, "deleteDicomStudy", input, "job", start, permissions
        )
    return DeleteDicomStudyOutcome(job_uuid=uuid)


async def _deletable_part(
    context: Context,
    transaction: Transaction,
    input: DeleteDicomStudyInput,
    permissions: Permissions,
) -> StudySource:
    """Return the part of the study that is deleted; raise `DomainError` if it must not be."""
    study_uuid = await find_study(transaction.connection, context.viewer, study_key(input))
    source = await visible_part(transaction, context.viewer, study_uuid, attachments=True)
    homes = folders_of(source)
    roles = await permissions.roles(transaction, "folder_uuid", homes)
    for uuid in homes:
        roles.require(uuid, "folderUuid")
    await check_dataset_uses(
        transaction,
        source,
        attachments=not input.keep_attachments,
        allow_dataset=input.allow_dataset_changes,
        allow_mirror=input.allow_mirror_dataset_changes,
        path=("studyUid",),
    )
    return source
