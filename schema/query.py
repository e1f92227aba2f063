"""The query root, one line per query."""

from __future__ import annotations

import strawberry

from resolvers import reencoding, uploads
from resolvers.bitstreams import find_bitstream
from resolvers.collections import (
    collection_lookup,
    preset_lookup,
    visible_collections,
    visible_presets,
)
from resolvers.communities import COMMUNITY, find_community, visible_communities
from resolvers.datasets import dataset_lookup, visible_datasets
from resolvers.dicom import STUDY, find_study
from resolvers.dicom_indexed_tags import all_indexed_tags
from resolvers.dicom_instances import instance_search
from resolvers.dicom_study_lists import visible_studies
from resolvers.folders import folder_lookup, folder_search, root_folders
from resolvers.integrations import integration_lookup, visible_integrations
from resolvers.item_names import item_exists
from resolvers.item_queries import advanced_search
from resolvers.items import item_lookup, item_search
from resolvers.jobs import all_jobs, job_lookup
from resolvers.metadata import present_schema
from resolvers.metadata_entries import metadata_vocabulary
from resolvers.metric_results import submission_lookup
from resolvers.nodes import ITEMS, NODES, find_items, find_node, find_nodes
from resolvers.paths import find_by_path
from resolvers.pending_uploads import pending_uploads
from resolvers.people import USER, all_groups, all_users, current_viewer, find_user, group_lookup
from resolvers.rates import current_rate
from resolvers.search import search_by_text
from resolvers.server_info import server_info
from resolvers.syncs import sync_lookup
from resolvers.tags import all_tags
from resolvers.uploads import visible_jobs
from schema.collections import Collection, FilterPreset
from schema.common import Connection, Node
from schema.communities import Community
from schema.datasets import Dataset
from schema.dicom import DicomInstance, DicomStudy
from schema.dicom_indexed_tags import DicomIndexedTag
from schema.fields import resolved, root_field
from schema.folders import StorageFolder
from schema.integrations import CloudIntegration
from schema.item_types import StorageItemResult
from schema.items import StorageItem, StorageItemConnection
from schema.jobs import Job
from schema.metadata import MetadataSchema, MetadataTerm
from schema.metric_results import MetricSubmission
from schema.pending_uploads import PendingUpload
from schema.people import Group, User, ViewerInfo
from schema.rates import RateLimit
from schema.reencoding import ReencodeJob
from schema.revisions import Bitstream
from schema.search import SearchResultConnection
from schema.server_info import ServerInfo
from schema.syncs import CloudSyncJob
from schema.tags import OrganisationTag
from schema.uploads import UploadJob, UploadJobConnection


