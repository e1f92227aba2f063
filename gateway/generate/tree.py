"""The folders of a generated site: 20 roots with 10 subfolders each, all others somewhere below, and roles on them."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from gateway.database.tree import depth, path_of
from gateway.generate.people import People, Rows
from gateway.generate.rng import Rng, named
from gateway.kinds.enums import StorageUserRole
from gateway.models.base import new_row
from gateway.models.folders import FolderGrantRecord, FolderRecord, folder_grants, folders

ROOTS, SUBFOLDERS, DEEPEST = 20, 10, 8
THEMES = (
    "Harbour survey", "Bird song", "Night streets", "Glacier flights", "Hospital archive", "Market square",
    "Interviews", "Wind farm", "River gauges", "Old maps", "Theatre", "Bridge inspection", "Forest plots",
    "Coral reef", "Tram lines", "Orchard", "Museum scans", "Cave acoustics", "Ski slopes", "Rooftops",
)  # fmt: skip
PARTS = (
    "Spring",
    "Summer",
    "Autumn",
    "Winter",
    "Pilot",
    "Control",
    "North",
    "South",
    "East",
    "West",
)


class Tree:
    """Folders, each after the one that it lies in; `uuids` and `counts` follow their order."""

    def __init__(self, rng: Rng, people: People, number: int) -> None:
        self._rng = rng
        self._people = people
        self._number = number
        self._made: list[dict[str, Any]] = []

    @property
    def uuids(self) -> list[UUID]:
        """All folders, the roots first."""
        return [row["uuid"] for row in self._made]

    @property
    def parents(self) -> list[UUID | None]:
        """What each of them lies in."""
        return [row["parent_uuid"] for row in self._made]

    def rows(self) -> Iterator[Rows]:
        """All rows, those that others refer to first."""
        for number in range(min(self._number, ROOTS)):
            self._add(None, THEMES[number])
        roots = self._made[:ROOTS]
        for number in range(ROOTS, min(self._number, ROOTS + ROOTS * SUBFOLDERS)):
            part, root = divmod(number - ROOTS, ROOTS)
            self._add(roots[root], f"{PARTS[part]} of {THEMES[root].lower()}")
        above = self._made[ROOTS:]
        for number in range(len(self._made), self._number):
            made = self._add(self._rng.choice(above), f"{self._rng.choice(PARTS)} {number:05}")
            if depth(made["path"]) < DEEPEST:
                above.append(made)
        yield folders, self._made
        yield folder_grants, list(self._grants(roots))

    def _add(self, parent: dict[str, Any] | None, name: str) -> dict[str, Any]:
        moment = self._rng.next_moment()
        uuid = self._rng.uuid(moment)
        row = new_row(
            FolderRecord,
            uuid=uuid,
            parent_uuid=parent and parent["uuid"],
            path=path_of(parent["path"] if parent else "", uuid),
            description=f"Recorded by team {self._rng.below(9) + 1}."
            if self._rng.chance(0.6)
            else "",
            client_metadata={
                "project": self._rng.below(50),
                "reviewed": self._rng.chance(0.5),
            },
            owner_uuid=self._rng.choice(self._people.users),
            created_at=moment,
            last_edited_at=moment,
            **named(name),
        )
        self._made.append(row)
        return row

    def _grants(self, roots: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Everyone sees all roots; their makers and some groups may do more, there or further down."""
        everyone, *others = self._people.groups
        for root in roots:
            yield self._grant(root, StorageUserRole.ADMIN, user_uuid=root["owner_uuid"])
            yield self._grant(root, StorageUserRole.VIEWER, group_uuid=everyone)
            yield self._grant(root, StorageUserRole.USER, group_uuid=self._rng.choice(others))
        for folder in self._rng.sample(self._made[ROOTS:], len(roots)):
            yield self._grant(folder, StorageUserRole.ADMIN, group_uuid=self._rng.choice(others))

    def _grant(
        self, folder: dict[str, Any], role: StorageUserRole, **holder: UUID
    ) -> dict[str, Any]:
        moment = folder["created_at"]
        return new_row(
            FolderGrantRecord,
            uuid=self._rng.uuid(moment),
            folder_uuid=folder["uuid"],
            role=role,
            created_at=moment,
            **holder,
        )
