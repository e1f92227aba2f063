"""Every query, one line each."""

from __future__ import annotations

import strawberry

from resolvers import reencoding
from resolvers.collections import (
    collection_lookup,
    preset_lookup,
    visible_collections,
    visible_presets,
)
from resolvers.datasets import dataset_lookup, visible_datasets
from resolvers.folders import folder_lookup, folder_search, root_folders
from resolvers.integrations import integration_lookup, visible_integrations
from resolvers.items import item_lookup, item_search
from resolvers.metadata import present_schema
from resolvers.nodes import find_items, find_node, find_nodes
from resolvers.people import all_groups, all_users, current_viewer, group_lookup
from resolvers.syncs import sync_lookup
from resolvers.tags import all_tags
from resolvers.uploads import job_lookup, visible_jobs
from schema.collections import Collection, FilterPreset
from schema.common import Connection, Node
from schema.datasets import Dataset
from schema.fields import resolved, root_field
from schema.folders import StorageFolder
from schema.integrations import CloudIntegration
from schema.items import StorageItem, StorageItemConnection, StorageItemResult
from schema.metadata import MetadataSchema
from schema.people import Group, User, ViewerInfo
from schema.reencoding import ReencodeJob
from schema.syncs import CloudSyncJob
from schema.tags import OrganisationTag
from schema.uploads import UploadJob, UploadJobConnection


@strawberry.type(
    description="What can be asked. What the viewer may not see is not there: null, without an error."
)
class Query:
    viewer: ViewerInfo = root_field(current_viewer)
    node: Node | None = root_field(find_node)
    nodes: list[Node | None] = root_field(find_nodes)
    storage_folder: StorageFolder | None = resolved(folder_lookup, "One folder (ENC-CLIENT-02).")
    storage_folders: Connection[StorageFolder] = resolved(
        root_folders, "The viewer's roots: the topmost folders that he may see (ENC-CLIENT-05)."
    )
    search_storage_folders: Connection[StorageFolder] = resolved(
        folder_search, "Folders anywhere that the viewer may see (ENC-CLIENT-06)."
    )
    storage_item: StorageItem | None = resolved(item_lookup, "One item (ENC-CLIENT-03).")
    storage_items: list[StorageItemResult] = root_field(find_items)
    search_storage_items: StorageItemConnection = resolved(
        item_search,
        "Items anywhere that the viewer may see; needs a search text or item types (ENC-CLIENT-07).",
    )
    upload_job: UploadJob | None = resolved(job_lookup, "One upload job (ENC-FOLDEROP-33).")
    upload_jobs: UploadJobConnection = resolved(
        visible_jobs, "Upload jobs that the viewer may watch, the newest first."
    )
    reencode_job: ReencodeJob | None = resolved(
        reencoding.job_lookup,
        "One re-encoding job (ENC-FOLDEROP-31); they are seen by who started them.",
    )
    reencode_jobs: Connection[ReencodeJob] = resolved(
        reencoding.visible_jobs,
        "The re-encoding jobs that the viewer has started, the newest first.",
    )
    cloud_sync_job: CloudSyncJob | None = resolved(
        sync_lookup, "One sync of a folder (ENC-FOLDEROP-36)."
    )
    dataset: Dataset | None = resolved(dataset_lookup, "One dataset.")
    datasets: Connection[Dataset] = resolved(
        visible_datasets, "The datasets that the viewer may see, by title."
    )
    group: Group | None = resolved(group_lookup, "One group (ENC-CLIENT-13).")
    groups: Connection[Group] = resolved(
        all_groups, "The groups of the organisation, by name (ENC-CLIENT-13)."
    )
    users: Connection[User] = resolved(
        all_users, "The users of the organisation, by e-mail address."
    )
    metadata_schema: MetadataSchema = root_field(present_schema)
    cloud_integration: CloudIntegration | None = resolved(
        integration_lookup, "One cloud integration."
    )
    cloud_integrations: Connection[CloudIntegration] = resolved(
        visible_integrations,
        "The cloud integrations that the viewer was given, by title (ENC-CLIENT-08).",
    )
    organisation_tags: Connection[OrganisationTag] = resolved(
        all_tags, "The tags of the organisation, by name (ENC-CLIENT-10)."
    )
    collection: Collection | None = resolved(collection_lookup, "One collection (ENC-CLIENT-19).")
    collections: Connection[Collection] = resolved(
        visible_collections,
        "The collections of folders that the viewer may see, by name (ENC-CLIENT-19).",
    )
    filter_preset: FilterPreset | None = resolved(
        preset_lookup, "One filter that is kept (ENC-CLIENT-20)."
    )
    filter_presets: Connection[FilterPreset] = resolved(
        visible_presets,
        "The filters that are kept in folders that the viewer may see, by name (ENC-CLIENT-20).",
    )
