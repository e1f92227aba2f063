"""Cloud integrations and the groups that may use them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

from gateway.kinds.enums import S3AddressingStyle, StorageLocationName, StorageUserRole
from gateway.scalars import URL
from resolvers import integrations
from schema.common import CAPPED, Node, PageInfo, capped_page, counted_page, page_itself
from schema.fields import column, resolved, row_type
from schema.people import Group


@row_type()
@strawberry.type(description="A group that has a role on a cloud integration.")
class CloudIntegrationGroupEdge:
    node: Group = column("The group.")
    cursor: str = column("Position of the group in this list, for use with `after` or `before`.")
    role: StorageUserRole = resolved(
        integrations.role_on_edge, "The group's role on the integration."
    )


@row_type()
@strawberry.type(description="A page of the user groups that have a role on a cloud integration.")
class CloudIntegrationGroupConnection:
    edges: list[CloudIntegrationGroupEdge] = column("The groups with their roles and cursors.")
    nodes: list[Group] = column("The groups on the page.")
    page_info: PageInfo = resolved(page_itself, "Position of the page in the list.")
    total_count: int = resolved(
        counted_page, "Number of groups in the whole list. Counted only when selected."
    )
    total_count_is_capped: bool = resolved(capped_page, CAPPED)


@row_type()
@strawberry.type(
    description="Access to an object store of a customer. Objects are registered where they are, "
    "and never deleted by Storegraph. Credentials are stored encrypted and never returned. "
    "`VIEWER` can see the integration, `USER` may also use it, `ADMIN` may also grant roles on "
    "it."
)
class CloudIntegration(Node):
    id: strawberry.ID = resolved(integrations.id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The integration's UUID.")
    title: str = column("The integration's title. Titles need not be unique.")
    kind: StorageLocationName = column(
        "The kind of store. Items in the store have it as their `storageLocation`."
    )
    endpoint: URL | None = column(
        "URL of the store's API. Null for the public endpoint of its kind."
    )
    region: str | None = column("Region of the buckets, such as `eu-central-1`; null if not set.")
    account: str | None = column("Name of the storage account; only for `AZURE`, null otherwise.")
    public_endpoint: URL | None = column(
        "URL at which clients reach the store. Null if it is the same as `endpoint`."
    )
    addressing_style: S3AddressingStyle | None = column(
        "Where the bucket is named in URLs of the store. Null for the usual style of its kind."
    )
    locations: list[URL] = resolved(
        integrations.locations_of,
        "URLs of the buckets, or folders in buckets, that the integration may access; 1 to 100.",
    )
    uses_server_credentials: bool = column(
        "Whether the integration uses the server's own credentials."
    )
    verified_at: datetime | None = column(
        "When access to all locations was last verified, in UTC; null if it never was."
    )
    created_at: datetime = column("When the integration was created, in UTC.")
    last_edited_at: datetime = column("When the integration was last changed, in UTC.")
    viewer_role: StorageUserRole = resolved(
        integrations.viewer_role_on, "The viewer's strongest role on the integration."
    )
    groups: CloudIntegrationGroupConnection = resolved(
        integrations.groups_on, "The user groups that have a role on the integration, by name."
    )
