"""Cloud integrations: how they are resolved, without their credentials."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.role_columns import ROLE_TYPE, role_by_own_grants
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import NEVER, has_integration_grant, sees_integration
from gateway.catalog.rules.names import MAX_NAME
from gateway.error_texts import sized
from gateway.errors import DomainError, ErrorCode, bad_input
from gateway.execution.declarations import (
    Argument,
    Computed,
    EdgeQuery,
    Lookup,
    ToMany,
    ToOne,
)
from gateway.execution.viewer_columns import ViewerColumn, viewer_column
from gateway.models.folders import folders
from gateway.models.integrations import cloud_integrations, integration_grants
from gateway.models.items import items
from gateway.models.people import groups
from resolvers.filters import covers_organisation, covers_public
from resolvers.global_ids import id_from
from resolvers.inputs.lists import StorageScope
from resolvers.orders import by_name

MAX_VALUES = 1000


def _list_conditions(query: EdgeQuery) -> list[sa.ColumnElement[bool]]:
    """Return the conditions of the list's arguments, all of which must be met."""
    conditions: list[sa.ColumnElement[bool]] = []
    if covers_public(query):
        conditions.append(NEVER)
    elif not covers_organisation(query):
        conditions.append(has_integration_grant(query.viewer))
    for name, column in (
        ("uuids", cloud_integrations.c.uuid),
        ("titles", cloud_integrations.c.title),
    ):
        values = query.arguments.get(name)
        if values is None:
            continue
        if len(values) > MAX_VALUES:
            message = sized(name, 0, MAX_VALUES, len(values), "entries")
            raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, (name,))
        for index, value in enumerate(values):
            if isinstance(value, str) and len(value) > MAX_NAME:
                raise bad_input(sized("A title", 0, MAX_NAME, len(value)), name, index)
        conditions.append(column.in_(values))
    return conditions


id_of = id_from("CloudIntegration", cloud_integrations.c.uuid)
locations_of = Computed((cloud_integrations.c.locations,), lambda row: row.locations)
integration_by_uuid = ToOne(cloud_integrations, "integration_uuid", access=sees_integration)
integration_lookup = Lookup(integration_by_uuid, "uuid", "UUID of the integration.")
visible_integrations = ToMany(
    "cloudIntegrations",
    cloud_integrations,
    by_name(cloud_integrations.c.title_key, cloud_integrations.c.uuid),
    where=_list_conditions,
    arguments=(
        Argument(
            "uuids",
            list[UUID] | None,
            None,
            "Only integrations with one of these UUIDs, at most 1,000.",
        ),
        Argument(
            "titles",
            list[str] | None,
            None,
            "Only integrations with one of these exact titles, at most 1,000.",
        ),
        Argument(
            "scope",
            StorageScope,
            StorageScope.USER,
            "`PUBLIC` lists none. `ORGANISATION` lists everything in the organisation; only for site "
            "admins.",
        ),
    ),
)
groups_on = ToMany(
    "cloudIntegrationGroups",
    groups,
    by_name(groups.c.name_key, groups.c.uuid),
    key=cloud_integrations.c.uuid,
    parent=integration_grants.c.integration_uuid,
    source=groups.join(integration_grants, integration_grants.c.group_uuid == groups.c.uuid),
    extras={"role": integration_grants.c.role},
)
role_on_edge = Computed(("node",), lambda edge: edge.node.role)


viewer_role_on = viewer_column(
    cloud_integrations,
    "viewer_role",
    ROLE_TYPE,
    lambda viewer: role_by_own_grants(
        viewer, integration_grants.c.integration_uuid, cloud_integrations.c.uuid
    ),
)


def _visible_uuid(table: sa.Table) -> ViewerColumn:
    """Declare the UUID of a row's integration, which is null where the viewer cannot see it."""

    def seen(viewer: Viewer) -> sa.ColumnElement[Any]:
        integration = cloud_integrations.alias()
        own = sa.select(integration.c.uuid).where(
            integration.c.uuid == table.c.integration_uuid, sees_integration(viewer, integration)
        )
        return own.scalar_subquery()

    return viewer_column(table, "visible_integration_uuid", sa.Uuid(), seen)


visible_uuid_of_folder = _visible_uuid(folders)
visible_uuid_of_item = _visible_uuid(items)
