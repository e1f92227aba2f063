"""The folder that a request names, and which rows lie in it or below as far as the viewer sees."""

from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.identity import sees_identity_at, sees_study_identity
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import Condition, is_given_folder, sees_folder
from gateway.context import Context
from gateway.database.tree import ID_LENGTH, within
from gateway.errors import not_found
from gateway.models.dicom import (
    dicom_instances,
    dicom_series,
    dicom_studies,
    dicom_study_places,
)
from gateway.models.folders import folders


@dataclass(frozen=True, slots=True)
class Scope:
    """A folder as a viewer sees it.

    Attributes:
        has_masked: whether something in its root may be masked to the viewer.
        has_private: whether folders below it may be private to the viewer.
    """

    viewer: Viewer
    folder_uuid: UUID
    path: str
    has_masked: bool
    has_private: bool

    def holds(self, folder_uuid: sa.ColumnElement[Any]) -> Condition:
        """Return the condition that the viewer sees a folder, and that it is this one or below."""
        home = folders.alias()
        return sa.exists().where(home.c.uuid == folder_uuid, *self._is_home(home))

    def holds_study(self) -> list[Condition]:
        """Return the conditions that the folder has a part of a study."""
        place, home = dicom_study_places.alias(), folders.alias()
        if len(self.path) == ID_LENGTH and not self.has_private:
            # All places of a study are in its root.
            return [
                dicom_studies.c.root_folder_uuid == self.folder_uuid,
                sa.exists().where(place.c.study_uuid == dicom_studies.c.uuid),
            ]
        here = sa.select(place.c.study_uuid).join(home, home.c.uuid == place.c.folder_uuid)
        return [dicom_studies.c.uuid.in_(here.where(*self._is_home(home)))]

    def _is_home(self, home: sa.FromClause) -> list[Condition]:
        is_seen = [sees_folder(self.viewer, home)] if self.has_private else []
        return [within(home.c.path, self.path), *is_seen]

    def shows_study(self) -> Condition:
        """Return the condition that the viewer sees the identifying attributes of a study."""
        return (
            sees_study_identity(self.viewer, dicom_studies.c.uuid) if self.has_masked else sa.true()
        )

    def shows_series(self) -> Condition:
        """Return the condition that the viewer sees what identifies patients in a series."""
        return (
            sees_identity_at(self.viewer, dicom_series.c.folder_uuid)
            if self.has_masked
            else sa.true()
        )


@dataclass(frozen=True, slots=True)
class Target:
    """The objects that a path names below the folder; UIDs are None where it names none."""

    study_uid: str | None = None
    series_uid: str | None = None
    instance_uid: str | None = None

    def conditions(self) -> list[Condition]:
        """Return the conditions on the rows of studies, series and instances."""
        wanted = (
            (dicom_studies.c.study_uid, self.study_uid),
            (dicom_series.c.series_uid, self.series_uid),
            (dicom_instances.c.sop_instance_uid, self.instance_uid),
        )
        return [column == uid for column, uid in wanted if uid is not None]

    def __str__(self) -> str:
        """Return the path of the object below that of the folder."""
        steps = (
            ("studies", self.study_uid),
            ("series", self.series_uid),
            ("instances", self.instance_uid),
        )
        return "".join(f"/{name}/{uid}" for name, uid in steps if uid is not None)


class _Folder(NamedTuple):
    path: str
    has_masked: bool
    has_private: bool


async def find_scope(context: Context, folder_uuid: UUID) -> Scope:
    """Return the folder of a request.

    Raises:
        DomainError: `NOT_FOUND`, the viewer sees no such folder.
    """
    viewer, masked = context.viewer, folders.alias()
    in_root = sa.exists().where(
        masked.c.is_masked, within(masked.c.path, sa.func.substr(folders.c.path, 1, ID_LENGTH))
    )
    has_private = sa.and_(folders.c.is_public, ~is_given_folder(viewer))
    seen = sa.select(
        folders.c.path, in_root.label("has_masked"), has_private.label("has_private")
    ).where(folders.c.uuid == folder_uuid, sees_folder(viewer))
    rows = await context.database.rows(seen, _Folder)
    if not rows:
        raise not_found("folder", folder_uuid, "folderUuid")
    [row], sees_all = rows, viewer.is_site_admin and viewer.sees_phi
    has_masked = bool(row.has_masked) and not sees_all
    return Scope(viewer, folder_uuid, row.path, has_masked, bool(row.has_private))
