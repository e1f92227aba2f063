"""The schema: printed in the tree, described, with bounded lists, and matching the rows."""

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    get_named_type,
)
from graphql.utilities import build_schema, find_breaking_changes
from sqlalchemy import Table

from gateway.execution.declarations import (
    Aggregate,
    Batch,
    Computed,
    Lookup,
    PageFunction,
    SameRow,
    ToMany,
    ToOne,
    declaration_of,
)
from gateway.execution.private_apis import core_schema, definition_of
from gateway.execution.viewer_columns import ViewerColumn
from gateway.kinds.enums import StorageChangeAction, StorageObjectType
from gateway.kinds.job_kinds import JOB_TYPES
from gateway.models import (
    changes,
    collections,
    datasets,
    dicom,
    dicom_jobs,
    folders,
    integrations,
    items,
    jobs,
    people,
    reencoding,
    shares,
    tags,
    uploads,
)
from schema.api import api
from tests.house.sources import ROOT, modules
from tests.house.test_declarations import reads_of

CORE = core_schema(api)
ROWS: dict[str, Table] = {
    "StorageFolder": folders.folders,
    "StorageFolderSummary": folders.folder_counters,
    "StorageItem": items.items,
    "Dataset": datasets.datasets,
    "DataRow": datasets.data_rows,
    "User": people.users,
    "Group": people.groups,
    "ApiKey": people.api_keys,
    "CloudIntegration": integrations.cloud_integrations,
    "UploadJob": jobs.jobs,
    "UploadUnit": uploads.upload_units,
    "PendingUpload": uploads.uploads,
    "ReencodeJob": jobs.jobs,
    "ReencodeUnit": reencoding.reencode_units,
    "VideoRendition": reencoding.renditions,
    "CloudSyncJob": jobs.jobs,
    "DeletionJob": jobs.jobs,
    "LinkingJob": jobs.jobs,
    "CollectingJob": jobs.jobs,
    "DicomDeletionJob": jobs.jobs,
    "DicomCopyJob": jobs.jobs,
    "FolderCopyJob": jobs.jobs,
    "DicomJobUnit": dicom_jobs.dicom_job_units,
    "StoragePathElement": folders.folders,
    "StorageChange": changes.changes,
    "Collection": collections.collections,
    "CollectionItem": collections.collection_items,
    "KeptItem": shares.kept_items,
    "FilterPreset": collections.filter_presets,
    "OrganisationTag": tags.organisation_tags,
    "DicomStudy": dicom.dicom_studies,
    "DicomSeries": dicom.dicom_series,
    "DicomInstance": dicom.dicom_instances,
}
WITHOUT_FIELD_OF_JOB = {
    *("integration_uuid", "skip_duplicate_urls", "upsert_metadata"),
    *("cursor", "dicom_spec", "ends_as", "frame_rule", "item_filter", "reach", "sees_phi"),
    *("allow_public", "tree_uuid"),
}
WITHOUT_FIELD = {
    "StorageFolder": {
        *("auto_sync", "auto_sync_hours", "metadata_ingestion", "name_key"),
        *("include_other_files", "synced_item_type", "include_patterns", "exclude_patterns"),
        "phi_policy",
    },
    "StorageItem": {
        *(
            "linked_folder_uuid",
            "name_key",
            "natural_key",
            "remote_etag",
            "remote_key",
            "remote_modified_at",
            "sidecar_etag",
        ),
        *("data_group", "scene", "time_series", "time_series_settings"),
    },
    "Dataset": {"description_key", "title_key"},
    "User": {"email_key"},
    "Group": {"name_key"},
    "ApiKey": {"sha256", "user_uuid", "parent_uuid"},
    "CloudIntegration": {"secret", "title_key"},
    **dict.fromkeys({*JOB_TYPES.values()}, WITHOUT_FIELD_OF_JOB),
    "Collection": {"name_key"},
    "FilterPreset": {"name_key"},
    "OrganisationTag": {"deletion_uuid", "name_key"},
    "StorageFolderSummary": {"folder_uuid", "folders", "older_size"},
    "UploadUnit": {"is_bound"},
    "PendingUpload": {
        *("import_group", "import_position", "import_uuid", "integration_uuid", "item_type"),
        *("source_url", "target_uuid", "unit_uuid", "user_uuid"),
    },
    "StorageChange": {"is_private"},
    "DicomStudy": {"conflicts", "corrections", "name_key"},
    "DicomSeries": {"file_size", "frames", "instances", "superseded"},
    "DicomInstance": {"header_digest", "is_live"},
    "DicomJobUnit": {"file_size", "job_uuid", "object_key", "source", "source_version"},
    "ReencodeUnit": {"file_size", "job_uuid", "object_key"},
}
"""Columns that no field of the type reads by itself: internal ones, and those of batch functions and nested types."""
OUTSIDE_FOLDERS = {
    "ApiKey",
    "CloudIntegration",
    "DataRow",
    "Dataset",
    "Group",
    "GroupUser",
    "JoinRequest",
    "OrganisationTag",
    "ReencodeJob",
    "User",
}
"""Types whose changes no journal of a folder lists."""
STARTS_A_JOB = "StartUploadJobInput"
"""The input whose alternatives, a list or a manifest, stand among other fields."""
BOUNDED_LISTS = "[Aa]t most|[Oo]ne entry per|1 to "


