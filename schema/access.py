"""Permissions: every holder of a role on a folder, and the folder that it comes from."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.kinds.enums import FolderVisibility, StorageUserRole
from resolvers import access, folders
from schema.common import Connection
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder
from schema.people import Group, User


@row_type()
@strawberry.type(description="A role that a group or user was granted on a folder.")
class FolderGrant:
    role: StorageUserRole = column("The role on that folder and everything below it.")
    sees_phi: bool = column(
        "Whether the holder sees what identifies patients where the folder, or one below it, is "
        "masked."
    )
    group: Group | None = resolved(access.group_of, "The group that holds the role, or null.")
    user: User | None = resolved(access.user_of, "The user who holds the role, or null.")
    folder: StorageFolder | None = resolved(
        access.folder_of,
        "The folder that the role was granted on: this one or one above it. Null if the viewer "
        "cannot see it.",
    )
    created_at: datetime = column("When the role was granted, in UTC.")


@row_type()
@strawberry.type(
    description="Everyone who may do something with a folder, besides site admins. What is granted "
    "on a folder above counts here, too."
)
class FolderPermissions:
    owner: User | None = resolved(
        folders.owner_of,
        "The owner, who may hand the folder over but has no role by this. Null if that user has been "
        "deleted.",
    )
    visibility: FolderVisibility = resolved(
        folders.visibility_of,
        "The visibility in effect. If it is `PUBLIC`, every signed-in user is `VIEWER`.",
    )
    visibility_folder: StorageFolder | None = resolved(
        access.visibility_folder_of,
        "The folder that the visibility comes from: this one or one above it. Null if none of them has "
        "one of its own, or if the viewer cannot see it.",
    )
    grants: Connection[FolderGrant] = resolved(
        access.grants_on,
        "The roles of groups and users, those on the nearest folder first. The strongest one of a "
        "user counts.",
    )
