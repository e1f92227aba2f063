"""The folders of a generated site: 20 roots, 10 subfolders in each, all others below; and roles."""

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from gateway.database.tree import ancestors, depth, path_of
from gateway.generate.people import People, TableRows
from gateway.generate.rng import Rng, name_columns
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
    "Spring", "Summer", "Autumn", "Winter", "Pilot", "Control", "North", "South", "East", "West",
)  # fmt: skip


class Place(NamedTuple):
    """A folder and its root folder."""

    folder_uuid: UUID
    root_folder_uuid: UUID


class Tree:
    """Folders, each after its parent; `uuids` and `parents` are in the same order."""

    def __init__(self, rng: Rng, people: People, number: int) -> None:
        self._rng = rng
        self._people = people
        self._number = number
        self._rows: list[dict[str, Any]] = []

    @property
    def uuids(self) -> list[UUID]:
        """All folders, the roots first."""
        return [row["uuid"] for row in self._rows]

    @property
    def parents(self) -> list[UUID | None]:
        """The parent of each folder, None for a root."""
        return [row["parent_uuid"] for row in self._rows]

    @property
    def places(self) -> list[Place]:
        """All folders, each with its root folder."""
        return [Place(row["uuid"], ancestors(row["path"])[-1]) for row in self._rows]

    def rows(self) -> Iterator[TableRows]:
        """Yield all rows, referenced tables first."""
        for number in range(min(self._number, ROOTS)):
            self._add(None, THEMES[number])
        roots = self._rows[:ROOTS]
        for number in range(ROOTS, min(self._number, ROOTS + ROOTS * SUBFOLDERS)):
            part, theme = divmod(number - ROOTS, ROOTS)
            self._add(roots[theme], f"{PARTS[part]} of {THEMES[theme].lower()}")
        parents = self._rows[ROOTS:]
        for number in range(len(self._rows), self._number):
            row = self._add(self._rng.choice(parents), f"{self._rng.choice(PARTS)} {number:05}")
            if depth(row["path"]) < DEEPEST:
                parents.append(row)
        yield folders, self._rows
        # Everyone can see all roots. Owners and some groups get more rights, there or further down.
        everyone, *others = self._people.groups
        grants = []
        for root in roots:
            grants.append(self._grant(root, StorageUserRole.ADMIN, user_uuid=root["owner_uuid"]))
            grants.append(self._grant(root, StorageUserRole.VIEWER, group_uuid=everyone))
            group = self._rng.choice(others)
            grants.append(self._grant(root, StorageUserRole.USER, group_uuid=group))
        for folder in self._rng.sample(self._rows[ROOTS:], len(roots)):
            group = self._rng.choice(others)
            grants.append(self._grant(folder, StorageUserRole.ADMIN, group_uuid=group))
        yield folder_grants, grants

    def _add(self, parent: dict[str, Any] | None, name: str) -> dict[str, Any]:
        moment = self._rng.next_moment()
        uuid = self._rng.uuid(moment)
        team = f"Recorded by team {self._rng.below(9) + 1}."
        row = new_row(
            FolderRecord,
            uuid=uuid,
            parent_uuid=parent and parent["uuid"],
            path=path_of(parent["path"] if parent else "", uuid),
            description=team if self._rng.chance(0.6) else "",
            client_metadata={
                "project": self._rng.below(50),
                "reviewed": self._rng.chance(0.5),
            },
            owner_uuid=self._rng.choice(self._people.users),
            created_at=moment,
            last_edited_at=moment,
            **name_columns(name),
        )
        self._rows.append(row)
        return row

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
