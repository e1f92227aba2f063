"""Identity: who sees what identifies patients, as conditions on rows.

A folder is masked if it, or one above it, has the policy MASKED. In a masked folder, identities are
seen by site admins and by those with a grant, on it or on a folder above, that lets them see these;
and only with a credential that does so too. Everyone else sees no identifying field, and gets the
bytes of no item. On a site where nothing is masked, the conditions cost one look at an empty index.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import Condition, is_granted_to
from gateway.database.dialects import in_keys
from gateway.database.tree import within
from gateway.models.dicom import dicom_study_places
from gateway.models.folders import folder_grants, folders


def sees_identity_in(viewer: Viewer, folder: sa.FromClause = folders) -> Condition:
    """Return the condition that the viewer sees identities in a folder, if they see the folder."""
    if not viewer.sees_phi:
        return ~folder.c.is_masked
    if viewer.is_site_admin:
        return sa.true()
    return sa.or_(~folder.c.is_masked, has_phi_grant_above(viewer, folder.c.path))


def sees_identity_at(viewer: Viewer, folder_uuid: sa.ColumnElement[Any]) -> Condition:
    """Return the condition that the viewer sees identities in the folder of that UUID."""
    if viewer.is_site_admin and viewer.sees_phi:
        return sa.true()
    folder = folders.alias()
    hidden = sa.exists().where(
        folder.c.uuid == folder_uuid, folder.c.is_masked, ~sees_identity_in(viewer, folder)
    )
    return sa.or_(~_is_any_masked(), ~hidden)


def sees_study_identity(viewer: Viewer, study_uuid: sa.ColumnElement[Any]) -> Condition:
    """Return the condition that no part of a study is masked to the viewer.

    A part counts whether the viewer sees its folder or not: the attributes of the study are those
    of all its parts.
    """
    if viewer.is_site_admin and viewer.sees_phi:
        return sa.true()
    folder, place = folders.alias(), dicom_study_places.alias()
    hidden = (
        sa.exists()
        .select_from(place.join(folder, folder.c.uuid == place.c.folder_uuid))
        .where(
            place.c.study_uuid == study_uuid,
            folder.c.is_masked,
            ~sees_identity_in(viewer, folder),
        )
    )
    return sa.or_(~_is_any_masked(), ~hidden)


def has_phi_grant_above(viewer: Viewer, path: sa.ColumnElement[Any]) -> Condition:
    """Return the condition that a grant lets the viewer see identities in a folder.

    The grant is on the folder or on one above it.
    """
    grants, tops = folder_grants.alias(), folders.alias()
    return (
        sa.exists()
        .select_from(grants.join(tops, tops.c.uuid == grants.c.folder_uuid))
        .where(grants.c.sees_phi, is_granted_to(viewer, grants), within(path, tops.c.path))
    )


async def folders_with_phi_grant(
    connection: AsyncConnection, viewer: Viewer, uuids: Collection[UUID]
) -> set[UUID]:
    """Return those of the folders in which the viewer would see identities if they were masked."""
    if not viewer.sees_phi:
        return set()
    if viewer.is_site_admin:
        return set(uuids)
    granted = sa.select(folders.c.uuid).where(
        in_keys(folders.c.uuid, uuids), has_phi_grant_above(viewer, folders.c.path)
    )
    return set((await connection.execute(granted)).scalars())


def _is_any_masked() -> Condition:
    """Return the condition that the site has a masked folder, which is looked up once."""
    folder = folders.alias()
    return sa.exists().select_from(folder).where(folder.c.is_masked)