@strawberry.type(
    description="Operations that read data. Anything the viewer cannot see looks as if it does not "
    "exist: it is `null`, without an error."
)
class Query:
    viewer: ViewerInfo = root_field(current_viewer)
    rate_limit: RateLimit | None = root_field(current_rate)
    server_info: ServerInfo = root_field(server_info)
    node: Node | None = root_field(find_node, rows=NODES)
    nodes: list[Node | None] = root_field(find_nodes, rows=NODES)
    resource_by_path: Node | None = root_field(find_by_path, rows=NODES)
    search: SearchResultConnection = root_field(search_by_text, work=4_000)
    storage_folder: StorageFolder | None = resolved(
        folder_lookup,
        "A folder by its UUID. Null if it does not exist or the viewer cannot see it.",
    )
    storage_folders: Connection[StorageFolder] = resolved(
        root_folders,
        "The viewer's root folders: those that the viewer or one of their groups was granted a role "
        "on, without those inside another such folder. With `scope: PUBLIC`, the public folders that "
        "are not inside another one.",
    )
    search_storage_folders: Connection[StorageFolder] = resolved(
        folder_search,
        "All folders that the viewer was granted a role on, at any depth or, with `scope: PUBLIC`, "
        "all public folders.",
    )
    storage_item: StorageItem | None = resolved(
        item_lookup, "An item by its UUID. Null if it does not exist or the viewer cannot see it."
    )
    storage_item_exists: bool = root_field(item_exists)
    storage_items: list[StorageItemResult] = root_field(find_items, rows=ITEMS)
    bitstream: Bitstream | None = root_field(find_bitstream)
    search_storage_items: StorageItemConnection = resolved(
        item_search,
        "All items in folders that the viewer was granted a role on or, with `scope: PUBLIC`, in "
        "public folders. The filter must have at least one condition.",
    )
    search_storage_items_advanced: StorageItemConnection = resolved(
        advanced_search,
        "All items that the viewer can see and that match a query, in any folder: "
        '`name:scan* AND size:>=1000 -type:VIDEO`, for example. See "Finding items" in the '
        "documentation.",
    )
    dicom_study: DicomStudy | None = root_field(find_study, rows=STUDY)
    dicom_studies: Connection[DicomStudy] = resolved(
        visible_studies,
        "The DICOM studies that the viewer can see, by default the newest first.",
    )
    dicom_instances: Connection[DicomInstance] = resolved(
        instance_search,
        "DICOM instances by their UIDs or items, of all that the viewer can see, by Instance Number.",
    )
    dicom_indexed_tags: list[DicomIndexedTag] = root_field(all_indexed_tags)
    upload_job: UploadJob | None = resolved(
        uploads.job_lookup,
        "An upload job by its UUID. Null if it does not exist or the viewer cannot see its folder.",
    )
    upload_jobs: UploadJobConnection = resolved(
        visible_jobs, "The upload jobs of all folders that the viewer can see, newest first."
    )
    job: Job | None = resolved(
        job_lookup,
        "A job of any kind by its UUID. Null if it does not exist or the viewer cannot see it.",
    )
    jobs: Connection[Job] = resolved(
        all_jobs, "The jobs of all kinds that the viewer can see, by default the newest first."
    )
    pending_uploads: Connection[PendingUpload] = resolved(
        pending_uploads,
        "The files that the viewer announced with `requestUploadUrls` and that no job has taken "
        "yet, newest first. With it, a page that was reloaded can resume its uploads: "
        "`renewUploadUrls` and `signUploadParts` sign what is missing. Placeholders are removed a "
        "day after they were announced.",
    )
    reencode_job: ReencodeJob | None = resolved(
        reencoding.job_lookup,
        "A re-encoding job by its UUID. Null if it does not exist. Visible only to the user who "
        "started it and to site admins.",
    )
    reencode_jobs: Connection[ReencodeJob] = resolved(
        reencoding.visible_jobs,
        "The re-encoding jobs that the viewer started, newest first. Site admins see everyone's.",
    )
    cloud_sync_job: CloudSyncJob | None = resolved(
        sync_lookup,
        "A sync of a cloud-synced folder by its UUID. Null if it does not exist or the viewer "
        "cannot see its folder.",
    )
    dataset: Dataset | None = resolved(
        dataset_lookup,
        "A dataset by its UUID. Null if it does not exist or the viewer cannot see it.",
    )
    datasets: Connection[Dataset] = resolved(
        visible_datasets, "The datasets that the viewer can see, by title."
    )
    metric_submission: MetricSubmission | None = resolved(
        submission_lookup,
        "A submission of values by its UUID. Null if it does not exist or the viewer cannot see its "
        "community.",
    )
    community: Community | None = root_field(find_community, rows=COMMUNITY)
    communities: Connection[Community] = resolved(
        visible_communities,
        "The communities that are public or on whose root folder the viewer has a role, by name.",
    )
    group: Group | None = resolved(
        group_lookup, "A group by its UUID. Null if it does not exist or the viewer cannot see it."
    )
    groups: Connection[Group] = resolved(
        all_groups,
        "The groups of the organisation, by name: all, or the viewer's own if the site keeps "
        "its directory closed.",
    )
    users: Connection[User] = resolved(
        all_users,
        "The users of the organisation, by email address: all, or those in the viewer's groups "
        "if the site keeps its directory closed.",
    )
    user: User | None = root_field(find_user, rows=USER)
    metadata_schema: MetadataSchema = root_field(present_schema)
    metadata_vocabulary: list[MetadataTerm] = root_field(metadata_vocabulary)
    cloud_integration: CloudIntegration | None = resolved(
        integration_lookup,
        "A cloud integration by its UUID. Null if it does not exist or the viewer cannot see it.",
    )
    cloud_integrations: Connection[CloudIntegration] = resolved(
        visible_integrations,
        "The cloud integrations that the viewer or one of their groups was granted a role on, by "
        "title.",
    )
    organisation_tags: Connection[OrganisationTag] = resolved(
        all_tags, "All tags of the organisation, by name."
    )
    collection: Collection | None = resolved(
        collection_lookup,
        "A collection by its UUID. Null if it does not exist or the viewer cannot see its folder.",
    )
    collections: Connection[Collection] = resolved(
        visible_collections,
        "The collections of all folders that the viewer can see, by name.",
    )
    filter_preset: FilterPreset | None = resolved(
        preset_lookup,
        "A filter preset by its UUID. Null if it does not exist or the viewer cannot see its "
        "folder.",
    )
    filter_presets: Connection[FilterPreset] = resolved(
        visible_presets,
        "The filter presets of all folders that the viewer can see, by name.",
    )
