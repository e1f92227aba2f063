"""How cloud integrations answer; nothing here has ever seen a secret."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.roles import roles_on_integrations
from gateway.auth.visibility import has_integration_grant, sees_integration
from gateway.catalog.rules.names import MAX_NAME
from gateway.context import Context
from gateway.errors import DomainError, ErrorCode, bad_input
from gateway.execution.declarations import (
    Argument,
    Batch,
    Computed,
    EdgeQuery,
    Lookup,
    ToMany,
    ToOne,
)
from gateway.execution.loader_resolvers import find_rows
from gateway.ids import global_id
from gateway.kinds.enums import StorageUserRole
from gateway.models.integrations import cloud_integrations, integration_grants
from gateway.models.people import groups
from resolvers.filters import covers_organisation
from resolvers.inputs.lists import StorageScope
from resolvers.orders import by_name

MAX_WANTED = 1000


def _listed(asked: EdgeQuery) -> list[sa.ColumnElement[bool]]:
    """Those that the viewer was given, or all; of them those with both a wanted uuid and a wanted title."""
    conditions = [] if covers_organisation(asked) else [has_integration_grant(asked.viewer)]
    for name, column in (
        ("uuids", cloud_integrations.c.uuid),
        ("titles", cloud_integrations.c.title),
    ):
        wanted = asked.arguments.get(name)
        if wanted is not None and len(wanted) > MAX_WANTED:
            raise DomainError(
                ErrorCode.LIMIT_EXCEEDED,
                f"{name} holds {len(wanted):,}; at most 1,000 are allowed.",
                (name,),
            )
        for place, one in enumerate(wanted or ()):
            if isinstance(one, str) and len(one) > MAX_NAME:
                raise bad_input(f"A title has at most {MAX_NAME:,} characters.", name, place)
        if wanted is not None:
            conditions.append(column.in_(wanted))
    return conditions


id_of = Computed((cloud_integrations.c.uuid,), lambda row: global_id("CloudIntegration", row.uuid))
locations_of = Computed((cloud_integrations.c.locations,), lambda row: row.locations)
integration_by_uuid = ToOne(cloud_integrations, "integration_uuid", access=sees_integration)
integration_lookup = Lookup(integration_by_uuid, "uuid", "The integration's uuid.")
visible_integrations = ToMany(
    "cloudIntegrations",
    cloud_integrations,
    by_name(cloud_integrations.c.title_key, cloud_integrations.c.uuid),
    where=_listed,
    arguments=(
        Argument(
            "uuids", list[UUID] | None, None, "Only those with one of these uuids, at most 1,000."
        ),
        Argument(
            "titles",
            list[str] | None,
            None,
            "Only those with exactly one of these titles, at most 1,000.",
        ),
        Argument(
            "scope",
            StorageScope,
            StorageScope.USER,
            "Those given to you, or, for admins of the site, all.",
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


async def _roles(context: Context, keys: list[UUID]) -> list[StorageUserRole]:
    async with context.database.reading() as connection:
        held = await roles_on_integrations(connection, context.viewer, keys)
    return [held[key].role for key in keys]


async def _seen_uuids(context: Context, keys: list[UUID | None]) -> list[Any]:
    return [row and row.uuid for row in await find_rows(context, integration_by_uuid, keys)]


viewer_role_on = Batch((cloud_integrations.c.uuid,), _roles)
visible_uuid = Batch(("integration_uuid",), _seen_uuids)
