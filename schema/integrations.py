"""Cloud integrations."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from gateway.kinds.enums import StorageLocationName, StorageUserRole
from resolvers import integrations
from resolvers.inputs.scalars import URL
from schema.common import Node, PageInfo, counted_page, page_itself
from schema.fields import column, of, resolved
from schema.people import Group


@of()
@strawberry.type(description="A group on a cloud integration, with its role there.")
class CloudIntegrationGroupEdge:
    node: Group = column("The group.")
    cursor: str = column("Where the group lies in this list.")
    role: StorageUserRole = resolved(
        integrations.role_on_edge, "The group's role on the integration."
    )


@of()
@strawberry.type(description="A page of the groups that hold a role on a cloud integration.")
class CloudIntegrationGroupConnection:
    edges: list[CloudIntegrationGroupEdge] = column("The groups with their roles.")
    nodes: list[Group] = column("The groups.")
    page_info: PageInfo = resolved(page_itself, "Where the page lies.")
    total_count: int = resolved(
        counted_page, "How many groups there are in all; counted only when selected."
    )


@of()
@strawberry.type(
    description="A store of a customer's own, whose objects are registered where they lie and never removed by us "
    "(ENC-INTEG). Its credentials are shown to nobody. VIEWER sees it, USER also uses it, ADMIN grants too."
)
class CloudIntegration(Node):
    id: strawberry.ID = resolved(integrations.id_of, "The opaque id.")
    uuid: UUID = column("The integration's uuid (ENC-INTEG-01).")
    title: str = column("The integration's title; others may have the same (ENC-INTEG-02).")
    kind: StorageLocationName = column(
        "What kind of store it is; its items say so as their `storageLocation`."
    )
    endpoint: URL | None = column("Where the store answers; null for the public one of its kind.")
    region: str | None = column("The region of the buckets.")
    account: str | None = column("The name of the storage account, of AZURE.")
    locations: list[URL] = resolved(
        integrations.locations_of,
        "Below which URLs objects may be touched; 1 to 100 buckets, or folders in them.",
    )
    uses_server_credentials: bool = column("Whether it goes out with the server's own credentials.")
    verified_at: datetime | None = column("When all locations could be listed last.")
    created_at: datetime = column("When it was made.")
    last_edited_at: datetime = column("When it was last changed.")
    viewer_role: StorageUserRole = resolved(
        integrations.viewer_role_on, "What the viewer may do with it."
    )
    groups: CloudIntegrationGroupConnection = resolved(
        integrations.groups_on, "The groups that hold a role on it."
    )
