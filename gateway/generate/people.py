"""Users and groups of a generated site: one admin, and members in the groups that get roles."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.generate.rng import Rng, name_columns
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

TableRows = tuple[sa.Table, list[dict[str, Any]]]
"""Rows to insert, and their table."""


class People:
    """Users and groups. Every member belongs to the first group, and to two others."""

    def __init__(self, rng: Rng) -> None:
        self._rng = rng
        self.users: list[UUID] = []
        self.groups: list[UUID] = []

    def rows(self) -> Iterator[TableRows]:
        """Yield all rows, referenced tables first; fills `users` and `groups`."""
        emails = [ADMIN, *(f"member{number:02}@example.org" for number in range(1, MEMBERS + 1))]
        user_rows = []
        for email in emails:
            moment = self._rng.next_moment()
            user_rows.append(
                new_row(
                    UserRecord,
                    uuid=self._rng.uuid(moment),
                    email=email,
                    email_key=fold(email),
                    name=email.partition("@")[0].capitalize(),
                    site_role=SiteRole.ADMIN if email == ADMIN else SiteRole.MEMBER,
                    created_at=moment,
                    last_edited_at=moment,
                )
            )
        group_rows = []
        for name in GROUPS:
            moment = self._rng.next_moment()
            group_rows.append(
                new_row(
                    GroupRecord,
                    uuid=self._rng.uuid(moment),
                    created_at=moment,
                    last_edited_at=moment,
                    **name_columns(name),
                )
            )
        self.users = [row["uuid"] for row in user_rows]
        self.groups = [row["uuid"] for row in group_rows]
        yield users, user_rows
        yield groups, group_rows
        everyone, *others = self.groups
        members = self.users[1:]
        pairs = [(everyone, user) for user in members]
        pairs += [(group, user) for user in members for group in self._rng.sample(others, 2)]
        moment = self._rng.next_moment()
        yield (
            memberships,
            [
                new_row(MembershipRecord, group_uuid=group, user_uuid=user, created_at=moment)
                for group, user in pairs
            ],
        )
