"""Sign-in with a JWT: users who are created when they first come, and their groups."""

from collections.abc import Collection
from contextlib import suppress
from uuid import UUID

import sqlalchemy as sa
import structlog

from gateway.auth.tokens import SignIn
from gateway.catalog.community_members import lock_only_administered
from gateway.catalog.people import (
    add_members,
    create_user,
    lock_groups,
    remove_members,
    validate_email,
)
from gateway.catalog.rules.names import validate_name
from gateway.database.dialects import in_keys
from gateway.database.engine import Database
from gateway.errors import DomainError
from gateway.kinds.enums import SiteRole
from gateway.models.base import fold
from gateway.models.people import (
    GroupRecord,
    MembershipRecord,
    UserRecord,
    groups,
    memberships,
    users,
)
from gateway.settings import Settings

log = structlog.get_logger(__name__)


async def sign_in(database: Database, settings: Settings, who: SignIn) -> None:
    """Create the user of a token or update their groups, if the settings say so."""
    known = await database.rows(_user_of(who), UserRecord)
    if not known and settings.jwt_create_users:
        await _create_user(database, who)
        known = await database.rows(_user_of(who), UserRecord)
    if known and known[0].is_active and who.groups is not None:
        await _update_groups(database, known[0].uuid, who.groups)


async def _create_user(database: Database, who: SignIn) -> None:
    """Create the user of a token as a member of the site."""
    name = ""
    with suppress(DomainError):
        name = validate_name(who.name, "name")
    with suppress(DomainError):  # the address is none, or the user exists since just now
        email = validate_email(who.email)
        async with database.writing() as transaction:
            await create_user(transaction, None, email, name, SiteRole.MEMBER)


async def _update_groups(database: Database, user_uuid: UUID, names: Collection[str]) -> None:
    """Let a user join the groups that a token names, and leave those it names no longer.

    Only groups that exist count. The user leaves no group that they joined otherwise, and not the
    admins of a community that has no other.
    """
    joined = sa.select(memberships).where(memberships.c.user_uuid == user_uuid)
    named = sa.select(groups.c.uuid).where(
        in_keys(groups.c.name_key, {fold(name) for name in names})
    )
    present = await database.rows(joined, MembershipRecord)
    wanted = {row.uuid for row in await database.rows(named, GroupRecord)}
    missing = wanted - {row.group_uuid for row in present}
    gone = {row.group_uuid for row in present if row.by_sign_in} - wanted
    if not missing and not gone:
        return
    async with database.writing() as transaction:
        kept = gone & await lock_only_administered(transaction, user_uuid) if gone else set()
        existing = await lock_groups(transaction, missing | gone)
        for uuid in sorted(missing & existing):
            await add_members(transaction, None, uuid, [user_uuid], by_sign_in=True)
        for uuid in sorted(gone & existing - kept):
            await remove_members(transaction, None, uuid, [user_uuid])
    for uuid in sorted(kept):
        log.warning("last_admin_kept", group=str(uuid), user=str(user_uuid))


def _user_of(who: SignIn) -> sa.Select[tuple[UUID, bool]]:
    return sa.select(users.c.uuid, users.c.is_active).where(users.c.email_key == fold(who.email))
