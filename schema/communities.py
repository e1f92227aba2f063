"""Communities, their members, and requests to join them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

from gateway.kinds.enums import FolderVisibility, JoinPolicy, StorageUserRole
from resolvers import communities, metric_results
from schema.common import CAPPED, Connection, Node, PageInfo, capped_page, counted_page, page_itself
from schema.fields import column, is_named, resolved, row_type
from schema.folders import StorageFolder
from schema.people import Group, User

if TYPE_CHECKING:
    from schema.metric_results import MetricProducerConnection


@row_type()
@strawberry.type(
    description="The three groups of a community. They are created and deleted with it."
)
class CommunityGroups:
    admins: Group = resolved(
        communities.admins_of, "The users with the role `ADMIN` on the root folder."
    )
    moderators: Group = resolved(
        communities.moderators_of, "The users with the role `USER` on the root folder."
    )
    members: Group = resolved(
        communities.members_group_of, "The users with the role `VIEWER` on the root folder."
    )


@row_type()
@strawberry.type(description="A member of a community.")
class CommunityMemberEdge:
    node: User = column("The user.")
    cursor: str = column("Position of the user in this list, for use with `after` or `before`.")
    role: StorageUserRole = resolved(
        communities.role_on_edge, "The role on the root folder that the user has as a member."
    )
    joined_at: datetime = resolved(
        communities.joined_at_on_edge,
        "When the user was put into the group with that role, in UTC.",
    )


@row_type()
@strawberry.type(description="A page of the members of a community.")
class CommunityMemberConnection:
    edges: list[CommunityMemberEdge] = column("The members with their roles and cursors.")
    nodes: list[User] = column("The members on the page.")
    page_info: PageInfo = resolved(page_itself, "Position of the page in the list.")
    total_count: int = resolved(
        counted_page, "Number of members in the whole list. Counted only when selected."
    )
    total_count_is_capped: bool = resolved(capped_page, CAPPED)


@row_type(is_named("Community"))
@strawberry.type(
    description="A space of its own: a root folder with a unique name, and groups of admins, "
    "moderators and members."
)
class Community(Node):
    id: strawberry.ID = resolved(communities.id_of, "Opaque global ID, for use with `node`.")
    uuid: UUID = column("The community's UUID.")
    name: str = column(
        "The community's name, unique ignoring case. It is that of the root folder, too."
    )
    description: str = resolved(
        communities.description_of, "Free-text description; that of the root folder."
    )
    visibility: FolderVisibility = resolved(
        communities.visibility_of, "The visibility of the community and its root folder."
    )
    join_policy: JoinPolicy = column("The way in which users become members.")
    created_at: datetime = column("When the community was created, in UTC.")
    last_edited_at: datetime = column("When the community's own attributes last changed, in UTC.")
    folder: StorageFolder = resolved(communities.folder_of, "The root folder.")
    folder_uuid: UUID = column("The UUID of `folder`.")
    folders: Connection[StorageFolder] = resolved(
        communities.folders_in,
        "The folders directly below the root folder that the viewer can see.",
    )
    groups: CommunityGroups | None = resolved(
        communities.groups_in,
        "The groups with the members. Null without a credential, and with one that is limited to a "
        "folder.",
    )
    members: CommunityMemberConnection = resolved(
        communities.members_of,
        "The members of all three groups, by email address, each with the strongest role. Visible "
        "only to those who have a role on the root folder, and to site admins.",
    )
    metric_producers: Annotated[
        MetricProducerConnection, strawberry.lazy("schema.metric_results")
    ] = resolved(metric_results.producers_of, "The producers of metrics, by name.")
    viewer_role: StorageUserRole = resolved(
        communities.viewer_role_on, "The viewer's strongest role on the root folder."
    )
    is_member: bool = resolved(
        communities.is_member, "Whether the viewer is in one of the three groups."
    )
    join_requests: JoinRequestConnection = resolved(
        communities.requests_for,
        "Requests to join the community, and invitations, newest first. Visible only to admins of "
        "the community.",
    )


@row_type()
@strawberry.type(
    description="A user's request to join a community, or an invitation to do so. It ends when the "
    "user becomes a member, or when it is refused, withdrawn or declined."
)
class JoinRequest(Node):
    id: strawberry.ID = resolved(
        communities.request_id_of, "Opaque global ID, for use with `node`."
    )
    uuid: UUID = column("The request's UUID.")
    community: Community | None = resolved(
        communities.community_of_request, "The community. Null if the viewer cannot see it yet."
    )
    community_uuid: UUID = column("The UUID of the community.")
    community_name: str = resolved(communities.community_name_of, "The name of the community.")
    user: User = resolved(communities.user_of_request, "The user who would become a member.")
    is_invitation: bool = column(
        "Whether the user was invited, and has to accept with `joinCommunity`. Otherwise they have "
        "asked to join, and an admin answers with `answerJoinRequest`."
    )
    role: StorageUserRole = column("The role that an invited user will have.")
    invited_by: User | None = resolved(
        communities.inviter_of_request,
        "The user who sent the invitation. Null for a request, and if that user has been deleted.",
    )
    created_at: datetime = column("When the request or invitation was made, in UTC.")


@row_type()
@strawberry.type(description="A page of requests to join communities, and of invitations.")
class JoinRequestConnection(Connection[JoinRequest]):
    """Page of requests, a class of its own so that the viewer can refer to it lazily."""
