"""Every field of every object: both executors answer it alike, and it leads only to what the viewer may see.

A new field is covered as soon as it is in the schema.
"""

import re
from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa
from graphql import GraphQLField, get_named_type, is_leaf_type, is_required_argument, is_union_type

from gateway.execution.declarations import Aggregate, Lookup, ToMany, ToOne, declaration_of
from gateway.execution.private_apis import core_schema
from gateway.ids import global_id
from gateway.models.collections import collections, filter_presets
from gateway.models.communities import communities, join_requests
from gateway.models.datasets import data_rows
from gateway.models.dicom import dicom_instances, dicom_series, dicom_studies
from gateway.models.dicom_indexed_tags import dicom_indexed_tags
from gateway.models.dicom_jobs import dicom_job_units
from gateway.models.jobs import jobs
from gateway.models.metadata import metadata_fields
from gateway.models.metric_results import metric_producers, metric_scalars, metric_submissions, metric_trends
from gateway.models.people import api_keys
from gateway.models.reencoding import reencode_units
from gateway.models.revisions import bitstreams, item_revisions
from gateway.models.tags import organisation_tags
from gateway.models.uploads import upload_units
from schema.api import api
from tests.execution.world import Both

CORE = core_schema(api)
NODE: Any = CORE.type_map["Node"]
ITEM: Any = CORE.type_map["StorageItem"]
NODE_TYPES = {type_.name for type_ in CORE.get_possible_types(NODE)}
LOOK_UP = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }"
REQUIRED = {"filter": "filter: { itemTypes: [IMAGE, VIDEO, AUDIO, PDF, SCENE, IMAGE_GROUP, DICOM_SERIES] }"}
REQUIRED["by"] = "by: [{attribute: ITEM_TYPE}, {attribute: OWNER}, {attribute: CREATED_MONTH}, {attribute: MIME_TYPE}]"
REQUIRED["name"] = 'name: "PatientName"'
REQUIRED |= {"text": 'text: "alpha"', "query": 'query: "name:*a*"'}
"""Values of required arguments, by name."""
NESTED = 4
"""Levels of objects without an ID of their own that are selected."""


def arguments(field: GraphQLField) -> str:
    values = [REQUIRED[name] for name, argument in field.args.items() if is_required_argument(argument)]
    values += ["first: 10"] if "first" in field.args else []
    return f"({', '.join(values)})" if values else ""


def selection(type_: Any, depth: int = NESTED) -> str:
    """Return the ID of an object, or the fields of one that has none."""
    if is_union_type(type_):
        return "__typename ... on Node { id }"
    if NODE in type_.interfaces:
        return "__typename id"
    return " ".join(["__typename", *(part for name in type_.fields if (part := selected(type_, name, depth - 1)))])


def selected(type_: Any, name: str, depth: int = NESTED) -> str:
    """Return a field with what is selected of it."""
    field = type_.fields[name]
    below = get_named_type(field.type)
    depth = min(depth, 1) if below is type_ else depth  # objects within such objects, once
    if is_leaf_type(below):
        return f"{name}{arguments(field)}"
    return f"{name}{arguments(field)} {{ {selection(below, depth)} }}" if depth else ""


def documents(type_: Any) -> Iterator[str]:
    """Yield a document with all leaves of a type, and one for each of its other fields.

    Types of items have their own fields only: the others are those of the interface.
    """
    own = [name for name in type_.fields if ITEM not in type_.interfaces or name not in ITEM.fields]
    leaves = [name for name in own if is_leaf_type(get_named_type(type_.fields[name].type))]
    others = [[name] for name in own if name not in leaves]
    for names in [leaves, *others] if leaves else others:
        fields = " ".join(selected(type_, name) for name in names)
        yield f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {type_.name} {{ {fields} }} }} }}"


