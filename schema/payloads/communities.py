"""Payloads of mutations of communities."""

from __future__ import annotations

from uuid import UUID

import strawberry

from resolvers.communities import community_by_uuid, request_by_uuid
from resolvers.global_ids import id_from
from resolvers.jobs import deletion_by_uuid
from resolvers.people import user_by_uuid
from schema.common import USER_ERRORS, UserError
from schema.communities import Community, JoinRequest
from schema.deletions import DeletionJob
from schema.fields import column, resolved, row_type
from schema.people import User

_COMMUNITY = "The changed community."


@row_type()
@strawberry.type(description="Result of `upsertCommunity`.")
class UpsertCommunityPayload:
    community: Community | None = resolved(community_by_uuid, "The new or changed community.")
    is_new: bool | None = column("Whether the community was created.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `deleteCommunity`.")
class DeleteCommunityPayload:
    community_uuid: UUID | None = column("The UUID of the deleted community.")
    deleted_id: strawberry.ID | None = resolved(
        id_from("Community", "community_uuid"), "The global ID of the deleted community."
    )
    removed_folders_count: int | None = column(
        "Number of folders deleted, including the root folder."
    )
    removed_items_count: int | None = column("Number of items deleted.")
    job: DeletionJob | None = resolved(
        deletion_by_uuid,
        "The job that removes their rows and bytes. For everyone the folders and items are gone "
        "already.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `joinCommunity`.")
class JoinCommunityPayload:
    community: Community | None = resolved(community_by_uuid, "The community.")
    join_request: JoinRequest | None = resolved(
        request_by_uuid,
        "The request that an admin has to answer. Null if the viewer is a member now.",
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `leaveCommunity`.")
class LeaveCommunityPayload:
    community: Community | None = resolved(
        community_by_uuid, "The community. Null if the viewer does not see it any more."
    )
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `inviteToCommunity`.")
class InviteToCommunityPayload:
    community: Community | None = resolved(community_by_uuid, _COMMUNITY)
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `answerJoinRequest`.")
class AnswerJoinRequestPayload:
    community: Community | None = resolved(community_by_uuid, _COMMUNITY)
    user: User | None = resolved(user_by_uuid, "The user whose request was answered.")
    user_errors: list[UserError] = column(USER_ERRORS)


@row_type()
@strawberry.type(description="Result of `setCommunityMembers`.")
class SetCommunityMembersPayload:
    community: Community | None = resolved(community_by_uuid, _COMMUNITY)
    user_errors: list[UserError] = column(USER_ERRORS)
