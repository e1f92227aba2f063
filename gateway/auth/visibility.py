"""Visibility: what a viewer may see, as conditions on rows.

Every edge that leads to rows of another part of the tree carries one of them. Folders are seen by
grants on themselves or on a folder above, or because they are public; items by any of the folders
that they are in; collections and presets by their folder; datasets and integrations by their own
grants; jobs and DICOM as `job_visibility` and `dicom_visibility` say. A credential that is limited
to a tree shows no folder outside it.
"""

from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.database.tree import PathEntry, parent_path, within, within_any
from gateway.kinds.enums import FolderVisibility, StorageUserRole
from gateway.models.collections import collections, filter_presets
from gateway.models.communities import communities
from gateway.models.datasets import dataset_grants, datasets, leaving_datasets
from gateway.models.folders import folder_grants, folders, leaving_folders
from gateway.models.integrations import cloud_integrations, integration_grants
from gateway.models.items import items
from gateway.models.people import api_keys, groups, memberships, users
from gateway.models.shares import item_shares
from gateway.models.tags import organisation_tags

Condition = sa.ColumnElement[bool]
NEVER: Condition = sa.literal_column("(1 = 0)", sa.Boolean())
"""The condition that no row meets.

Unlike `sa.false()`, it leaves the conditions beside it in the SQL, and so their parameters, for
which statements are given values."""


def is_granted_to(viewer: Viewer, grants: sa.FromClause) -> Condition:
    """Return the condition that a grant is to the viewer or to one of their groups."""
    own_groups = sa.select(memberships.c.group_uuid).where(
        memberships.c.user_uuid == viewer.user_uuid
    )
    return sa.or_(grants.c.user_uuid == viewer.user_uuid, grants.c.group_uuid.in_(own_groups))


# Aliases cost the most of writing a condition: each has all columns of its table.
@lru_cache(maxsize=1_000)
def granted_entries(
    viewer: Viewer, role: StorageUserRole | None = None, only_phi: bool = False
) -> sa.CompoundSelect[Any]:
    """Return the entries in paths of the folders that the viewer has grants on.

    Args:
        viewer: the viewer.
        role: the role that the grants give; None for any.
        only_phi: whether only grants count that let the viewer see identities of patients.
    """

    def which(grants: sa.FromClause) -> list[Condition]:
        has_role = [] if role is None else [grants.c.role == sa.literal_column(f"'{role}'")]
        return [*has_role, grants.c.sees_phi] if only_phi else has_role

    own, shared, member = folder_grants.alias(), folder_grants.alias(), memberships.alias()
    by_group = shared.join(member, member.c.group_uuid == shared.c.group_uuid)
    # Not by `is_granted_to`: SQLite cannot parse conditions that are nested much deeper.
    return sa.union_all(
        sa.select(PathEntry(own.c.folder_uuid)).where(
            own.c.user_uuid == viewer.user_uuid, *which(own)
        ),
        sa.select(PathEntry(shared.c.folder_uuid))
        .select_from(by_group)
        .where(member.c.user_uuid == viewer.user_uuid, *which(shared)),
    )


def has_grant_above(viewer: Viewer, path: sa.ColumnElement[Any]) -> Condition:
    """Return the condition that the viewer has a grant on a folder or on one above it."""
    return within_any(path, granted_entries(viewer))


def in_tree_of(viewer: Viewer, path: sa.ColumnElement[Any]) -> list[Condition]:
    """Return the condition that a folder is in the tree that the credential is limited to, if any.

    An empty list stands for no limit.
    """
    if viewer.tree_uuid is None:
        return []
    tree = folders.alias()
    top = sa.select(tree.c.path).where(tree.c.uuid == viewer.tree_uuid).scalar_subquery()
    return [within(path, top)]


def is_staying(folder_uuid: sa.ColumnElement[Any]) -> Condition:
    """Return the condition that a folder has not been deleted.

    The rows of deleted folders, and of what was in them, are removed step by step. Those who see
    things by grants see nothing of a deleted folder anyway: it has none, and its path is below no
    other folder's. This condition is for site admins, and costs next to nothing while the table is
    empty.
    """
    return folder_uuid.not_in(sa.select(leaving_folders.c.folder_uuid))


