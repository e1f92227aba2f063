"""The mutation root, one line per mutation."""

from __future__ import annotations

import strawberry

from resolvers.mutations.access import set_storage_folder_access
from resolvers.mutations.collections import (
    add_collection_items,
    add_collection_items_by_title,
    add_collection_preset_items,
    create_collection,
    create_filter_preset,
    delete_collection,
    delete_filter_preset,
    remove_collection_items,
    remove_collection_preset_items,
    update_collection,
)
from resolvers.mutations.communities import delete_community, upsert_community
from resolvers.mutations.community_members import (
    answer_join_request,
    invite_to_community,
    join_community,
    leave_community,
    set_community_members,
)
from resolvers.mutations.copies import copy_storage_items, duplicate_storage_item
from resolvers.mutations.data_groups import create_data_groups
from resolvers.mutations.dataset_users import add_dataset_users, remove_dataset_users
from resolvers.mutations.datasets import (
    create_dataset,
    delete_dataset,
    link_items_to_dataset,
    unlink_items_from_dataset,
    update_dataset,
)
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
from resolvers.mutations.dicom_indexed_tags import add_dicom_indexed_tag, remove_dicom_indexed_tag
from resolvers.mutations.dicom_reading import extract_dicom_metadata
from resolvers.mutations.file_items import create_link_item, create_storage_item
from resolvers.mutations.folders import (
    create_storage_folder,
    delete_storage_folder,
    move_storage_folders,
    update_storage_folder,
    update_storage_folders,
)
from resolvers.mutations.grants import (
    add_cloud_integration_groups,
    add_dataset_groups,
    add_storage_folder_groups,
    remove_cloud_integration_groups,
    remove_dataset_groups,
    remove_storage_folder_groups,
)
from resolvers.mutations.imports import import_tree
from resolvers.mutations.integrations import (
    create_cloud_integration,
    delete_cloud_integration,
    update_cloud_integration,
    verify_cloud_integration,
)
from resolvers.mutations.items import (
    delete_storage_items,
    move_storage_items,
    update_storage_item,
    update_storage_items,
)
from resolvers.mutations.job_cancellation import cancel_job
from resolvers.mutations.jobs import (
    cancel_upload_job,
    start_upload_job,
)
from resolvers.mutations.metadata import (
    delete_metadata_schema_field,
    restore_metadata_schema_field,
    set_metadata_schema_field,
)
from resolvers.mutations.metadata_entries import (
    clear_storage_item_metadata,
    delete_storage_item_metadata,
    set_storage_item_metadata,
)
from resolvers.mutations.metric_results import (
    add_metric_scalars,
    import_metric_results,
    link_item_to_metric,
)
from resolvers.mutations.migration import migrate_storage_items
from resolvers.mutations.people import (
    add_group_users,
    create_api_key,
    create_group,
    create_user,
    delete_group,
    remove_group_users,
    revoke_api_key,
    update_group,
    update_user,
)
from resolvers.mutations.reencoding import cancel_video_reencode, start_video_reencode
from resolvers.mutations.revisions import (
    delete_bitstreams,
    delete_item_revisions,
    restore_item_revision,
    set_thumbnail,
    update_bitstream,
)
from resolvers.mutations.sessions import (
    confirm_one_time_password,
    create_session,
    enrol_one_time_password,
    reset_one_time_password,
    rotate_api_key,
)
from resolvers.mutations.shares import share_storage_items, unshare_storage_items
from resolvers.mutations.syncs import (
    cancel_cloud_folder_sync,
    set_folder_auto_sync,
    set_folder_metadata_ingestion,
    start_cloud_folder_sync,
)
from resolvers.mutations.tags import (
    add_storage_folder_tags,
    create_organisation_tag,
    delete_organisation_tag,
    remove_storage_folder_tags,
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
from schema.payloads.access import SetStorageFolderAccessPayload
from schema.payloads.collections import (
    AddCollectionItemsByTitlePayload,
    AddCollectionItemsPayload,
    AddCollectionPresetItemsPayload,
    CreateCollectionPayload,
    CreateFilterPresetPayload,
    DeleteCollectionPayload,
    DeleteFilterPresetPayload,
    RemoveCollectionItemsPayload,
    RemoveCollectionPresetItemsPayload,
    UpdateCollectionPayload,
)
from schema.payloads.communities import (
    AnswerJoinRequestPayload,
    DeleteCommunityPayload,
    InviteToCommunityPayload,
    JoinCommunityPayload,
    LeaveCommunityPayload,
    SetCommunityMembersPayload,
    UpsertCommunityPayload,
)
from schema.payloads.copies import CopyStorageItemsPayload, DuplicateStorageItemPayload
from schema.payloads.data_groups import CreateDataGroupsPayload
from schema.payloads.datasets import (
    AddDatasetUsersPayload,
    CreateDatasetPayload,
    DeleteDatasetPayload,
    LinkItemsToDatasetPayload,
    RemoveDatasetUsersPayload,
    UnlinkItemsFromDatasetPayload,
    UpdateDatasetPayload,
)
from schema.payloads.dicom import (
    AddStudyAttachmentPayload,
    ClearDicomStudyCachePayload,
    DeleteDicomInstancesPayload,
    DeleteStudyAttachmentPayload,
    ExtractDicomMetadataPayload,
    SetDicomStudyPhiPayload,
)
from schema.payloads.dicom_indexed_tags import (
    AddDicomIndexedTagPayload,
    RemoveDicomIndexedTagPayload,
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
    DeleteStorageFolderPayload,
    MoveStorageFoldersPayload,
    SetStorageFolderVisibilityPayload,
    UpdateStorageFolderPayload,
    UpdateStorageFoldersPayload,
)
from schema.payloads.grants import (
    AddDatasetGroupsPayload,
    AddStorageFolderGroupsPayload,
    RemoveDatasetGroupsPayload,
    RemoveStorageFolderGroupsPayload,
)
from schema.payloads.imports import ImportTreePayload
from schema.payloads.integrations import (
    AddCloudIntegrationGroupsPayload,
    CreateCloudIntegrationPayload,
    DeleteCloudIntegrationPayload,
    RemoveCloudIntegrationGroupsPayload,
    UpdateCloudIntegrationPayload,
    VerifyCloudIntegrationPayload,
)
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
from schema.payloads.metadata import (
    DeleteMetadataSchemaFieldPayload,
    RestoreMetadataSchemaFieldPayload,
    SetMetadataSchemaFieldPayload,
)
from schema.payloads.metric_results import (
    AddMetricScalarsPayload,
    ImportMetricResultsPayload,
    LinkItemToMetricPayload,
)
from schema.payloads.migration import MigrateStorageItemsPayload
from schema.payloads.people import (
    AddGroupUsersPayload,
    CreateApiKeyPayload,
    CreateGroupPayload,
    CreateUserPayload,
    DeleteGroupPayload,
    RemoveGroupUsersPayload,
    RevokeApiKeyPayload,
    UpdateGroupPayload,
    UpdateUserPayload,
)
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
from schema.payloads.sessions import (
    ConfirmOneTimePasswordPayload,
    CreateSessionPayload,
    EnrolOneTimePasswordPayload,
    ResetOneTimePasswordPayload,
    RotateApiKeyPayload,
)
from schema.payloads.syncs import (
    CancelCloudFolderSyncPayload,
    SetFolderAutoSyncPayload,
    SetFolderMetadataIngestionPayload,
    StartCloudFolderSyncPayload,
)
from schema.payloads.tags import (
    AddStorageFolderTagsPayload,
    CreateOrganisationTagPayload,
    DeleteOrganisationTagPayload,
    RemoveStorageFolderTagsPayload,
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


@strawberry.type(
    description="Operations that change data. If a mutation fails, nothing is changed, `userErrors` "
    "says why, and all other fields of the payload are null. Bulk mutations with `results` report "
    "the error of each entry there. Errors that are not caused by the input are top-level errors."
)
class Mutation:
    create_storage_folder: CreateStorageFolderPayload = mutation(create_storage_folder)
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
    add_metric_scalars: AddMetricScalarsPayload = mutation(add_metric_scalars)
    import_metric_results: ImportMetricResultsPayload = mutation(import_metric_results)
    link_item_to_metric: LinkItemToMetricPayload = mutation(link_item_to_metric)
    upsert_community: UpsertCommunityPayload = mutation(upsert_community)
    delete_community: DeleteCommunityPayload = mutation(delete_community)
    join_community: JoinCommunityPayload = mutation(join_community)
    leave_community: LeaveCommunityPayload = mutation(leave_community)
    invite_to_community: InviteToCommunityPayload = mutation(invite_to_community)
    answer_join_request: AnswerJoinRequestPayload = mutation(answer_join_request)
    set_community_members: SetCommunityMembersPayload = mutation(set_community_members)
    create_dataset: CreateDatasetPayload = mutation(create_dataset)
    update_dataset: UpdateDatasetPayload = mutation(update_dataset)
    delete_dataset: DeleteDatasetPayload = mutation(delete_dataset)
    link_items_to_dataset: LinkItemsToDatasetPayload = mutation(link_items_to_dataset)
    unlink_items_from_dataset: UnlinkItemsFromDatasetPayload = mutation(unlink_items_from_dataset)
    set_storage_folder_access: SetStorageFolderAccessPayload = mutation(set_storage_folder_access)
    add_storage_folder_groups: AddStorageFolderGroupsPayload = mutation(add_storage_folder_groups)
    remove_storage_folder_groups: RemoveStorageFolderGroupsPayload = mutation(
        remove_storage_folder_groups
    )
    add_dataset_groups: AddDatasetGroupsPayload = mutation(add_dataset_groups)
    remove_dataset_groups: RemoveDatasetGroupsPayload = mutation(remove_dataset_groups)
    create_user: CreateUserPayload = mutation(create_user)
    update_user: UpdateUserPayload = mutation(update_user)
    create_group: CreateGroupPayload = mutation(create_group)
    update_group: UpdateGroupPayload = mutation(update_group)
    delete_group: DeleteGroupPayload = mutation(delete_group)
    add_group_users: AddGroupUsersPayload = mutation(add_group_users)
    remove_group_users: RemoveGroupUsersPayload = mutation(remove_group_users)
    create_api_key: CreateApiKeyPayload = mutation(create_api_key)
    revoke_api_key: RevokeApiKeyPayload = mutation(revoke_api_key)
    rotate_api_key: RotateApiKeyPayload = mutation(rotate_api_key)
    create_session: CreateSessionPayload = mutation(create_session)
    enrol_one_time_password: EnrolOneTimePasswordPayload = mutation(enrol_one_time_password)
    confirm_one_time_password: ConfirmOneTimePasswordPayload = mutation(confirm_one_time_password)
    reset_one_time_password: ResetOneTimePasswordPayload = mutation(reset_one_time_password)
    add_dicom_indexed_tag: AddDicomIndexedTagPayload = mutation(add_dicom_indexed_tag)
    remove_dicom_indexed_tag: RemoveDicomIndexedTagPayload = mutation(remove_dicom_indexed_tag)
    set_metadata_schema_field: SetMetadataSchemaFieldPayload = mutation(set_metadata_schema_field)
    delete_metadata_schema_field: DeleteMetadataSchemaFieldPayload = mutation(
        delete_metadata_schema_field
    )
    restore_metadata_schema_field: RestoreMetadataSchemaFieldPayload = mutation(
        restore_metadata_schema_field
    )
    migrate_storage_items: MigrateStorageItemsPayload = mutation(migrate_storage_items)
    create_cloud_integration: CreateCloudIntegrationPayload = mutation(create_cloud_integration)
    update_cloud_integration: UpdateCloudIntegrationPayload = mutation(update_cloud_integration)
    verify_cloud_integration: VerifyCloudIntegrationPayload = mutation(verify_cloud_integration)
    delete_cloud_integration: DeleteCloudIntegrationPayload = mutation(delete_cloud_integration)
    add_cloud_integration_groups: AddCloudIntegrationGroupsPayload = mutation(
        add_cloud_integration_groups
    )
    remove_cloud_integration_groups: RemoveCloudIntegrationGroupsPayload = mutation(
        remove_cloud_integration_groups
    )
    create_organisation_tag: CreateOrganisationTagPayload = mutation(create_organisation_tag)
    delete_organisation_tag: DeleteOrganisationTagPayload = mutation(delete_organisation_tag)
    add_storage_folder_tags: AddStorageFolderTagsPayload = mutation(add_storage_folder_tags)
    remove_storage_folder_tags: RemoveStorageFolderTagsPayload = mutation(
        remove_storage_folder_tags
    )
    create_collection: CreateCollectionPayload = mutation(create_collection)
    update_collection: UpdateCollectionPayload = mutation(update_collection)
    delete_collection: DeleteCollectionPayload = mutation(delete_collection)
    add_collection_items: AddCollectionItemsPayload = mutation(add_collection_items)
    remove_collection_items: RemoveCollectionItemsPayload = mutation(remove_collection_items)
    add_collection_items_by_title: AddCollectionItemsByTitlePayload = mutation(
        add_collection_items_by_title
    )
    add_collection_preset_items: AddCollectionPresetItemsPayload = mutation(
        add_collection_preset_items
    )
    remove_collection_preset_items: RemoveCollectionPresetItemsPayload = mutation(
        remove_collection_preset_items
    )
    create_filter_preset: CreateFilterPresetPayload = mutation(create_filter_preset)
    delete_filter_preset: DeleteFilterPresetPayload = mutation(delete_filter_preset)
    add_dataset_users: AddDatasetUsersPayload = mutation(add_dataset_users)
    remove_dataset_users: RemoveDatasetUsersPayload = mutation(remove_dataset_users)
