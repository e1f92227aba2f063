"""Inputs of queries and mutations of communities."""

from uuid import UUID

import strawberry

from gateway.execution.bound_values import PART_OF_NAME, bound_as
from gateway.kinds.enums import FolderVisibility, JoinPolicy, StorageUserRole
from resolvers.inputs.descriptions import (
    DATASET_CHANGES,
    MIRROR_CHANGES,
    SHARED_ITEMS,
    USER_EMAILS,
    USER_UUIDS,
    new_description_of,
)

_COMMUNITY = "UUID of the community."
_ROLE = (
    "The group that they are put into: `ADMIN` for admins, `USER` for moderators and `VIEWER` for "
    "members."
)


@strawberry.input(
    one_of=True, description="A community, by its UUID or name. Set exactly one of the fields."
)
class CommunityKey:
    uuid: UUID | None = strawberry.field(default=strawberry.UNSET, description=_COMMUNITY)
    name: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Name of the community, ignoring case; at most 1,000 characters.",
    )


@strawberry.input(
    description="Filter for communities. A community must match all fields that are set."
)
class CommunityFilter:
    search: str | None = strawberry.field(
        default=None,
        metadata=bound_as(PART_OF_NAME),
        description="Text that the name must contain, ignoring case; at most 1,000 characters.",
    )
    is_member: bool | None = strawberry.field(
        default=None,
        description="If `true`, only communities that the viewer is a member of; if `false`, only "
        "others.",
    )
    visibility: FolderVisibility | None = strawberry.field(
        default=None, description="The visibility that the communities must have."
    )
    join_policy: JoinPolicy | None = strawberry.field(
        default=None, description="The policy that the communities must have."
    )


@strawberry.input(description="A new community, or changes to one.")
class UpsertCommunityInput:
    uuid: UUID | None = strawberry.field(
        default=None,
        description="UUID of the community. If there is none with it, a community is created with "
        "this UUID; without it, with a new one.",
    )
    name: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Name of the community and its root folder, 1 to 1,000 characters. Control "
        "characters, and `.` or `..` as a path segment, are not allowed. Must be unique among "
        "communities, ignoring case. Required to create a community.",
    )
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description=new_description_of("community")
    )
    visibility: FolderVisibility | None = strawberry.field(
        default=strawberry.UNSET,
        description="Visibility of the community and its root folder. Must not be null. A new community "
        "is `PRIVATE` by default.",
    )
    join_policy: JoinPolicy | None = strawberry.field(
        default=strawberry.UNSET,
        description="Way in which users become members. Must not be null. That of a new community is "
        "`INVITATION` by default.",
    )


@strawberry.input(description="The community to delete.")
class DeleteCommunityInput:
    community_uuid: UUID = strawberry.field(description=_COMMUNITY)
    recursive: bool = strawberry.field(
        default=False,
        description="Whether to delete everything in its root folder and below it. Without it, only "
        "a community with an empty root folder can be deleted.",
    )
    allow_dataset_changes: bool = strawberry.field(default=False, description=DATASET_CHANGES)
    allow_mirror_dataset_changes: bool = strawberry.field(default=False, description=MIRROR_CHANGES)
    delete_shared_items: bool = strawberry.field(default=False, description=SHARED_ITEMS)


@strawberry.input(description="The community to join.")
class JoinCommunityInput:
    community_uuid: UUID = strawberry.field(description=_COMMUNITY)


@strawberry.input(description="The community to leave.")
class LeaveCommunityInput:
    community_uuid: UUID = strawberry.field(description=_COMMUNITY)


@strawberry.input(description="Users to invite, given by UUID, email address or both.")
class InviteToCommunityInput:
    community_uuid: UUID = strawberry.field(description=_COMMUNITY)
    user_uuids: list[UUID] | None = strawberry.field(default=None, description=USER_UUIDS)
    user_emails: list[str] | None = strawberry.field(default=None, description=USER_EMAILS)
    role: StorageUserRole = strawberry.field(default=StorageUserRole.VIEWER, description=_ROLE)


@strawberry.input(description="The answer to a request to join a community.")
class AnswerJoinRequestInput:
    join_request_uuid: UUID = strawberry.field(description="UUID of the request or invitation.")
    accept: bool = strawberry.field(
        description="Whether the user becomes a member. An invitation can only be withdrawn, with "
        "`false`: the user accepts it with `joinCommunity`."
    )
    role: StorageUserRole = strawberry.field(default=StorageUserRole.VIEWER, description=_ROLE)


@strawberry.input(
    description="Users and their role in a community, given by UUID, email address or both."
)
class SetCommunityMembersInput:
    community_uuid: UUID = strawberry.field(description=_COMMUNITY)
    user_uuids: list[UUID] | None = strawberry.field(default=None, description=USER_UUIDS)
    user_emails: list[str] | None = strawberry.field(default=None, description=USER_EMAILS)
    role: StorageUserRole | None = strawberry.field(
        default=strawberry.UNSET,
        description=f"{_ROLE} Null removes them from the community. Must not be omitted.",
    )
