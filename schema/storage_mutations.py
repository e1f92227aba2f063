"""The mutations of folders, items and studies, and of the jobs on them, one line per mutation."""

from __future__ import annotations

import strawberry

from resolvers.mutations.copies import copy_storage_items, duplicate_storage_item
from resolvers.mutations.data_groups import create_data_groups
from resolvers.mutations.dicom import (
    add_study_attachment,
    clear_dicom_study_cache,
    delete_dicom_instances,
    delete_study_attachment,
    set_dicom_study_phi,
)
from resolvers.mutations.dicom_anonymization import anonymize_dicom_studies
from resolvers.mutations.dicom_copies import (
    clone_dicom_study,
    merge_dicom_studies,
    split_dicom_study,
)
from resolvers.mutations.dicom_deletion import delete_dicom_study
from resolvers.mutations.dicom_reading import extract_dicom_metadata
from resolvers.mutations.file_items import create_link_item, create_storage_item
from resolvers.mutations.folder_copies import copy_storage_folder
from resolvers.mutations.folders import (
    create_storage_folder,
    delete_storage_folder,
    move_storage_folders,
    update_storage_folder,
    update_storage_folders,
)
from resolvers.mutations.imports import import_tree
from resolvers.mutations.items import (
    delete_storage_items,
    move_storage_items,
    update_storage_item,
    update_storage_items,
)
from resolvers.mutations.job_cancellation import cancel_job
from resolvers.mutations.jobs import cancel_upload_job, start_upload_job
from resolvers.mutations.metadata_entries import (
    clear_storage_item_metadata,
    delete_storage_item_metadata,
    set_storage_item_metadata,
)
from resolvers.mutations.new_folders import create_storage_folders
from resolvers.mutations.reencoding import cancel_video_reencode, start_video_reencode
from resolvers.mutations.revisions import (
    delete_bitstreams,
    delete_item_revisions,
    restore_item_revision,
    set_thumbnail,
    update_bitstream,
)
from resolvers.mutations.shares import share_storage_items, unshare_storage_items
from resolvers.mutations.syncs import (
    cancel_cloud_folder_sync,
    set_folder_auto_sync,
    set_folder_metadata_ingestion,
    start_cloud_folder_sync,
)
from resolvers.mutations.uploads import (
    abort_uploads,
    complete_upload_parts,
    renew_upload_urls,
    request_upload_urls,
    sign_upload_parts,
)
from resolvers.mutations.visibility import set_storage_folder_visibility
from schema.fields import mutation
from schema.payloads.copies import (
    CopyStorageFolderPayload,
    CopyStorageItemsPayload,
    DuplicateStorageItemPayload,
)
from schema.payloads.data_groups import CreateDataGroupsPayload
from schema.payloads.dicom import (
    AddStudyAttachmentPayload,
    ClearDicomStudyCachePayload,
    DeleteDicomInstancesPayload,
    DeleteStudyAttachmentPayload,
    ExtractDicomMetadataPayload,
    SetDicomStudyPhiPayload,
)
from schema.payloads.dicom_jobs import (
    AnonymizeDicomStudiesPayload,
    CloneDicomStudyPayload,
    DeleteDicomStudyPayload,
    MergeDicomStudiesPayload,
    SplitDicomStudyPayload,
)
from schema.payloads.folders import (
    CreateStorageFolderPayload,
    CreateStorageFoldersPayload,
    DeleteStorageFolderPayload,
    MoveStorageFoldersPayload,
    SetStorageFolderVisibilityPayload,
    UpdateStorageFolderPayload,
    UpdateStorageFoldersPayload,
)
from schema.payloads.imports import ImportTreePayload
from schema.payloads.items import (
    ClearStorageItemMetadataPayload,
    DeleteStorageItemMetadataPayload,
    DeleteStorageItemsPayload,
    MoveStorageItemsPayload,
    SetStorageItemMetadataPayload,
    ShareStorageItemsPayload,
    UnshareStorageItemsPayload,
    UpdateStorageItemPayload,
    UpdateStorageItemsPayload,
)
from schema.payloads.jobs import CancelJobPayload
from schema.payloads.reencoding import CancelVideoReencodePayload, StartVideoReencodePayload
from schema.payloads.revisions import (
    CreateLinkItemPayload,
    CreateStorageItemPayload,
    DeleteBitstreamsPayload,
    DeleteItemRevisionsPayload,
    RestoreItemRevisionPayload,
    SetThumbnailPayload,
    UpdateBitstreamPayload,
)
from schema.payloads.syncs import (
    CancelCloudFolderSyncPayload,
    SetFolderAutoSyncPayload,
    SetFolderMetadataIngestionPayload,
    StartCloudFolderSyncPayload,
)
from schema.payloads.uploads import (
    AbortUploadsPayload,
    CancelUploadJobPayload,
    CompleteUploadPartsPayload,
    RenewUploadUrlsPayload,
    RequestUploadUrlsPayload,
    SignUploadPartsPayload,
    StartUploadJobPayload,
)


