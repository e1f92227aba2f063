"""Mutations that split, merge and clone DICOM studies."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.catalog.dicom_copies import start_copies
from gateway.catalog.dicom_copy_plans import (
    Deletion,
    copies_of,
    find_study_row,
    new_secret,
    new_study_uid,
    study_attributes,
    uid_rules,
)
from gateway.catalog.dicom_jobs import (
    check_dataset_uses,
    series_of,
    shows_identities,
    visible_part,
)
from gateway.catalog.dicom_study_keys import find_study
from gateway.catalog.dicom_units import StudySource, folders_of
from gateway.catalog.visibilities import publishes_copies_of
from gateway.context import Context
from gateway.database.dialects import lock_tree
from gateway.database.engine import Transaction
from gateway.error_texts import IS_SYNCED, published
from gateway.errors import bad_input, conflict, forbidden, not_found
from gateway.kinds.enums import DicomCopyOperation, StorageFolderType
from gateway.models.folders import FolderRecord, folders
from resolvers.id_lists import check_list_size
from resolvers.idempotency import create_once
from resolvers.inputs.dicom_copies import (
    CloneDicomStudyInput,
    MergeDicomStudiesInput,
    SplitDicomStudyInput,
)
from resolvers.inputs.dicom_studies import DicomStudyInput, study_key
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import ADMIN, USER

MAX_STUDIES = 100
MAX_SERIES = 1_000
SHOWS_IDENTITIES = (
    "You do not see identities of patients where the instances are, but would in the target folder."
)


@dataclass(frozen=True, slots=True)
class SplitDicomStudyOutcome(Outcome):
    """Outcome of `splitDicomStudy`."""

    job_uuid: UUID | None = None


@dataclass(frozen=True, slots=True)
class CloneDicomStudyOutcome(Outcome):
    """Outcome of `cloneDicomStudy`."""

    job_uuid: UUID | None = None


@dataclass(frozen=True, slots=True)
class MergeDicomStudiesOutcome(Outcome):
    """Outcome of `mergeDicomStudies`."""

    job_uuid: UUID | None = None


@requires(
    USER.on_receiving_folder("target_folder_uuid", "the target folder"),
    ADMIN.on_study("folder_uuid", ", if `deleteFromSource` is set"),
)
async def split_dicom_study(
    context: Context, input: SplitDicomStudyInput, permissions: Permissions
) -> SplitDicomStudyOutcome:
    """Start a job that copies series of a DICOM study as a new study into a folder.

    The copies have new UIDs: `job.studyUids` has that of the new study at once. References among
    the copied instances lead to the copies; pixels are copied byte for byte. Attachments stay with
    the study.
    """
    deletion = Deletion(
        input.delete_from_source, input.allow_dataset_changes, input.allow_mirror_dataset_changes
    )
    series, split = input.series_uids, DicomCopyOperation.SPLIT
    uuid = await _start_new_study(
        context, input, permissions, split, "splitDicomStudy", series, deletion
    )
    return SplitDicomStudyOutcome(job_uuid=uuid)


@requires(USER.on_receiving_folder("target_folder_uuid", "the target folder"))
async def clone_dicom_study(
    context: Context, input: CloneDicomStudyInput, permissions: Permissions
) -> CloneDicomStudyOutcome:
    """Start a job that copies a DICOM study, as far as the caller sees it, as a new study.

    The copies have new UIDs, see `splitDicomStudy`. Attachments are not copied.
    """
    clone = DicomCopyOperation.CLONE
    uuid = await _start_new_study(
        context, input, permissions, clone, "cloneDicomStudy", None, Deletion()
    )
    return CloneDicomStudyOutcome(job_uuid=uuid)


@requires(
    USER.on_study("primary", ": on the one that gets the copies"),
    ADMIN.on_study("secondaries", ", if `deleteSecondaries` is set"),
)
async def merge_dicom_studies(
    context: Context, input: MergeDicomStudiesInput, permissions: Permissions
) -> MergeDicomStudiesOutcome:
    """Start a job that copies series of DICOM studies into another study.

    The copies get the attributes of its patient and study, and new UIDs, see `splitDicomStudy`. An
    instance whose SOP Instance UID the study has already gets a new one in any case. Attachments
    stay with their studies.
    """
    check_list_size(input.secondaries, "secondaries", maximum=MAX_STUDIES)
    check_series(input.series_uids)
    viewer, queue = context.viewer, context.services.queue
    deletion = Deletion(
        input.delete_secondaries, input.allow_dataset_changes, input.allow_mirror_dataset_changes
    )
    async with context.database.writing() as transaction:

        async def start() -> UUID:
            await lock_tree(transaction.connection, exclusive=False)
            primary_uuid = await find_study(
                transaction.connection, viewer, study_key(input.primary), "primary"
            )
            primary = await visible_part(transaction, viewer, primary_uuid)
            target = _receiving_folder(input.primary, primary)
            roles = await permissions.roles(transaction, "primary", [target])
            roles.require(target, "primary", "folderUuid")
            await _check_is_generic(transaction, target, "primary", "folderUuid")
            paths = [("secondaries", number) for number in range(len(input.secondaries))]
            others, series = input.secondaries, input.series_uids
            sources = await copied_parts(
                transaction, context, others, series, paths, besides=primary_uuid
            )
            await _check_removal(transaction, sources, deletion, permissions)
            parts, path = [*sources, primary], ("primary", "folderUuid")
            await check_target(transaction, viewer, parts, target, input.allow_public, *path)
            study = await find_study_row(transaction, primary_uuid)
            uid, options = study.study_uid, (input.new_series_uids, input.new_instance_uids)
            rules = [uid_rules(each.study_uid, uid, *options) for each in input.secondaries]
            attributes = await study_attributes(transaction, study, primary)
            spec = copies_of(
                sources, rules, new_secret(), deletion, into=primary_uuid, study=attributes
            )
            merge = DicomCopyOperation.MERGE
            return await start_copies(transaction, queue, viewer, merge, spec, target, [uid])

        uuid = await create_once(
            context, transaction, "mergeDicomStudies", input, "job", start, permissions
        )
    return MergeDicomStudiesOutcome(job_uuid=uuid)


async def _start_new_study(
    context: Context,
    input: SplitDicomStudyInput | CloneDicomStudyInput,
    permissions: Permissions,
    operation: DicomCopyOperation,
    mutation: str,
    series: list[str] | None,
    deletion: Deletion,
) -> UUID:
    """Start a job that copies series of a study as a new one, and return its UUID."""
    check_series(series)
    viewer, queue = context.viewer, context.services.queue
    async with context.database.writing() as transaction:

        async def start() -> UUID:
            await lock_tree(transaction.connection, exclusive=False)
            await permissions.check(transaction)
            [source] = await copied_parts(transaction, context, [input], series, [()])
            if operation is DicomCopyOperation.SPLIT:
                homes = folders_of(source) if deletion.is_wanted else []
                roles = await permissions.roles(transaction, "folder_uuid", homes)
                for home in homes:
                    roles.require(home, "folderUuid")
            await _check_source(transaction, source, deletion)
            target = input.target_folder_uuid
            await check_target(
                transaction, viewer, [source], target, input.allow_public, "targetFolderUuid"
            )
            secret = new_secret()
            uid = new_study_uid(secret, input.study_uid)
            rules = [
                uid_rules(input.study_uid, uid, input.new_series_uids, input.new_instance_uids)
            ]
            spec = copies_of([source], rules, secret, deletion)
            return await start_copies(transaction, queue, viewer, operation, spec, target, [uid])

        return await create_once(context, transaction, mutation, input, "job", start, permissions)


def check_series(series: Sequence[str] | None) -> None:
    """Check the number of series of an input.

    Raises:
        DomainError: `BAD_USER_INPUT` or `LIMIT_EXCEEDED`.
    """
    if series is not None:
        check_list_size(series, "seriesUids", maximum=MAX_SERIES)


async def copied_parts(
    transaction: Transaction,
    context: Context,
    studies: Sequence[DicomStudyInput],
    series: Sequence[str] | None,
    paths: Sequence[tuple[str | int, ...]],
    *,
    besides: UUID | None = None,
) -> list[StudySource]:
    """Return the parts of studies that are copied: what the caller sees of these series.

    Args:
        paths: those of the studies in the input.
        besides: the study that they become a part of, which must not be among them.

    Raises:
        DomainError: the caller does not see a study, or none has one of the series.
    """
    sources: list[StudySource] = []
    known: set[str] = set()
    for study, path in zip(studies, paths, strict=True):
        uuid = await find_study(transaction.connection, context.viewer, study_key(study), *path)
        source = await visible_part(transaction, context.viewer, uuid, series)
        if uuid == besides:
            raise bad_input("The study cannot be merged with itself.", *path)
        if any(source["study"] == other["study"] for other in sources):
            raise bad_input("The study is listed twice.", *path)
        known |= await series_of(transaction, source)
        sources.append(source)
    for index, uid in enumerate(series or ()):
        if uid not in known:
            raise not_found("series", uid, "seriesUids", index)
    return sources


async def check_target(
    transaction: Transaction,
    viewer: Viewer,
    sources: Sequence[StudySource],
    target: UUID,
    allow_public: bool,
    *path: str,
) -> None:
    """Check that copies of parts of studies show nobody more in a folder than the originals do.

    Raises:
        DomainError: `FORBIDDEN` if the viewer would see identities, `CONFLICT` if the copies would
            become public and must not.
    """
    if await shows_identities(transaction, viewer, sources, target):
        raise forbidden(SHOWS_IDENTITIES, *path)
    homes = [home for source in sources for home in folders_of(source)]
    if not allow_public and await publishes_copies_of(transaction, homes, target):
        raise conflict(published("copy"), *path)


async def _check_removal(
    transaction: Transaction,
    sources: Sequence[StudySource],
    deletion: Deletion,
    permissions: Permissions,
) -> None:
    """Refuse to delete secondaries without the role, or that datasets use."""
    removed = sources if deletion.is_wanted else []
    homes = [home for source in removed for home in folders_of(source)]
    roles = await permissions.roles(transaction, "secondaries", homes)
    for number, source in enumerate(removed):
        for home in folders_of(source):
            roles.require(home, "secondaries", number)
        await _check_source(transaction, source, deletion, "secondaries", number)


async def _check_source(
    transaction: Transaction, source: StudySource, deletion: Deletion, *path: str | int
) -> None:
    """Refuse to delete instances that datasets use, unless that is allowed."""
    if deletion.is_wanted:
        await check_dataset_uses(
            transaction,
            source,
            attachments=False,
            allow_dataset=deletion.allow_dataset,
            allow_mirror=deletion.allow_mirror,
            path=(*path, "studyUid"),
        )


def _receiving_folder(primary: DicomStudyInput, source: StudySource) -> UUID:
    """Return the folder of a study that gets the copies."""
    homes = folders_of(source)
    if primary.folder_uuid in homes:
        return primary.folder_uuid
    if len(homes) != 1:
        message = "The study lies in several folders. Pass the one that gets the copies."
        raise bad_input(message, "primary", "folderUuid")
    return homes[0]


async def _check_is_generic(transaction: Transaction, uuid: UUID, *path: str) -> None:
    row = await transaction.single(sa.select(folders).where(folders.c.uuid == uuid), FolderRecord)
    if row.folder_type is not StorageFolderType.GENERIC:
        raise conflict(IS_SYNCED, *path)