def is_staying_dataset(dataset_uuid: sa.ColumnElement[Any]) -> Condition:
    """Return the condition that a dataset has not been deleted; see `is_staying`."""
    return dataset_uuid.not_in(sa.select(leaving_datasets.c.dataset_uuid))


def is_staying_tag() -> Condition:
    """Return the condition that a tag has not been deleted."""
    return organisation_tags.c.deletion_uuid.is_(None)


def has_staying_item(item_uuid: sa.ColumnElement[Any]) -> Condition:
    """Return the condition that a reference to an item is not to one of a deleted folder.

    The item is looked up only while there are such folders.
    """
    item = items.alias()
    leaving = item.join(leaving_folders, leaving_folders.c.folder_uuid == item.c.folder_uuid)
    is_leaving = (
        sa.exists().select_from(leaving).where(item.c.uuid == item_uuid, ~outlives_folder(item))
    )
    return sa.or_(~is_any_leaving(), ~is_leaving)


@cache
def is_any_leaving() -> Condition:
    """Return the condition that the rows of deleted folders are being removed."""
    return sa.exists().where(leaving_folders.alias().c.folder_uuid.is_not(None))


@cache
def _is_any_taking_shared() -> Condition:
    leaving = leaving_folders.alias()
    return sa.exists().select_from(leaving).where(leaving.c.takes_shared)


def stays_shared(item: sa.FromClause = items) -> Condition:
    """Return the condition that an item is not deleted everywhere with its folder.

    The folder is looked up only while there are such: PostgreSQL takes the lookup for costly.
    """
    leaving = leaving_folders.alias()
    is_here = leaving.c.folder_uuid == item.c.folder_uuid
    is_taken = sa.exists().where(is_here, leaving.c.takes_shared)
    return sa.or_(~_is_any_taking_shared(), ~is_taken)


def outlives_folder(item: sa.FromClause = items) -> Condition:
    """Return the condition that an item outlives its folder, by one that it is shared into."""
    share = item_shares.alias()
    elsewhere = sa.exists().where(share.c.item_uuid == item.c.uuid, is_staying(share.c.folder_uuid))
    return sa.and_(item.c.is_shared, stays_shared(item), elsewhere)


def sees_folder(viewer: Viewer, folder: sa.FromClause = folders) -> Condition:
    """Return the condition that the viewer may see a folder."""
    if viewer.is_anonymous:
        return sa.and_(folder.c.is_public)
    if viewer.is_site_admin:
        return sa.and_(is_staying(folder.c.uuid), *in_tree_of(viewer, folder.c.path))
    is_seen = sa.or_(folder.c.is_public, has_grant_above(viewer, folder.c.path))
    return sa.and_(is_seen, *in_tree_of(viewer, folder.c.path))


def is_given_folder(viewer: Viewer, folder: sa.FromClause = folders) -> Condition:
    """Return the condition that the viewer sees a folder by a grant, or as a site admin.

    Public folders that they have no grant on are not among these.
    """
    if viewer.is_anonymous:
        return NEVER
    if viewer.is_site_admin:
        return sees_folder(viewer, folder)
    return sa.and_(has_grant_above(viewer, folder.c.path), *in_tree_of(viewer, folder.c.path))


def in_visible_folder(viewer: Viewer, folder_uuid: sa.ColumnElement[Any]) -> Condition:
    """Return the condition that the viewer may see a folder, and so everything in it."""
    if viewer.is_site_admin and viewer.tree_uuid is None:
        return is_staying(folder_uuid)
    folder = folders.alias()
    is_seen = sees_folder(viewer, folder)
    return sa.exists().where(folder.c.uuid == folder_uuid, is_seen).correlate_except(folder)


def in_given_folder(viewer: Viewer, folder_uuid: sa.ColumnElement[Any]) -> Condition:
    """Return the condition that the viewer sees a folder by a grant, or as a site admin."""
    if viewer.is_site_admin and viewer.tree_uuid is None:
        return is_staying(folder_uuid)
    folder = folders.alias()
    is_given = is_given_folder(viewer, folder)
    return sa.exists().where(folder.c.uuid == folder_uuid, is_given).correlate_except(folder)


