"""Cloud integrations: how they are resolved, without their credentials."""

from uuid import UUID

import sqlalchemy as sa

from gateway.auth.roles import roles_on_integrations
from gateway.auth.visibility import NEVER, has_integration_grant, sees_integration
from gateway.catalog.rules.names import MAX_NAME
from gateway.context import Context
from gateway.error_texts import sized
from gateway.errors import DomainError, ErrorCode, bad_input
from gateway.execution.declarations import (
    Argument,
    Computed,
    EdgeQuery,
    Lookup,
    ToMany,
    ToOne,
    batch,
)
from gateway.execution.loader_resolvers import find_rows
from gateway.kinds.enums import StorageUserRole
from gateway.models.integrations import cloud_integrations, integration_grants
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


@batch(cloud_integrations.c.uuid)
async def viewer_role_on(context: Context, keys: list[UUID]) -> list[StorageUserRole]:
    """Load the viewer's roles on integrations that they can see."""
    async with context.database.reading() as connection:
        roles = await roles_on_integrations(connection, context.viewer, keys)
    return [roles[key].role for key in keys]


@batch("integration_uuid")
async def visible_uuid(context: Context, keys: list[UUID | None]) -> list[UUID | None]:
    """Load the UUIDs of integrations, of those that the viewer can see."""
    return [row and row.uuid for row in await find_rows(context, integration_by_uuid, keys)]
