"""Root fields that look up objects by their opaque ids, and items by their UUIDs.

An object that the viewer cannot see looks as if it does not exist.
"""

from collections.abc import Sized
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import strawberry

from gateway.context import Context
from gateway.error_texts import sized
from gateway.errors import DomainError, ErrorCode
from gateway.execution.declarations import KeyedRows, ToOne
from gateway.execution.keyed_rows import RowKey, TypedRow
from gateway.ids import parse_global_id
from gateway.kinds.enums import ApiKeyScope
from resolvers import dicom_jobs, metric_results, reencoding, uploads
from resolvers.bitstreams import find_bitstream, find_revision
from resolvers.collections import collection_by_uuid, preset_by_uuid
from resolvers.communities import community_by_uuid, request_by_uuid
from resolvers.datasets import dataset_by_uuid, row_by_uuid
from resolvers.dicom import study_by_uuid
from resolvers.dicom_indexed_tags import indexed_tag_by_uuid, indexing_by_uuid
from resolvers.dicom_instances import instance_of_item, series_of
from resolvers.folders import folder_by_uuid
from resolvers.integrations import integration_by_uuid
from resolvers.items import item_by_uuid
from resolvers.jobs import (
    collecting_by_uuid,
    deletion_by_uuid,
    folder_copy_by_uuid,
    linking_by_uuid,
)
from resolvers.metadata import field_by_uuid
from resolvers.people import api_key_by_uuid, group_by_uuid, user_by_uuid
from resolvers.syncs import sync_by_uuid
from resolvers.tags import tag_by_uuid

MAX_IDS = 1000
_ITEM = "StorageItem"
_EDGES: dict[str, ToOne] = {
    "StorageFolder": folder_by_uuid,
    _ITEM: item_by_uuid,
    "Dataset": dataset_by_uuid,
    "DataRow": row_by_uuid,
    "DicomStudy": study_by_uuid,
    "DicomSeries": series_of,
    "DicomInstance": instance_of_item,
    "CloudIntegration": integration_by_uuid,
    "Community": community_by_uuid,
    "JoinRequest": request_by_uuid,
    "MetricProducer": metric_results.producer_by_uuid,
    "MetricTrend": metric_results.trend_by_uuid,
    "MetricScalar": metric_results.scalar_by_uuid,
    "MetricSubmission": metric_results.submission_by_uuid,
    "Group": group_by_uuid,
    "User": user_by_uuid,
    "ApiKey": api_key_by_uuid,
    "UploadJob": uploads.job_by_uuid,
    "UploadUnit": uploads.unit_by_uuid,
    "MetadataSchemaField": field_by_uuid,
    "OrganisationTag": tag_by_uuid,
    "Collection": collection_by_uuid,
    "FilterPreset": preset_by_uuid,
    "ReencodeJob": reencoding.job_by_uuid,
    "ReencodeUnit": reencoding.unit_by_uuid,
    "CloudSyncJob": sync_by_uuid,
    "DeletionJob": deletion_by_uuid,
    "LinkingJob": linking_by_uuid,
    "CollectingJob": collecting_by_uuid,
    "FolderCopyJob": folder_copy_by_uuid,
    "DicomDeletionJob": dicom_jobs.deletion_by_uuid,
    "DicomCopyJob": dicom_jobs.copies_by_uuid,
    "DicomJobUnit": dicom_jobs.unit_by_uuid,
    "IndexingJob": indexing_by_uuid,
    "DicomIndexedTag": indexed_tag_by_uuid,
}
NODES = KeyedRows(_EDGES)

_SCOPES = {
    "ApiKey": ApiKeyScope.READ_USER_INFO,
    "Group": ApiKeyScope.READ_GROUPS,
    "JoinRequest": ApiKeyScope.READ_GROUPS,
    "User": ApiKeyScope.READ_USER_INFO,
    "Viewer": ApiKeyScope.READ_USER_INFO,
}


def object_scope(type_name: str) -> ApiKeyScope:
    """Return the scope to read objects of a GraphQL type that has global IDs."""
    return _SCOPES.get(type_name, ApiKeyScope.READ_DATA)


@dataclass(frozen=True, slots=True)
class Inaccessible:
    """Placeholder in a list for an item that does not exist or that the viewer cannot see."""

    uuid: UUID


ITEMS = KeyedRows({_ITEM: item_by_uuid}, missing=Inaccessible)


async def find_node(
    context: Context,
    *,
    id: Annotated[
        strawberry.ID, strawberry.argument(description="Opaque global ID of the object.")
    ],
) -> RowKey | TypedRow | None:
    """The object with a global ID, or null if it does not exist or the viewer cannot see it.

    It is null, too, if the credential lacks the scope to read objects of its type.
    """
    return await find_node_of(context, *(parse_global_id(id) or ("", None)))


async def find_node_of(context: Context, kind: str, uuid: UUID | None) -> RowKey | TypedRow | None:
    """Return the key of an object of a type, or what was read of one that no edge leads to."""
    if (scopes := context.viewer.scopes) is not None and object_scope(kind) not in scopes:
        return None
    if kind == "Viewer" and not context.viewer.is_anonymous:
        return TypedRow(kind, context.viewer) if uuid == context.viewer.user_uuid else None
    if kind == "Bitstream" and uuid is not None:
        file = await find_bitstream(context, uuid=uuid)
        return None if file is None else TypedRow(kind, file)
    if kind == "ItemRevision" and uuid is not None:
        revision = await find_revision(context, uuid)
        return None if revision is None else TypedRow(kind, revision)
    return RowKey(kind, uuid) if kind in _EDGES and uuid is not None else None


async def find_nodes(
    context: Context,
    *,
    ids: Annotated[
        list[strawberry.ID], strawberry.argument(description="Opaque global IDs, at most 1,000.")
    ],
) -> list[RowKey | TypedRow | None]:
    """Objects by their global IDs, at most 1,000, in the order of the IDs.

    Null stands for an object that does not exist or that the viewer cannot see.
    """
    _check_size(ids, "ids")
    return [await find_node(context, id=id) for id in ids]


async def find_items(
    _context: Context,
    *,
    uuids: Annotated[list[UUID], strawberry.argument(description="UUIDs of items, at most 1,000.")],
) -> list[RowKey]:
    """Items by their UUIDs, at most 1,000, in the order of the UUIDs.

    `StorageItemInaccessible` stands for an item that does not exist or that the viewer cannot see.
    """
    _check_size(uuids, "uuids")
    return [RowKey(_ITEM, uuid) for uuid in uuids]


def _check_size(values: Sized, name: str) -> None:
    if len(values) > MAX_IDS:
        raise DomainError(
            ErrorCode.LIMIT_EXCEEDED,
            sized(name, 0, MAX_IDS, len(values), "entries"),
            (name,),
        )