def sees_below(viewer: Viewer, folder: sa.FromClause, top: sa.FromClause) -> list[Condition]:
    """Return the conditions that the viewer, who sees a folder, sees another one below it.

    What is below a folder that they were given is given to them, too. Only below public folders can
    there be others, which are private. There are no conditions if the viewer sees all folders.
    """
    if viewer.is_site_admin:
        return []
    if viewer.is_anonymous:
        return [folder.c.is_public]
    is_given = has_grant_above(viewer, folder.c.path)
    return [sa.or_(~top.c.is_public, folder.c.is_public, is_given)]


def sees_subfolder(viewer: Viewer, folder: sa.FromClause = folders) -> list[Condition]:
    """Return the conditions of `sees_below` for a folder directly below one that is seen.

    It inherits the visibility of that folder, unless it has been made private itself.
    """
    if viewer.is_site_admin:
        return []
    if viewer.is_anonymous:
        return [folder.c.is_public]
    is_given = has_grant_above(viewer, folder.c.path)
    return [sa.or_(folder.c.visibility.is_(None), folder.c.is_public, is_given)]


def hidden_subfolders(viewer: Viewer, folder_uuid: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """Return the number of folders directly below one that the viewer sees, which they do not see.

    An index has the private ones, which are few.
    """
    if viewer.is_site_admin:
        return sa.literal_column("0", sa.Integer())
    child = folders.alias()
    is_private = child.c.visibility == sa.literal_column(f"'{FolderVisibility.PRIVATE}'")
    hidden = sa.select(sa.func.count()).where(
        child.c.parent_uuid == folder_uuid, is_private, *map(sa.not_, sees_subfolder(viewer, child))
    )
    return hidden.scalar_subquery()


def is_top_public(viewer: Viewer, folder: sa.FromClause = folders) -> Condition:
    """Return the condition that a folder is public and the one above it is not.

    To a credential that is limited to a tree, the top of that tree is below nothing.
    """
    parent = folders.alias()
    below_public = sa.exists().where(
        parent.c.uuid == folder.c.parent_uuid,
        parent.c.is_public,
        *in_tree_of(viewer, parent.c.path),
    )
    return sa.and_(folder.c.is_public, ~below_public, *in_tree_of(viewer, folder.c.path))


def is_public_folder(viewer: Viewer, folder: sa.FromClause = folders) -> Condition:
    """Return the condition that a folder is public, and not outside what the credential shows."""
    return sa.and_(folder.c.is_public, *in_tree_of(viewer, folder.c.path))


def in_public_folder(viewer: Viewer, folder_uuid: sa.ColumnElement[Any]) -> Condition:
    """Return the condition that the folder of that UUID is public; see `is_public_folder`."""
    folder = folders.alias()
    public = sa.select(folder.c.uuid).where(is_public_folder(viewer, folder))
    return folder_uuid.in_(public)


def sees_item(viewer: Viewer, item: sa.FromClause = items) -> Condition:
    """Return the condition that the viewer may see an item, by any folder that it is in."""
    return sa.or_(sees_item_at_home(viewer, item), is_shared_with(viewer, item))


def sees_item_at_home(viewer: Viewer, item: sa.FromClause = items) -> Condition:
    """Return the condition that the viewer may see an item by its own folder."""
    return in_visible_folder(viewer, item.c.folder_uuid)


def is_shared_with(viewer: Viewer, item: sa.FromClause = items) -> Condition:
    """Return the condition that the viewer may see an item by a folder that is not its own."""
    share = item_shares.alias()
    in_another = sa.exists().where(
        share.c.item_uuid == item.c.uuid, in_visible_folder(viewer, share.c.folder_uuid)
    )
    return sa.and_(item.c.is_shared, stays_shared(item), in_another)


def sees_collection(viewer: Viewer) -> Condition:
    """Return the condition that the viewer may see a collection, by its folder."""
    return in_visible_folder(viewer, collections.c.top_level_folder_uuid)


def sees_preset(viewer: Viewer) -> Condition:
    """Return the condition that the viewer may see a filter preset, by its folder."""
    return in_visible_folder(viewer, filter_presets.c.top_level_folder_uuid)


def sees_user(viewer: Viewer, user: sa.FromClause = users) -> Condition:
    """Return the condition that the viewer may find a user in the directory.

    Where a site keeps it closed, they find themselves and those they share a group with; with a
    credential that is limited to a tree, only themselves.
    """
    if viewer.tree_uuid:
        return sa.and_(user.c.uuid == viewer.user_uuid)
    if viewer.is_site_admin or viewer.sees_directory:
        return sa.true()
    own, shared = memberships.alias(), memberships.alias()
    shares_group = (
        sa.exists()
        .select_from(own.join(shared, shared.c.group_uuid == own.c.group_uuid))
        .where(own.c.user_uuid == viewer.user_uuid, shared.c.user_uuid == user.c.uuid)
    )
    return sa.or_(user.c.uuid == viewer.user_uuid, shares_group)


def sees_group(viewer: Viewer, group: sa.FromClause = groups) -> Condition:
    """Return the condition that the viewer may find a group in the directory.

    Those of communities that they cannot see, which bear the names of these, are not in it. Where
    a site keeps it closed, they find their own; with a credential that is limited to a tree, none.
    """
    if viewer.tree_uuid:
        return NEVER
    if viewer.is_site_admin:
        return sa.true()
    if not viewer.sees_directory:
        own = memberships.alias()
        is_own = own.c.user_uuid == viewer.user_uuid
        return sa.exists().where(own.c.group_uuid == group.c.uuid, is_own)
    community = communities.alias()
    is_hidden = sa.exists().where(
        sa.or_(
            community.c.admins_uuid == group.c.uuid,
            community.c.moderators_uuid == group.c.uuid,
            community.c.members_uuid == group.c.uuid,
        ),
        ~in_visible_folder(viewer, community.c.folder_uuid),
    )
    return ~is_hidden


def sees_api_key(viewer: Viewer) -> Condition:
    """Return the condition that the viewer may see an API key: that it is theirs.

    A credential that is limited to a tree shows keys for that tree or one below it.
    """
    if viewer.administers_site:
        return sa.true()
    is_own = api_keys.c.user_uuid == viewer.user_uuid
    if viewer.tree_uuid is None:
        return is_own
    tree = folders.alias()
    limits = sa.exists().where(
        tree.c.uuid == api_keys.c.folder_uuid, *in_tree_of(viewer, tree.c.path)
    )
    return sa.and_(is_own, limits)


def sees_dataset(viewer: Viewer, dataset: sa.FromClause = datasets) -> Condition:
    """Return the condition that the viewer may see a dataset, by its own grants.

    Datasets are in no tree: a credential that is limited to one shows none.
    """
    if viewer.tree_uuid:
        return NEVER
    if viewer.is_site_admin:
        return is_staying_dataset(dataset.c.uuid)
    grants = dataset_grants.alias()
    return sa.exists().where(grants.c.dataset_uuid == dataset.c.uuid, is_granted_to(viewer, grants))


def sees_integration(viewer: Viewer, integration: sa.FromClause = cloud_integrations) -> Condition:
    """Return the condition that the viewer may see an integration, by its own grants."""
    return sa.true() if viewer.administers_site else has_integration_grant(viewer, integration)


def has_integration_grant(
    viewer: Viewer, integration: sa.FromClause = cloud_integrations
) -> Condition:
    """Return the condition that the viewer has a grant on an integration.

    Integrations are in no tree: a credential that is limited to one has none.
    """
    if viewer.tree_uuid:
        return NEVER
    grants = integration_grants.alias()
    return sa.exists().where(
        grants.c.integration_uuid == integration.c.uuid, is_granted_to(viewer, grants)
    )


def is_root(viewer: Viewer) -> Condition:
    """Return the condition that a folder is a root to the viewer: they have a grant on it, and
    none on a folder above it.

    The folder that a credential is limited to is one, too.
    """
    grants = folder_grants.alias()
    granted = sa.select(grants.c.folder_uuid).where(is_granted_to(viewer, grants))
    is_below = has_grant_above(viewer, parent_path(folders.c.path))
    is_top = sa.and_(folders.c.uuid.in_(granted), ~is_below)
    if viewer.tree_uuid is None:
        return is_top
    is_limit = sa.and_(folders.c.uuid == viewer.tree_uuid, sees_folder(viewer))
    return sa.or_(is_limit, sa.and_(is_top, *in_tree_of(viewer, folders.c.path)))
