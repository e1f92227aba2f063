"""Every mutation, one line each."""

from __future__ import annotations

import strawberry

from resolvers.mutations.folders import (
    create_storage_folder,
    delete_storage_folder,
    move_storage_folders,
    update_storage_folder,
    update_storage_folders,
)
from resolvers.mutations.items import (
    delete_storage_items,
    move_storage_items,
    update_storage_item,
    update_storage_items,
)
from resolvers.mutations.jobs import cancel_upload_job, start_upload_job
from resolvers.mutations.uploads import (
    abort_uploads,
    complete_upload_parts,
    renew_upload_urls,
    request_upload_urls,
    sign_upload_parts,
)
from schema.fields import changes
from schema.payloads.folders import (
    CreateStorageFolderPayload,
    DeleteStorageFolderPayload,
    MoveStorageFoldersPayload,
    UpdateStorageFolderPayload,
    UpdateStorageFoldersPayload,
)
from schema.payloads.items import (
    DeleteStorageItemsPayload,
    MoveStorageItemsPayload,
    UpdateStorageItemPayload,
    UpdateStorageItemsPayload,
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


@strawberry.type(description="What can be changed. Each answers the changed objects, and refusals as data.")
class Mutation:
    create_storage_folder: CreateStorageFolderPayload = changes(create_storage_folder)
    update_storage_folder: UpdateStorageFolderPayload = changes(update_storage_folder)
    update_storage_folders: UpdateStorageFoldersPayload = changes(update_storage_folders)
    move_storage_folders: MoveStorageFoldersPayload = changes(move_storage_folders)
    delete_storage_folder: DeleteStorageFolderPayload = changes(delete_storage_folder)
    update_storage_item: UpdateStorageItemPayload = changes(update_storage_item)
    update_storage_items: UpdateStorageItemsPayload = changes(update_storage_items)
    move_storage_items: MoveStorageItemsPayload = changes(move_storage_items)
    delete_storage_items: DeleteStorageItemsPayload = changes(delete_storage_items)
    request_upload_urls: RequestUploadUrlsPayload = changes(request_upload_urls)
    renew_upload_urls: RenewUploadUrlsPayload = changes(renew_upload_urls)
    sign_upload_parts: SignUploadPartsPayload = changes(sign_upload_parts)
    complete_upload_parts: CompleteUploadPartsPayload = changes(complete_upload_parts)
    abort_uploads: AbortUploadsPayload = changes(abort_uploads)
    start_upload_job: StartUploadJobPayload = changes(start_upload_job)
    cancel_upload_job: CancelUploadJobPayload = changes(cancel_upload_job)