async def ids_of(pair: Both) -> dict[str, list[str]]:
    """Return the IDs of the objects of the world by type; those of items are under `StorageItem`."""
    world = pair.world
    uuids = {
        "StorageFolder": world.folders,
        "StorageItem": world.items,
        "Dataset": world.datasets,
        "CloudIntegration": world.integrations,
        "Group": world.groups,
        "User": world.users,
        "Viewer": world.users,
        "UploadJob": world.jobs,
        "CloudSyncJob": world.syncs,
    }
    tables = {
        "DataRow": data_rows,
        "Community": communities,
        "MetricProducer": metric_producers,
        "MetricTrend": metric_trends,
        "MetricScalar": metric_scalars,
        "MetricSubmission": metric_submissions,
        "JoinRequest": join_requests,
        "Collection": collections,
        "FilterPreset": filter_presets,
        "OrganisationTag": organisation_tags,
        "ReencodeJob": jobs,
        "DeletionJob": jobs,
        "LinkingJob": jobs,
        "CollectingJob": jobs,
        "DicomDeletionJob": jobs,
        "DicomCopyJob": jobs,
        "FolderCopyJob": jobs,
        "DicomJobUnit": dicom_job_units,
        "DicomIndexedTag": dicom_indexed_tags,
        "IndexingJob": jobs,
        "ReencodeUnit": reencode_units,
        "UploadUnit": upload_units,
        "ApiKey": api_keys,
        "Bitstream": bitstreams,
        "ItemRevision": item_revisions,
        "MetadataSchemaField": metadata_fields,
        "DicomStudy": dicom_studies,
        "DicomSeries": dicom_series,
        "DicomInstance": dicom_instances,
    }
    for name, table in tables.items():
        [key] = table.primary_key
        rows = await pair.services.database.rows(sa.select(key).order_by(key), sa.Row)
        uuids[name] = [row[0] for row in rows]
    return {name: [global_id(name, uuid) for uuid in values] for name, values in uuids.items()}


async def test_every_field_is_answered_alike_and_shows_only_what_is_visible(pair: Both) -> None:
    """Each object that a field leads to can also be looked up by its ID."""
    ids = await ids_of(pair)
    for type_ in [ITEM, *CORE.get_possible_types(NODE)]:
        variables = {"ids": ids["StorageItem" if type_ is ITEM or ITEM in type_.interfaces else type_.name]}
        for text in documents(type_):
            for who in ("admin", "member"):
                quick, slow = await pair.bodies(text, variables, who)
                assert quick == slow, (text, who)
                assert "errors" not in orjson.loads(slow), (text, who, slow)
                shown = dict.fromkeys(re.findall(r'"__typename":"(\w+)","id":"([^"]+)"', slow.decode()))
                looked_up = [id for name, id in shown if name in NODE_TYPES][:1000]
                _, answer = await pair.bodies(LOOK_UP, {"ids": looked_up}, who)
                visible = [node and node["id"] for node in orjson.loads(answer)["data"]["nodes"]]
                assert visible == looked_up, (text, who)
    assert set(pair.compiled.outcomes) == {"compiled"}, pair.compiled.reasons


async def test_every_table_behind_a_field_has_rows(pair: Both) -> None:
    """A table without rows in the world would be compared by no test of both executors."""
    sources: set[Any] = set()
    for type_ in CORE.type_map.values():
        for field in getattr(type_, "fields", {}).values() if not type_.name.startswith("__") else ():
            declaration = declaration_of(field) if isinstance(field, GraphQLField) else None
            edge = declaration.edge if isinstance(declaration, Lookup) else declaration
            if isinstance(edge, ToOne | ToMany):
                sources.add(edge.table)
            elif isinstance(edge, Aggregate):
                sources.add(edge.source)
    for source in sources:
        counted = sa.select(sa.func.count().label("rows")).select_from(source)
        [row] = await pair.services.database.rows(counted, sa.Row)
        assert row.rows, f"no rows of {source} are created in tests/execution/world.py"
