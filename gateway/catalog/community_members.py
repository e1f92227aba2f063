"""Members of communities: each is in one of its three groups. Who joins asks, or is invited.

Every change is made while the community is locked.
"""

from collections.abc import Collection
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog import people
from gateway.catalog.community_names import GROUP_NAMES, group_of
from gateway.catalog.ledger import journal
from gateway.catalog.ledger.journal import JournalEntry
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.errors import conflict
from gateway.kinds.enums import StorageUserRole
from gateway.models.base import new_row
from gateway.models.communities import (
    CommunityRecord,
    JoinRequestRecord,
    communities,
    join_requests,
)
from gateway.models.people import MembershipRecord, memberships, users

NO_ADMIN_LEFT = "A community must keep at least one admin. Make somebody else an admin first."


async def members_among(
    transaction: Transaction, community: CommunityRecord, user_uuids: Collection[UUID]
) -> set[UUID]:
    """Return those of the users who are in a group of a community."""
    teams = [group_of(community, role) for role in GROUP_NAMES]
    chosen = sa.select(memberships.c.user_uuid).where(
        in_keys(memberships.c.group_uuid, teams), in_keys(memberships.c.user_uuid, user_uuids)
    )
    return {row.user_uuid for row in await transaction.rows(chosen, MembershipRecord)}


async def set_members(
    transaction: Transaction,
    user_uuid: UUID,
    community: CommunityRecord,
    members: Collection[UUID],
    role: StorageUserRole | None,
    *path: str | int,
) -> None:
    """Put users into the group of a role and out of the others; without a role, out of all.

    Their requests and invitations end.

    Args:
        path: the input field that an error names.

    Raises:
        DomainError: `CONFLICT`, the community would lose its last admin.
    """
    await people.lock_groups(transaction, [group_of(community, each) for each in GROUP_NAMES])
    if role is not StorageUserRole.ADMIN:
        await keep_an_admin(transaction, community, members, *path)
    for each in GROUP_NAMES:
        team = group_of(community, each)
        change = people.add_members if each is role else people.remove_members
        await change(transaction, user_uuid, team, members)
    await end_requests(transaction, user_uuid, community, members)


async def keep_an_admin(
    transaction: Transaction,
    community: CommunityRecord,
    leaving: Collection[UUID],
    *path: str | int,
) -> None:
    """Raise `CONFLICT` at `path` if a community would lose its last admin with these users.

    Users who cannot sign in do not count.
    """
    admins = (
        sa.select(memberships.c.user_uuid)
        .join(users, users.c.uuid == memberships.c.user_uuid)
        .where(memberships.c.group_uuid == community.admins_uuid, users.c.is_active)
    )
    present = {row.user_uuid for row in await transaction.rows(admins, MembershipRecord)}
    if present and present <= set(leaving):
        raise conflict(NO_ADMIN_LEFT, *path)


async def lock_only_administered(transaction: Transaction, user_uuid: UUID) -> set[UUID]:
    """Lock the communities that a user administers, and return those without another admin.

    They are given by their groups of admins. Users who cannot sign in do not count.
    """
    own = sa.select(memberships.c.group_uuid).where(memberships.c.user_uuid == user_uuid)
    administered = sa.select(communities).where(communities.c.admins_uuid.in_(own))
    locked = administered.order_by(communities.c.uuid).with_for_update()
    teams = {row.admins_uuid for row in await transaction.rows(locked, CommunityRecord)}
    # What others have changed before the lock was given is seen by a new statement only.
    active = (
        sa.select(memberships.c.group_uuid, memberships.c.user_uuid)
        .join(users, users.c.uuid == memberships.c.user_uuid)
        .where(in_keys(memberships.c.group_uuid, teams), users.c.is_active)
    )
    admins = {
        (row.group_uuid, row.user_uuid) for row in await transaction.rows(active, MembershipRecord)
    }
    return {team for team, user in admins if user == user_uuid} - {
        team for team, user in admins if user != user_uuid
    }


async def requests_of(
    transaction: Transaction, community_uuid: UUID, user_uuids: Collection[UUID]
) -> dict[UUID, JoinRequestRecord]:
    """Return the requests of users to join a community, and the invitations, by user."""
    chosen = sa.select(join_requests).where(
        join_requests.c.community_uuid == community_uuid,
        in_keys(join_requests.c.user_uuid, user_uuids),
    )
    return {row.user_uuid: row for row in await transaction.rows(chosen, JoinRequestRecord)}


async def request_to_join(
    transaction: Transaction, user_uuid: UUID, community: CommunityRecord
) -> UUID:
    """Ask the admins of a community to let a user in, unless they have asked already.

    Returns:
        The UUID of the request.
    """
    earlier = await requests_of(transaction, community.uuid, [user_uuid])
    if user_uuid in earlier:
        return earlier[user_uuid].uuid
    [request] = await _add_requests(transaction, user_uuid, community, [user_uuid])
    return request


async def invite(
    transaction: Transaction,
    user_uuid: UUID,
    community: CommunityRecord,
    guests: Collection[UUID],
    role: StorageUserRole,
) -> None:
    """Invite users to a community, in place of earlier invitations.

    Those who have asked to join are let in; members stay as they are.
    """
    members = await members_among(transaction, community, guests)
    requests = await requests_of(transaction, community.uuid, guests)
    waiting = {user for user, row in requests.items() if not row.is_invitation}
    if waiting:
        await set_members(transaction, user_uuid, community, waiting, role)
    others = set(guests) - members - waiting
    await end_requests(transaction, user_uuid, community, others)
    await _add_requests(transaction, user_uuid, community, sorted(others), role)


async def end_requests(
    transaction: Transaction,
    user_uuid: UUID,
    community: CommunityRecord,
    user_uuids: Collection[UUID],
) -> None:
    """Delete the requests and invitations of users."""
    requests = await requests_of(transaction, community.uuid, user_uuids)
    chosen = in_keys(join_requests.c.uuid, [row.uuid for row in requests.values()])
    await transaction.execute(sa.delete(join_requests).where(chosen))
    entries = [
        JournalEntry("DELETE", "JoinRequest", row.uuid, before=_journaled(row.user_uuid, community))
        for row in requests.values()
    ]
    await journal.append(transaction, user_uuid, entries)


async def _add_requests(
    transaction: Transaction,
    user_uuid: UUID,
    community: CommunityRecord,
    guests: Collection[UUID],
    role: StorageUserRole | None = None,
) -> list[UUID]:
    """Insert requests of users, or, with the role that is offered, invitations."""
    offer = {} if role is None else {"role": role, "invited_by_uuid": user_uuid}
    rows = [
        new_row(
            JoinRequestRecord,
            community_uuid=community.uuid,
            user_uuid=guest,
            is_invitation=role is not None,
            **offer,
        )
        for guest in guests
    ]
    if rows:
        await transaction.execute(sa.insert(join_requests), rows)
    entries = [
        JournalEntry(
            "CREATE", "JoinRequest", row["uuid"], after=_journaled(row["user_uuid"], community)
        )
        for row in rows
    ]
    await journal.append(transaction, user_uuid, entries)
    return [row["uuid"] for row in rows]


def _journaled(user_uuid: UUID, community: CommunityRecord) -> dict[str, UUID]:
    return {"user_uuid": user_uuid, "community_uuid": community.uuid}
