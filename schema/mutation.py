"""The mutation root, one line per mutation; `schema/storage_mutations.py` has the first part."""

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
from resolvers.mutations.dataset_users import add_dataset_users, remove_dataset_users
from resolvers.mutations.datasets import (
    create_dataset,
    delete_dataset,
    link_items_to_dataset,
    unlink_items_from_dataset,
    update_dataset,
)
from resolvers.mutations.dicom_indexed_tags import add_dicom_indexed_tag, remove_dicom_indexed_tag
from resolvers.mutations.grants import (
    add_cloud_integration_groups,
    add_dataset_groups,
    add_storage_folder_groups,
    remove_cloud_integration_groups,
    remove_dataset_groups,
    remove_storage_folder_groups,
)
from resolvers.mutations.integrations import (
    create_cloud_integration,
    delete_cloud_integration,
    update_cloud_integration,
    verify_cloud_integration,
)
from resolvers.mutations.metadata import (
    delete_metadata_schema_field,
    restore_metadata_schema_field,
    set_metadata_schema_field,
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
from resolvers.mutations.sessions import (
    confirm_one_time_password,
    create_session,
    enrol_one_time_password,
    reset_one_time_password,
    rotate_api_key,
)
from resolvers.mutations.tags import (
    add_storage_folder_tags,
    create_organisation_tag,
    delete_organisation_tag,
    remove_storage_folder_tags,
)
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
from schema.payloads.datasets import (
    AddDatasetUsersPayload,
    CreateDatasetPayload,
    DeleteDatasetPayload,
    LinkItemsToDatasetPayload,
    RemoveDatasetUsersPayload,
    UnlinkItemsFromDatasetPayload,
    UpdateDatasetPayload,
)
from schema.payloads.dicom_indexed_tags import (
    AddDicomIndexedTagPayload,
    RemoveDicomIndexedTagPayload,
)
from schema.payloads.grants import (
    AddDatasetGroupsPayload,
    AddStorageFolderGroupsPayload,
    RemoveDatasetGroupsPayload,
    RemoveStorageFolderGroupsPayload,
)
from schema.payloads.integrations import (
    AddCloudIntegrationGroupsPayload,
    CreateCloudIntegrationPayload,
    DeleteCloudIntegrationPayload,
    RemoveCloudIntegrationGroupsPayload,
    UpdateCloudIntegrationPayload,
    VerifyCloudIntegrationPayload,
)
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
from schema.payloads.sessions import (
    ConfirmOneTimePasswordPayload,
    CreateSessionPayload,
    EnrolOneTimePasswordPayload,
    ResetOneTimePasswordPayload,
    RotateApiKeyPayload,
)
from schema.payloads.tags import (
    AddStorageFolderTagsPayload,
    CreateOrganisationTagPayload,
    DeleteOrganisationTagPayload,
    RemoveStorageFolderTagsPayload,
)
from schema.storage_mutations import StorageMutations


@strawberry.type(
    description="Operations that change data. If a mutation fails, nothing is changed, `userErrors` "
    "says why, and all other fields of the payload are null. Bulk mutations with `results` report "
    "the error of each entry there. Errors that are not caused by the input are top-level errors."
)
class Mutation(StorageMutations):
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
