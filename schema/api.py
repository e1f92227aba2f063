"""Assembly of the schema: its description, three root types, other types, and scalars."""

from typing import Any

import strawberry
from graphql import GraphQLSchema
from strawberry.schema.config import StrawberryConfig

import schema.dicom_enums
import schema.enums
import schema.view_enums  # noqa: F401 - these register the closed sets
from gateway.execution.input_objects import speed_up_inputs
from gateway.execution.private_apis import core_schema, print_description
from schema.anonymous import declare_open_fields
from schema.datasets import DataRow
from schema.item_types import ITEM_CLASSES
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.scopes import declare_scopes
from schema.subscription import Subscription
from schema.views import TimeSeriesLineChannel, TimeSeriesPointsChannel

_DESCRIPTION = """\
Storegraph: folders and media items, the jobs that bring files in, the datasets that use them, and
who may see them.

Every object has an opaque `id`, unique across all types, and most have a `uuid`, which arguments
and inputs take. Lists that can grow are connections. Mutations report errors of their input in
`userErrors`, also for objects that do not exist or that the viewer cannot see; top-level errors
have a code in `extensions.code`. An API key can be limited to scopes; each root field names the one
that it needs, and what it returns needs the scope to read it, but for `id` and `uuid`. The bytes of
files do not pass through this API: it signs URLs for them."""


_ENTRIES = {
    "ApiKey": "API keys",
    "CloudIntegration": "cloud integrations",
    "CloudSyncJob": "syncs",
    "Bitstream": "files of an item",
    "Collection": "collections",
    "CollectionItem": "entries of a collection",
    "DataRow": "data rows",
    "Dataset": "datasets",
    "DicomJobUnit": "units of a job about DICOM studies",
    "FolderGrant": "roles on folders",
    "FilterPreset": "filter presets",
    "Community": "communities",
    "MetricProducer": "producers of metrics",
    "MetricTrend": "trends of metrics",
    "MetricScalar": "values of metrics",
    "MetricLink": "links between values of metrics and items",
    "JoinRequest": "requests to join communities",
    "Group": "groups of users",
    "DicomStudy": "DICOM studies",
    "DicomSeries": "DICOM series",
    "DicomInstance": "DICOM instances",
    "OrganisationTag": "tags",
    "ItemRevision": "revisions of an item",
    "KeptItem": "items that outlived their folder",
    "PendingUpload": "unfinished uploads",
    "Job": "jobs",
    "ReencodeJob": "re-encoding jobs",
    "ReencodeUnit": "units of a re-encoding job",
    "StorageChange": "journal entries",
    "StorageFolder": "folders",
    "StorageItem": "items",
    "UploadJob": "upload jobs",
    "UploadUnit": "units of an upload job",
    "User": "users",
}
"""What the pages of each type list: generic types of Strawberry share one description."""


class DescribedSchema(strawberry.Schema):
    """A schema with a description, which Strawberry itself neither takes nor prints."""

    def __init__(self, description: str, **parts: Any) -> None:
        super().__init__(**parts)
        core = core_schema(self)
        core.description = description
        for name, entries in _ENTRIES.items():
            core.type_map[f"{name}Connection"].description = f"A page of {entries}."
            edge = f"An entry of a page of {entries}, with its cursor."
            core.type_map[f"{name}Edge"].description = edge
        declare_scopes(core)
        declare_open_fields(core)

    def as_str(self) -> str:
        """Return the schema as SDL, with a definition that carries the description."""
        core = core_schema(self)
        return f"{print_description(core)}{_definition_of(core)}\n\n{super().as_str()}"


def _definition_of(core: GraphQLSchema) -> str:
    roots = {
        "query": core.query_type,
        "mutation": core.mutation_type,
        "subscription": core.subscription_type,
    }
    lines = [f"  {name}: {root.name}" for name, root in roots.items() if root]
    return "\n".join(["schema {", *lines, "}"])


api = DescribedSchema(
    description=_DESCRIPTION,
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[*ITEM_CLASSES, DataRow, TimeSeriesLineChannel, TimeSeriesPointsChannel],
    config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
)
speed_up_inputs(api)
