"""Many folders that are created at once, some of them below others of the same request.

They are planned from the outermost down, so that names are chosen in folders that are known, and
inserted together.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.roles import roles_on_folders
from gateway.auth.viewer import Viewer
from gateway.catalog.folder_trees import insert_folders
from gateway.catalog.folders import check_depth, folder_row, lock_folders
from gateway.catalog.taken_names import NameChoice, WantedName, choose_names
from gateway.database.engine import Transaction
from gateway.database.tree import depth
from gateway.error_texts import IS_SYNCED
from gateway.errors import DomainError, Path, conflict, forbidden
from gateway.kinds.enums import (
    FolderVisibility,
    IfNameTaken,
    PhiPolicy,
    StorageFolderType,
    StorageUserRole,
)
from gateway.models.base import new_row
from gateway.models.folders import FolderGrantRecord, FolderRecord, folder_grants


@dataclass(frozen=True, slots=True)
class NewFolder:
    """A folder to create.

    Attributes:
        path: where the request names the folder.
        parent_uuid: the folder above, if it exists already.
        above: the position of the folder above, if the same request creates it.
    """

    name: str
    path: Path
    description: str = ""
    client_metadata: dict[str, Any] | None = None
    visibility: FolderVisibility | None = None
    parent_uuid: UUID | None = None
    above: int | None = None


def by_level(aboves: Mapping[int, int | None]) -> list[list[int]]:
    """Return the positions of folders, outer ones first; those that are in a circle are missing.

    Args:
        aboves: the position of the folder above, by position.
    """
    below: dict[int | None, list[int]] = {}
    for index, above in aboves.items():
        below.setdefault(above, []).append(index)
    levels = [below.get(None, [])]
    while levels[-1]:
        levels.append([inner for index in levels[-1] for inner in below.get(index, [])])
    return levels[:-1]


@dataclass(slots=True)
class FolderPlan:
    """Plan of new folders, by their positions.

    Attributes:
        masks_roots: whether new roots are masked.
        parents: the existing folders that they are created in, which are locked.
        choices: what becomes of their names.
        rows: the folders: those to insert, and existing ones that are used instead.
        roles: the viewer's roles on these.
    """

    transaction: Transaction
    viewer: Viewer
    rule: IfNameTaken
    masks_roots: bool
    parents: Mapping[UUID, FolderRecord]
    choices: dict[int, NameChoice] = field(default_factory=dict)
    rows: dict[int, FolderRecord] = field(default_factory=dict)
    roles: dict[int, StorageUserRole] = field(default_factory=dict)
    errors: dict[int, DomainError] = field(default_factory=dict)

    async def add(self, new: Mapping[int, NewFolder]) -> None:
        """Choose the names of folders and make their rows; what cannot be created gets an error.

        The caller has locked the tree. Folders below one with an error have neither a row nor an
        error.
        """
        roles = await roles_on_folders(self.transaction.connection, self.viewer, self.parents)
        for level in by_level({index: each.above for index, each in new.items()}):
            reached = {
                index: new[index]
                for index in level
                if new[index].above is None or new[index].above in self.rows
            }
            homes = {index: self.home_of(each) for index, each in reached.items()}
            if self.rule is not IfNameTaken.ALLOW_DUPLICATE:
                known = {home.uuid for home in homes.values() if home} - self.parents.keys()
                await lock_folders(self.transaction, known)
            wanted = [
                WantedName(
                    home.uuid if home else None,
                    new[index].name,
                    is_folder=True,
                    path=(*new[index].path, "name"),
                )
                for index, home in homes.items()
            ]
            chosen = await choose_names(self.transaction, self.viewer, wanted, self.rule)
            reused = {choice.folder.uuid for choice in chosen if choice.folder}
            roles |= await roles_on_folders(self.transaction.connection, self.viewer, reused)
            for (index, each), choice in zip(reached.items(), chosen, strict=True):
                home = homes[index]
                above = StorageUserRole.ADMIN
                if each.above is not None:
                    above = self.roles[each.above]
                elif home:
                    above = roles[home.uuid].role
                try:
                    row = self.rows[index] = self.row_of(each, home, above, choice)
                except DomainError as error:
                    self.errors[index] = error
                    continue
                self.choices[index] = choice
                self.roles[index] = roles[row.uuid].role if row.uuid in roles else above

    def home_of(self, new: NewFolder) -> FolderRecord | None:
        """Return the folder above a new one; None for a root."""
        if new.above is not None:
            return self.rows[new.above]
        return self.parents[new.parent_uuid] if new.parent_uuid else None

    def row_of(
        self,
        new: NewFolder,
        home: FolderRecord | None,
        role: StorageUserRole,
        choice: NameChoice,
    ) -> FolderRecord:
        """Return the row of a folder, or the existing one that is used instead.

        Args:
            role: the viewer's role on the folder above.

        Raises:
            DomainError: the folder above takes none, the name is taken, the viewer may not decide
                about the visibility, or the folder would be too deep.
        """
        if role.rank < StorageUserRole.USER.rank:
            raise forbidden("This requires the role USER on the folder above.", *new.path, "parent")
        if home and home.folder_type is not StorageFolderType.GENERIC:
            raise conflict(IS_SYNCED, *new.path, "parent")
        if choice.error:
            raise choice.error
        if choice.folder:
            return choice.folder
        columns: dict[str, Any] = {}
        if home is None and self.masks_roots:
            columns |= {"phi_policy": PhiPolicy.MASKED, "is_masked": True}
        if new.visibility:
            is_public = new.visibility is FolderVisibility.PUBLIC
            if home and home.is_public != is_public and role is not StorageUserRole.ADMIN:
                message = "This requires the role ADMIN on the folder above."
                raise forbidden(message, *new.path, "visibility")
            columns |= {"visibility": new.visibility, "is_public": is_public}
        columns |= {"description": new.description, "client_metadata": new.client_metadata}
        row = folder_row(home, self.viewer.user_uuid, choice.name, **columns)
        check_depth(depth(row.path), *new.path, "parent")
        return row

    async def insert(self, accepted: Collection[int]) -> None:
        """Insert the folders at these positions; the viewer becomes ADMIN of new roots."""
        user_uuid = self.viewer.user_uuid
        new = [self.rows[index] for index in accepted if self.choices[index].folder is None]
        new.sort(key=lambda row: len(row.path))
        await insert_folders(self.transaction, user_uuid, new)
        own: dict[str, Any] = {"role": StorageUserRole.ADMIN, "sees_phi": True}
        grants = [
            new_row(FolderGrantRecord, folder_uuid=row.uuid, user_uuid=user_uuid, **own)
            for row in new
            if row.parent_uuid is None
        ]
        if grants:
            await self.transaction.execute(sa.insert(folder_grants), grants)