def own_types() -> list[GraphQLNamedType]:
    """Return all types but those built into GraphQL."""
    builtin = {"String", "Int", "Float", "Boolean", "ID"}
    return [kind for name, kind in CORE.type_map.items() if not name.startswith("__") and name not in builtin]


def fields() -> Iterator[tuple[str, GraphQLNamedType, GraphQLField]]:
    """Yield every field of every object and interface with its coordinate."""
    for kind in own_types():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for name, field in kind.fields.items():
                yield f"{kind.name}.{name}", kind, field


def test_printed_schema_is_current() -> None:
    printed = (ROOT / "schema" / "schema.graphql").read_text()
    assert printed == api.as_str() + "\n", "run: storegraph schema > schema/schema.graphql"


def test_removed_fields_are_detected() -> None:
    """The tool that compares schemas notices a breaking change."""
    printed = api.as_str()
    broken = re.sub(r'  """[^"]+"""\n  dicomStudyUid: String\n', "", printed)
    assert find_breaking_changes(build_schema(printed), build_schema(broken))


@pytest.mark.parametrize("kind", own_types(), ids=lambda kind: kind.name)
def test_everything_is_described(kind: GraphQLNamedType) -> None:
    assert kind.description
    if isinstance(kind, GraphQLEnumType):
        assert all(value.description for value in kind.values.values())
    if isinstance(kind, GraphQLInputObjectType):
        assert all(field.description for field in kind.fields.values())
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        assert all(field.description for field in kind.fields.values())
        assert all(argument.description for field in kind.fields.values() for argument in field.args.values())
    if isinstance(kind, GraphQLScalarType):
        assert kind.specified_by_url


def test_each_page_is_described_on_its_own() -> None:
    pages = [kind.description for kind in own_types() if kind.name.endswith(("Connection", "Edge"))]
    assert len(set(pages)) == len(pages)
    assert CORE.description


def test_exclusive_choices_are_one_of() -> None:
    """An input that consists of alternatives says so to clients, not only to readers."""
    for kind in own_types():
        if isinstance(kind, GraphQLInputObjectType) and not definition_of(kind).is_one_of:
            assert not re.search("[Ee]xactly one|[Ss]et either", kind.description or "") or kind.name == STARTS_A_JOB


def test_sequence_numbers_are_big() -> None:
    """As arguments too: what a client is given it can give back."""
    named = {"sequence", "changedAfter"}  # the revisions of an item are few
    for coordinate, _, field in fields():
        arguments = {f"{coordinate}({name})": argument.type for name, argument in field.args.items()}
        for place, type_ in {coordinate: field.type, **arguments}.items():
            if re.split(r"[.(]", place.rstrip(")"))[-1] in named:
                assert get_named_type(type_).name == "BigInt", place


def test_business_objects_are_nodes() -> None:
    node = CORE.type_map["Node"]
    nodes = {kind.name for kind in CORE.get_possible_types(node)}  # type: ignore[arg-type]  # it is an interface
    assert {"StorageFolder", "ImageItem", "Dataset", "DataRow", "User", "Group", "UploadJob"} <= nodes


def test_what_has_a_uuid_has_an_id() -> None:
    """Caches of clients tell objects apart by `id`; entries of results are no objects."""
    for kind in own_types():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType) and not kind.name.endswith("Result"):
            assert "uuid" not in kind.fields or str(kind.fields["id"].type) == "ID!", kind.name
    for name in ("Viewer", "MetadataSchema", "CollectionItem", "VideoRendition"):
        assert str(CORE.type_map[name].fields["id"].type) == "ID!", name  # type: ignore[attr-defined]  # objects have them