@strawberry.type(description="The mutations of what folders contain.")
class StorageMutations:
    """Part of the mutation root, which inherits these fields."""

    create_storage_folder: CreateStorageFolderPayload = mutation(create_storage_folder)
    create_storage_folders: CreateStorageFoldersPayload = mutation(create_storage_folders)
    update_storage_folder: UpdateStorageFolderPayload = mutation(update_storage_folder)
    update_storage_folders: UpdateStorageFoldersPayload = mutation(update_storage_folders)
    move_storage_folders: MoveStorageFoldersPayload = mutation(move_storage_folders)
    set_storage_folder_visibility: SetStorageFolderVisibilityPayload = mutation(
        set_storage_folder_visibility
    )
    delete_storage_folder: DeleteStorageFolderPayload = mutation(delete_storage_folder)
    create_storage_item: CreateStorageItemPayload = mutation(create_storage_item)
    create_link_item: CreateLinkItemPayload = mutation(create_link_item)
    update_bitstream: UpdateBitstreamPayload = mutation(update_bitstream)
    set_thumbnail: SetThumbnailPayload = mutation(set_thumbnail)
    delete_bitstreams: DeleteBitstreamsPayload = mutation(delete_bitstreams)
    restore_item_revision: RestoreItemRevisionPayload = mutation(restore_item_revision)
    delete_item_revisions: DeleteItemRevisionsPayload = mutation(delete_item_revisions)
    update_storage_item: UpdateStorageItemPayload = mutation(update_storage_item)
    update_storage_items: UpdateStorageItemsPayload = mutation(update_storage_items)
    set_storage_item_metadata: SetStorageItemMetadataPayload = mutation(set_storage_item_metadata)
    delete_storage_item_metadata: DeleteStorageItemMetadataPayload = mutation(
        delete_storage_item_metadata
    )
    clear_storage_item_metadata: ClearStorageItemMetadataPayload = mutation(
        clear_storage_item_metadata
    )
    move_storage_items: MoveStorageItemsPayload = mutation(move_storage_items)
    delete_storage_items: DeleteStorageItemsPayload = mutation(delete_storage_items)
    duplicate_storage_item: DuplicateStorageItemPayload = mutation(duplicate_storage_item)
    copy_storage_items: CopyStorageItemsPayload = mutation(copy_storage_items)
    copy_storage_folder: CopyStorageFolderPayload = mutation(copy_storage_folder)
    share_storage_items: ShareStorageItemsPayload = mutation(share_storage_items)
    unshare_storage_items: UnshareStorageItemsPayload = mutation(unshare_storage_items)
    delete_dicom_study: DeleteDicomStudyPayload = mutation(delete_dicom_study)
    delete_dicom_instances: DeleteDicomInstancesPayload = mutation(delete_dicom_instances)
    add_study_attachment: AddStudyAttachmentPayload = mutation(add_study_attachment)
    delete_study_attachment: DeleteStudyAttachmentPayload = mutation(delete_study_attachment)
    set_dicom_study_phi: SetDicomStudyPhiPayload = mutation(set_dicom_study_phi)
    clear_dicom_study_cache: ClearDicomStudyCachePayload = mutation(clear_dicom_study_cache)
    extract_dicom_metadata: ExtractDicomMetadataPayload = mutation(extract_dicom_metadata)
    split_dicom_study: SplitDicomStudyPayload = mutation(split_dicom_study)
    merge_dicom_studies: MergeDicomStudiesPayload = mutation(merge_dicom_studies)
    clone_dicom_study: CloneDicomStudyPayload = mutation(clone_dicom_study)
    anonymize_dicom_studies: AnonymizeDicomStudiesPayload = mutation(anonymize_dicom_studies)
    create_data_groups: CreateDataGroupsPayload = mutation(create_data_groups)
    request_upload_urls: RequestUploadUrlsPayload = mutation(request_upload_urls)
    renew_upload_urls: RenewUploadUrlsPayload = mutation(renew_upload_urls)
    sign_upload_parts: SignUploadPartsPayload = mutation(sign_upload_parts)
    complete_upload_parts: CompleteUploadPartsPayload = mutation(complete_upload_parts)
    abort_uploads: AbortUploadsPayload = mutation(abort_uploads)
    import_tree: ImportTreePayload = mutation(import_tree)
    start_upload_job: StartUploadJobPayload = mutation(start_upload_job)
    cancel_job: CancelJobPayload = mutation(cancel_job)
    cancel_upload_job: CancelUploadJobPayload = mutation(cancel_upload_job)
    start_video_reencode: StartVideoReencodePayload = mutation(start_video_reencode)
    cancel_video_reencode: CancelVideoReencodePayload = mutation(cancel_video_reencode)
    start_cloud_folder_sync: StartCloudFolderSyncPayload = mutation(start_cloud_folder_sync)
    cancel_cloud_folder_sync: CancelCloudFolderSyncPayload = mutation(cancel_cloud_folder_sync)
    set_folder_metadata_ingestion: SetFolderMetadataIngestionPayload = mutation(
        set_folder_metadata_ingestion
    )
    set_folder_auto_sync: SetFolderAutoSyncPayload = mutation(set_folder_auto_sync)
