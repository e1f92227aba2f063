"""Every query, one line each."""

from __future__ import annotations

import strawberry

from resolvers import reencoding
from resolvers.collections import (
    collection_asked_for,
    collections_seen,
    preset_asked_for,
    presets_seen,
)
from resolvers.datasets import dataset_asked_for, datasets_seen
from resolvers.folders import folder_asked_for, folders_anywhere, viewer_roots
from resolvers.integrations import integration_asked_for, integrations_seen
from resolvers.items import item_asked_for, items_anywhere
from resolvers.metadata import present_schema
from resolvers.nodes import find_items, find_node, find_nodes
from resolvers.people import group_asked_for, groups_known, users_known, who_asks
from resolvers.syncs import sync_asked_for
from resolvers.tags import tags_known
from resolvers.uploads import job_asked_for, jobs_seen
from schema.collections import Collection, FilterPreset
from schema.common import Connection, Node
from schema.datasets import Dataset
from schema.fields import resolved, root_field
from schema.folders import StorageFolder
from schema.integrations import CloudIntegration
from schema.items import StorageItem, StorageItemConnection, StorageItemResult
from schema.metadata import MetadataSchema
from schema.people import Group, User, Viewer
from schema.reencoding import ReencodeJob
from schema.syncs import CloudSyncJob
from schema.tags import OrganisationTag
from schema.uploads import UploadJob, UploadJobConnection


@strawberry.type(
    description="What can be asked. What the viewer may not see is not there: null, without an error."
)
class Query:
    viewer: Viewer = root_field(who_asks)
    node: Node | None = root_field(find_node)
    nodes: list[Node | None] = root_field(find_nodes)
    storage_folder: StorageFolder | None = resolved(folder_asked_for, "One folder (ENC-CLIENT-02).")
    storage_folders: Connection[StorageFolder] = resolved(
        viewer_roots, "The viewer's roots: the topmost folders that he may see (ENC-CLIENT-05)."
    )
    search_storage_folders: Connection[StorageFolder] = resolved(
        folders_anywhere, "Folders anywhere that the viewer may see (ENC-CLIENT-06)."
    )
    storage_item: StorageItem | None = resolved(item_asked_for, "One item (ENC-CLIENT-03).")
    storage_items: list[StorageItemResult] = root_field(find_items)
    search_storage_items: StorageItemConnection = resolved(
        items_anywhere,
        "Items anywhere that the viewer may see; needs a search text or item types (ENC-CLIENT-07).",
    )
    upload_job: UploadJob | None = resolved(job_asked_for, "One upload job (ENC-FOLDEROP-33).")
    upload_jobs: UploadJobConnection = resolved(
        jobs_seen, "Upload jobs that the viewer may watch, the newest first."
    )
    reencode_job: ReencodeJob | None = resolved(
        reencoding.job_asked_for,
        "One re-encoding job (ENC-FOLDEROP-31); they are seen by who started them.",
    )
    reencode_jobs: Connection[ReencodeJob] = resolved(
        reencoding.jobs_seen, "The re-encoding jobs that the viewer has started, the newest first."
    )
    cloud_sync_job: CloudSyncJob | None = resolved(
        sync_asked_for, "One sync of a folder (ENC-FOLDEROP-36)."
    )
    dataset: Dataset | None = resolved(dataset_asked_for, "One dataset.")
    datasets: Connection[Dataset] = resolved(
        datasets_seen, "The datasets that the viewer may see, by title."
    )
    group: Group | None = resolved(group_asked_for, "One group (ENC-CLIENT-13).")
    groups: Connection[Group] = resolved(
        groups_known, "The groups of the organisation, by name (ENC-CLIENT-13)."
    )
    users: Connection[User] = resolved(
        users_known, "The users of the organisation, by e-mail address."
    )
    metadata_schema: MetadataSchema = root_field(present_schema)
    cloud_integration: CloudIntegration | None = resolved(
        integration_asked_for, "One cloud integration."
    )
    cloud_integrations: Connection[CloudIntegration] = resolved(
        integrations_seen,
        "The cloud integrations that the viewer was given, by title (ENC-CLIENT-08).",
    )
    organisation_tags: Connection[OrganisationTag] = resolved(
        tags_known, "The tags of the organisation, by name (ENC-CLIENT-10)."
    )
    collection: Collection | None = resolved(
        collection_asked_for, "One collection (ENC-CLIENT-19)."
    )
    collections: Connection[Collection] = resolved(
        collections_seen,
        "The collections of folders that the viewer may see, by name (ENC-CLIENT-19).",
    )
    filter_preset: FilterPreset | None = resolved(
        preset_asked_for, "One filter that is kept (ENC-CLIENT-20)."
    )
    filter_presets: Connection[FilterPreset] = resolved(
        presets_seen,
        "The filters that are kept in folders that the viewer may see, by name (ENC-CLIENT-20).",
    )
