"""Communities with members and requests, for the world of both executors."""

from typing import Any
from uuid import UUID

from gateway.kinds.enums import FolderVisibility, JoinPolicy, StorageUserRole
from gateway.models.base import fold
from gateway.models.communities import communities, join_requests
from gateway.models.folders import folder_counters, folder_grants, folders
from gateway.models.metric_results import (
    metric_links,
    metric_producers,
    metric_scalars,
    metric_submissions,
    metric_trends,
)
from gateway.models.people import groups, memberships


async def create_communities(builder: Any) -> None:
    """Insert a public community, a private one with the member, and one without."""
    world, put = builder.world, builder.put
    _, member, stranger = world.users
    for number, name in enumerate(("Ärzte", "beta", "Zeta")):
        is_public = number == 0
        root = await add_root(builder, name, FolderVisibility.PUBLIC if is_public else FolderVisibility.PRIVATE)
        teams = []
        for role in (StorageUserRole.ADMIN, StorageUserRole.USER, StorageUserRole.VIEWER):
            team = await put(groups, name=f"{name} {role}", name_key=fold(f"{name} {role}"), description="")
            await put(folder_grants, folder_uuid=root, group_uuid=team, role=role, sees_phi=False)
            teams.append(team)
        for place, user in enumerate((stranger, member) if number == 1 else (stranger,)):
            await put(memberships, group_uuid=teams[1 - place], user_uuid=user)
        await put(memberships, group_uuid=teams[2], user_uuid=stranger)
        values = dict(zip(("admins_uuid", "moderators_uuid", "members_uuid"), teams, strict=True))
        policy = list(JoinPolicy)[number % 2]
        community = await put(
            communities, folder_uuid=root, name=name, name_key=fold(name), join_policy=policy, **values
        )
        for place, user in enumerate(world.users):
            invited = {"is_invitation": place % 2 == 1, "invited_by_uuid": stranger if place % 2 else None}
            role = StorageUserRole.USER
            await put(join_requests, community_uuid=community, user_uuid=user, role=role, **invited)
        await create_metrics(builder, community)


async def create_metrics(builder: Any, community: UUID) -> None:
    """Insert a producer with two trends of some values, official ones and others, with items."""
    world, put, random = builder.world, builder.put, builder.random
    submission = await put(
        metric_submissions, community_uuid=community, name="run", user_uuid=random.choice(world.users)
    )
    producer = await put(metric_producers, community_uuid=community, display_name=builder.name()["name"], repository="")
    for number in range(2):
        data = {f"{kind}_item_uuid": random.choice(world.items) for kind in ("config", "test", "truth")}
        trend = await put(
            metric_trends, producer_uuid=producer, digest=f"{number}", metric_name="m", unit="s" * number, **data
        )
        for place in range(6):
            scalar = await put(
                metric_scalars,
                trend_uuid=trend,
                submission_uuid=submission if place % 2 else None,
                user_uuid=world.users[place % 3],
                value=place / 7,
                submitted_at=builder.moment(),
                revision="r",
                branch="main",
                is_official=place < 3,
                parameters={"a": [1]} if place else None,
                links=[{"label": "log", "url": "https://example.org"}] * place,
                reproduction_command="make",
            )
            for label in ("a", "b"):
                await put(metric_links, scalar_uuid=scalar, item_uuid=random.choice(world.items), label=label)


async def add_root(builder: Any, name: str, visibility: FolderVisibility) -> UUID:
    """Insert a root folder with an empty folder in it."""
    world, random = builder.world, builder.random
    path, parent = "", None
    for label, own in ((name, visibility), ("inner", None)):
        uuid = UUID(int=random.getrandbits(128), version=4)
        path += uuid.hex
        await builder.put(
            folders,
            uuid=uuid,
            parent_uuid=parent,
            path=path,
            visibility=own,
            is_public=visibility is FolderVisibility.PUBLIC,
            name=label,
            name_key=fold(label),
        )
        await builder.put(folder_counters, folder_uuid=uuid)
        parent = parent or uuid
    world.folders.append(parent)
    assert parent
    return parent
