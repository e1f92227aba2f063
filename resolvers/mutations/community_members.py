"""Mutations that make users members of communities, and end that."""

from dataclasses import dataclass
from uuid import UUID

from strawberry import UNSET

from gateway.auth.communities import sees_join_request
from gateway.catalog.communities import lock_community
from gateway.catalog.community_members import (
    end_requests,
    invite,
    members_among,
    request_to_join,
    requests_of,
    set_members,
)
from gateway.context import Context
from gateway.database.engine import Transaction
from gateway.errors import bad_input, conflict, not_found
from gateway.kinds.enums import JoinPolicy, StorageUserRole
from gateway.models.communities import CommunityRecord, JoinRequestRecord, join_requests
from resolvers.inputs.communities import (
    AnswerJoinRequestInput,
    InviteToCommunityInput,
    JoinCommunityInput,
    LeaveCommunityInput,
    SetCommunityMembersInput,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires, requires_unlimited
from resolvers.requirements import ADMIN, VIEWER
from resolvers.user_selection import check_selection, require_users

_ENTRY = VIEWER.on_community_or("community_uuid", "an invitation")


@dataclass(frozen=True, slots=True)
class JoinCommunityOutcome(Outcome):
    """Outcome of `joinCommunity`."""

    community_uuid: UUID | None = None
    join_request_uuid: UUID | None = None


@requires_unlimited
@requires(_ENTRY)
async def join_community(
    context: Context, input: JoinCommunityInput, permissions: Permissions
) -> JoinCommunityOutcome:
    """Become a member of a community, or ask its admins to.

    With an invitation, or if the join policy is `EVERYONE`, the viewer becomes a member at once,
    with the role of the invitation. Otherwise a request is made, which an admin of the community
    answers. Members stay as they are.
    """
    viewer, uuid = context.viewer.user_uuid, input.community_uuid
    async with context.database.writing() as transaction:
        community, request = await _enter(context, transaction, permissions, uuid)
        if await members_among(transaction, community, [viewer]):
            return JoinCommunityOutcome(community_uuid=uuid)
        if request and request.is_invitation:
            await set_members(transaction, viewer, community, [viewer], request.role)
        elif community.join_policy is JoinPolicy.EVERYONE:
            await set_members(transaction, viewer, community, [viewer], StorageUserRole.VIEWER)
        else:
            asked = await request_to_join(transaction, viewer, community)
            return JoinCommunityOutcome(community_uuid=uuid, join_request_uuid=asked)
    return JoinCommunityOutcome(community_uuid=uuid)


@dataclass(frozen=True, slots=True)
class LeaveCommunityOutcome(Outcome):
    """Outcome of `leaveCommunity`."""

    community_uuid: UUID | None = None


@requires_unlimited
@requires(_ENTRY)
async def leave_community(
    context: Context, input: LeaveCommunityInput, permissions: Permissions
) -> LeaveCommunityOutcome:
    """Stop being a member of a community, withdraw a request, or decline an invitation.

    Nothing changes for those who are no members. The last admin cannot leave (`CONFLICT`).
    """
    viewer, uuid = context.viewer.user_uuid, input.community_uuid
    async with context.database.writing() as transaction:
        community, _ = await _enter(context, transaction, permissions, uuid)
        await set_members(transaction, viewer, community, [viewer], None, "communityUuid")
    return LeaveCommunityOutcome(community_uuid=uuid)


@dataclass(frozen=True, slots=True)
class InviteToCommunityOutcome(Outcome):
    """Outcome of `inviteToCommunity`."""

    community_uuid: UUID | None = None


@requires_unlimited
@requires(ADMIN.on_community("community_uuid"))
async def invite_to_community(
    context: Context, input: InviteToCommunityInput, permissions: Permissions
) -> InviteToCommunityOutcome:
    """Invite users to a community, who become members with `joinCommunity`.

    Those who have asked to join become members at once. Members stay as they are. If one of the
    users does not exist (`NOT_FOUND`), nobody is invited.
    """
    check_selection(input)
    uuid = input.community_uuid
    async with context.database.writing() as transaction:
        community = await lock_community(transaction, uuid)
        await permissions.check(transaction)
        guests = await require_users(transaction, context.viewer, input)
        if community:
            viewer = context.viewer.user_uuid
            await invite(transaction, viewer, community, guests, input.role)
    return InviteToCommunityOutcome(community_uuid=uuid)


@dataclass(frozen=True, slots=True)
class AnswerJoinRequestOutcome(Outcome):
    """Outcome of `answerJoinRequest`."""

    community_uuid: UUID | None = None
    user_uuid: UUID | None = None


@requires_unlimited
@requires(ADMIN.on_folder_of("join_request_uuid", "join request"))
async def answer_join_request(
    context: Context, input: AnswerJoinRequestInput, permissions: Permissions
) -> AnswerJoinRequestOutcome:
    """Accept or refuse a request to join a community, or withdraw an invitation."""
    uuid, viewer = input.join_request_uuid, context.viewer.user_uuid
    chosen = join_requests.select().where(
        join_requests.c.uuid == uuid, sees_join_request(context.viewer)
    )
    async with context.database.writing() as transaction:
        request = await transaction.first(chosen, JoinRequestRecord)
        if request is None:
            raise not_found("join request", uuid, "joinRequestUuid")
        community = await lock_community(transaction, request.community_uuid)
        request = await transaction.first(chosen, JoinRequestRecord)
        if request is None or community is None:
            raise not_found("join request", uuid, "joinRequestUuid")
        await permissions.check_folder_of(transaction, "join_request_uuid", community.folder_uuid)
        user = request.user_uuid
        if not input.accept:
            await end_requests(transaction, viewer, community, [user])
        elif request.is_invitation:
            raise conflict("Only the invited user can accept an invitation.", "accept")
        else:
            await set_members(transaction, viewer, community, [user], input.role)
    return AnswerJoinRequestOutcome(community_uuid=community.uuid, user_uuid=user)


@dataclass(frozen=True, slots=True)
class SetCommunityMembersOutcome(Outcome):
    """Outcome of `setCommunityMembers`."""

    community_uuid: UUID | None = None


@requires_unlimited
@requires(ADMIN.on_community("community_uuid"))
async def set_community_members(
    context: Context, input: SetCommunityMembersInput, permissions: Permissions
) -> SetCommunityMembersOutcome:
    """Put users into one of the groups of a community, and out of the others, or out of all.

    A user is in at most one of them. Fails with `CONFLICT` if the community would lose its last
    admin. If one of the users does not exist (`NOT_FOUND`), nothing changes.
    """
    check_selection(input)
    if input.role is UNSET:
        raise bad_input("role is required. Pass null to remove the users.", "role")
    uuid, viewer = input.community_uuid, context.viewer.user_uuid
    async with context.database.writing() as transaction:
        community = await lock_community(transaction, uuid)
        await permissions.check(transaction)
        members = await require_users(transaction, context.viewer, input)
        if community:
            await set_members(transaction, viewer, community, members, input.role, "role")
    return SetCommunityMembersOutcome(community_uuid=uuid)


async def _enter(
    context: Context, transaction: Transaction, permissions: Permissions, uuid: UUID
) -> tuple[CommunityRecord, JoinRequestRecord | None]:
    """Lock a community that the viewer sees or is invited to; return it, and their request.

    Raises:
        DomainError: `NOT_FOUND`.
    """
    viewer = context.viewer.user_uuid
    community = await lock_community(transaction, uuid)
    roles = await permissions.roles(transaction, "community_uuid", [uuid])
    request = (await requests_of(transaction, uuid, [viewer])).get(viewer)
    is_invited = request is not None and request.is_invitation
    if community is None or not (uuid in roles or is_invited):
        raise not_found("community", uuid, "communityUuid")
    return community, request
