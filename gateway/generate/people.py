"""Who is on a generated site: an admin, members, and the groups that are given roles."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.generate.rng import Rng, named
from gateway.kinds.enums import SiteRole
from gateway.models.base import fold, new_row
from gateway.models.people import (
    GroupRecord,
    MembershipRecord,
    UserRecord,
    groups,
    memberships,
    users,
)

ADMIN = "admin@example.org"
MEMBERS = 24
GROUPS = (
    "Everyone", "Annotators", "Reviewers", "Radiology", "Field work", "Archive", "Data science", "Partners",
    "Video desk", "Sound studio",
)  # fmt: skip

Rows = tuple[sa.Table, list[dict[str, Any]]]


class People:
    """Users and groups. Everyone who is no admin belongs to the first group."""

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self.users: list[UUID] = []
        self.groups: list[UUID] = []

    def rows(self) -> Iterator[Rows]:
        """All rows, those that others refer to first."""
        emails = [ADMIN, *(f"member{number:02}@example.org" for number in range(1, MEMBERS + 1))]
        people = [self._user(email) for email in emails]
        teams = [self._group(name) for name in GROUPS]
        self.users, self.groups = ([row["uuid"] for row in rows] for rows in (people, teams))
        yield users, people
        yield groups, teams
        yield memberships, self._memberships()

    def _user(self, email: str) -> dict[str, Any]:
        moment = self._rng.next_moment()
        role = SiteRole.ADMIN if email == ADMIN else SiteRole.MEMBER
        name = email.partition("@")[0].capitalize()
        known = {"email": email, "email_key": fold(email), "name": name, "site_role": role}
        return new_row(
            UserRecord,
            uuid=self._rng.uuid(moment),
            created_at=moment,
            last_edited_at=moment,
            **known,
        )

    def _group(self, name: str) -> dict[str, Any]:
        moment = self._rng.next_moment()
        return new_row(
            GroupRecord,
            uuid=self._rng.uuid(moment),
            created_at=moment,
            last_edited_at=moment,
            **named(name),
        )

    def _memberships(self) -> list[dict[str, Any]]:
        everyone, *others = self.groups
        pairs = [(everyone, user) for user in self.users[1:]]
        pairs += [(group, user) for user in self.users[1:] for group in self._rng.sample(others, 2)]
        moment = self._rng.next_moment()
        return [
            new_row(MembershipRecord, group_uuid=group, user_uuid=user, created_at=moment)
            for group, user in pairs
        ]
