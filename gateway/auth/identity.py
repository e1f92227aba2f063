"""Identity: who sees what identifies patients, as conditions on rows.

A folder is masked if it, or one above it, has the policy MASKED. In a masked folder, identities are
seen by site admins and by those with a grant, on it or on a folder above, that lets them see these;
and only with a credential that does so too. Everyone else sees no identifying field, and gets the
bytes of no item. On a site where nothing is masked, the conditions cost one look at an empty index.
"""

from collections.abc import Collection
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import NEVER, Condition, granted_entries, in_visible_folder
from gateway.database.dialects import in_keys
from gateway.database.tree import ancestors, within, within_any
from gateway.models.dicom import dicom_study_places
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.shares import item_shares


def sees_identity_in(viewer: Viewer, folder: sa.FromClause = folders) -> Condition:
    """Return the condition that the viewer sees identities in a folder, if they see the folder."""
    if not viewer.sees_phi:
        return ~folder.c.is_masked
    if viewer.is_site_admin:
        return sa.true()
    return sa.or_(~folder.c.is_masked, has_phi_grant_above(viewer, folder.c.path))


def sees_identity_at(viewer: Viewer, folder_uuid: sa.ColumnElement[Any]) -> Condition:
    """Return the condition that the viewer sees identities in the folder of that UUID."""
    return ~hides_identity_at(viewer, folder_uuid)


def hides_identity_at(viewer: Viewer, folder_uuid: sa.ColumnElement[Any]) -> Condition:
    """Return the condition that the folder of that UUID is masked to the viewer."""
    if viewer.is_site_admin and viewer.sees_phi:
        return NEVER
    folder = folders.alias()
    hidden = sa.exists().where(folder.c.uuid == folder_uuid, *masked_to(viewer, folder))
    return sa.and_(_is_any_masked(), hidden)


def sees_identity_of(viewer: Viewer, item: sa.FromClause = items) -> Condition:
    """Return the condition that the viewer sees the identity and the bytes of an item."""
    return ~hides_identity_of(viewer, item)


def hides_identity_of(
    viewer: Viewer, item: sa.FromClause = items, key: sa.ColumnElement[Any] | None = None
) -> Condition:
    """Return the condition that an item is masked to the viewer.

    It is if its own folder is, wherever it is seen; and for those who see it only by other folders
    if all of these are.

    Args:
        item: the item, or rows with its `folder_uuid` and `is_shared`.
        key: the UUID of the item, if it is not the `uuid` of the rows.
    """
    if viewer.is_site_admin and viewer.sees_phi:
        return NEVER
    share = item_shares.alias()
    seen_openly = sa.exists().where(
        share.c.item_uuid == (item.c.uuid if key is None else key),
        in_visible_folder(viewer, share.c.folder_uuid),
        sees_identity_at(viewer, share.c.folder_uuid),
    )
    at_home = in_visible_folder(viewer, item.c.folder_uuid)
    by_places = sa.and_(item.c.is_shared, _is_any_masked(), ~at_home, ~seen_openly)
    return sa.or_(hides_identity_at(viewer, item.c.folder_uuid), by_places)


# Writing the condition costs more than running a statement with it.
@lru_cache(maxsize=100)
def sees_study_identity(viewer: Viewer, study_uuid: sa.ColumnElement[Any]) -> Condition:
    """Return the condition that no part of a study is masked to the viewer.

    A part counts whether the viewer sees its folder or not: the attributes of the study are those
    of all its parts. One whose folder is being deleted counts until the deletion has ended, which
    takes its share of these attributes away.
    """
    if viewer.is_site_admin and viewer.sees_phi:
        return sa.true()
    folder, place = folders.alias(), dicom_study_places.alias()
    hidden = (
        sa.exists()
        .select_from(place.join(folder, folder.c.uuid == place.c.folder_uuid))
        .where(place.c.study_uuid == study_uuid, *masked_to(viewer, folder))
    )
    return ~sa.and_(_is_any_masked(), hidden)


def has_phi_grant_above(viewer: Viewer, path: sa.ColumnElement[Any]) -> Condition:
    """Return the condition that a grant lets the viewer see identities in a folder.

    The grant is on the folder or on one above it.
    """
    return within_any(path, granted_entries(viewer, only_phi=True))


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


async def masked_trees(
    connection: AsyncConnection, viewer: Viewer, uuids: Collection[UUID]
) -> dict[UUID, UUID]:
    """Return the masked tree of each of the folders that is masked to the viewer, by its top.

    What is in a masked tree may be moved within it, but not out of it, by those who see no
    identities there. A tree that is masked to the viewer is no place for what is in another: others
    see identities there.
    """
    if not uuids or (viewer.is_site_admin and viewer.sees_phi):
        return {}
    hidden = sa.select(folders.c.uuid, folders.c.path).where(
        in_keys(folders.c.uuid, uuids), *masked_to(viewer, folders)
    )
    above = {row.uuid: ancestors(row.path) for row in await connection.execute(hidden)}
    if not above:
        return {}
    known = {uuid for path in above.values() for uuid in path}
    masked = sa.select(folders.c.uuid).where(in_keys(folders.c.uuid, known), folders.c.is_masked)
    tops = set((await connection.execute(masked)).scalars())
    return {uuid: [each for each in path if each in tops][-1] for uuid, path in above.items()}


async def folders_with_masked_below(
    connection: AsyncConnection, viewer: Viewer, uuids: Collection[UUID]
) -> set[UUID]:
    """Return those of the folders that are masked to the viewer, or have such a folder below."""
    if viewer.is_site_admin and viewer.sees_phi:
        return set()
    top, below = folders.alias("top"), folders.alias("below")
    hidden = sa.select(top.c.uuid).where(
        in_keys(top.c.uuid, uuids),
        sa.exists().where(within(below.c.path, top.c.path), *masked_to(viewer, below)),
    )
    return set((await connection.execute(hidden)).scalars())


def masked_to(viewer: Viewer, folder: sa.FromClause = folders) -> list[Condition]:
    """Return the conditions that a folder is masked to a viewer who may not see all identities."""
    if not viewer.sees_phi:
        return [folder.c.is_masked]
    return [folder.c.is_masked, ~has_phi_grant_above(viewer, folder.c.path)]


@cache
def _is_any_masked() -> Condition:
    """Return the condition that the site has a masked folder, which is looked up once."""
    folder = folders.alias()
    return sa.exists().select_from(folder).where(folder.c.is_masked)