def test_what_payloads_and_events_name_by_uuid_they_name_by_id() -> None:
    """A client finds it in its cache by its global ID."""
    named = {"StorageChange", "StorageChanges", "UploadedItem", "UploadUnitError", "UploadTarget"}
    # Fields of metadata can be restored, and a job has yet to delete a study, of which others may see a part.
    without_deleted = {"DeleteMetadataSchemaFieldPayload", "DeleteDicomStudyPayload"}
    without_deleted |= {"DeleteStudyAttachmentPayload", "DeleteItemRevisionsPayload"}  # the item stays
    without_deleted.add("DeleteStorageItemMetadataPayload")  # entries have no other name than their keys
    without_id = {"importUuid"}  # nothing but a job can be made of an import
    for kind in own_types():
        if isinstance(kind, GraphQLObjectType) and (kind.name.endswith(("Payload", "Result")) or kind.name in named):
            for name in kind.fields.keys() - without_id:
                if name.endswith(("Uuid", "Uuids")) and not kind.name.startswith("Delete"):
                    assert name.replace("Uuid", "Id") in kind.fields, f"{kind.name}.{name}"
            if kind.name.startswith("Delete") and kind.name not in without_deleted:
                assert {"deletedId", "deletedIds"} & kind.fields.keys(), kind.name


def test_plain_fields_are_columns_of_their_rows() -> None:
    for name, table in ROWS.items():
        for field in CORE.type_map[name].fields.values():  # type: ignore[attr-defined]  # objects and interfaces have them
            definition = definition_of(field)
            if definition.base_resolver is None:
                assert definition.python_name in table.c, f"{name}.{definition.python_name}"


def test_columns_have_fields() -> None:
    """A column that clients shall not see is listed in `WITHOUT_FIELD`."""
    for name, table in ROWS.items():
        if name == "StoragePathElement":  # a few fields of a folder
            continue
        type_: Any = CORE.type_map[name]
        types: list[Any] = [type_]
        if name == "StorageItem":
            types = [CORE.type_map["StorageItemSummary"], *CORE.get_possible_types(type_)]
        if table is jobs.jobs:
            types = [CORE.type_map[name] for name in JOB_TYPES.values()]
        read = {attribute for possible in types for field in possible.fields.values() for attribute in reads_of(field)}
        assert set(table.c.keys()) - read == WITHOUT_FIELD.get(name, set()), name


def test_nested_fields_are_declared() -> None:
    """Fields that are not columns have declarations for the compiled executor, roots aside."""
    for coordinate, kind, field in fields():
        definition = definition_of(field)
        if kind.name in ("Query", "Mutation", "Subscription") or definition.base_resolver is None:
            continue
        declared = declaration_of(field)
        assert isinstance(
            declared, Aggregate | Batch | Computed | Lookup | PageFunction | SameRow | ToMany | ToOne | ViewerColumn
        ), coordinate


def test_enum_values_are_upper_case() -> None:
    """A status is PENDING, never pending (SUB-083)."""
    for kind in own_types():
        if isinstance(kind, GraphQLEnumType):
            assert all(re.fullmatch(r"[A-Z][A-Z0-9_]*", value) for value in kind.values), kind.name


def test_uuid_fields_have_type_uuid() -> None:
    """No UUID is a string in one field and a UUID in another (SUB-080)."""
    for coordinate, _, field in fields():
        name = coordinate.rpartition(".")[2]
        if name.lower().endswith(("uuid", "uuids")):
            assert get_named_type(field.type).name == "UUID", coordinate


def test_lists_are_connections_or_state_their_limit() -> None:
    for coordinate, kind, field in fields():
        inner = field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type
        if not isinstance(inner, GraphQLList) or kind.name.endswith("Connection"):
            continue
        if coordinate.endswith(("userErrors", ".path")):
            continue
        prose = " ".join(
            [field.description or "", kind.description or "", *(a.description or "" for a in field.args.values())]
        )
        assert re.search(BOUNDED_LISTS, prose), f"{coordinate}: {prose}"


def test_mutations_state_their_permissions() -> None:
    mutation = CORE.mutation_type
    assert mutation
    described = {name: field.description or "" for name, field in mutation.fields.items()}
    assert [name for name, text in described.items() if "\n\nRequires: " not in text] == []
    assert [name for name, text in described.items() if text.startswith("None")] == [], "they have no docstrings"


def journal_names() -> tuple[set[str], set[str]]:
    """Return the actions and object types of literal journal entries, but for those outside folders."""
    actions, types = set(), set()
    for tree in modules("gateway").values():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            names = [node.value for node in call.args if isinstance(node, ast.Constant) and isinstance(node.value, str)]
            if getattr(call.func, "id", "") == "JournalEntry" and len(names) > 1 and names[1] not in OUTSIDE_FOLDERS:
                actions.add(names[0])
                types.add(names[1])
            elif getattr(call.func, "id", "") == "_record_edit":
                actions.update(names)
    return actions, types


def test_enums_of_changes_have_what_journals_contain() -> None:
    actions, types = journal_names()
    assert set(StorageChangeAction) == actions
    assert set(StorageObjectType) == types | {"FolderGrant"}
