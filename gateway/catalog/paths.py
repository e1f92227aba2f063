"""Paths: the object that a path names to a viewer, and the path that an object has to them.

A path begins at a community, at a user's folders, or at a folder that is a root to the viewer: one
that they see, while they do not see its parent. What they do not see does not exist, at any level.

Anybody can share a root folder of any name with others. So the first name of a path prefers roots
that the viewer owns, and the words for communities and users never lead anywhere else.
"""

from collections.abc import Collection, Sequence
from itertools import takewhile
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.directory import finds_user
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import NEVER, Condition, is_given_folder, sees_folder
from gateway.catalog.rules.paths import COMMUNITIES, USERS
from gateway.database.dialects import bound_keys, entry, in_bound_keys
from gateway.database.engine import Database
from gateway.database.searches import has_name, has_name_of
from gateway.database.tree import ENTRIES_ONCE, MAX_DEPTH, ancestors
from gateway.error_texts import sized
from gateway.errors import bad_input
from gateway.execution.compiled.kept_statements import kept_statement
from gateway.execution.keysets import KEYS
from gateway.models.base import fold
from gateway.models.communities import communities
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.people import users
from gateway.models.shares import item_shares

MAX_PARTS = MAX_DEPTH + 3
"""Names in a path: folders and an item, after the two that tell whose roots are meant."""
_KINDS = ("StorageFolder", "StorageItem", "User")
_FOLDER, _ITEM, _USER = range(3)


class Resource(NamedTuple):
    """An object that a path names: its type in the schema, and its UUID."""

    type_name: str
    uuid: UUID


class _Match(NamedTuple):
    kind: int
    uuid: UUID


class _Named(NamedTuple):
    uuid: UUID
    name: str
    community: str | None
    owner_email: str | None


async def find_resource(
    database: Database, viewer: Viewer, names: Sequence[str], *field: str | int
) -> Resource | None:
    """Return what a path that `read_path` has read names to the viewer, or None.

    Of folders and items of one name, it is the earliest folder or, without one, the earliest item;
    of roots, the first of `by_closeness`.

    Raises:
        DomainError: at `field`, the path has more names than any object's.
    """
    if len(names) > MAX_PARTS:
        raise bad_input(sized("A path", 1, MAX_PARTS, len(names), "names"), *field)
    keys = [fold(name) for name in names]
    is_special = names[0] in (COMMUNITIES, USERS)
    shape = names[0] if is_special else "", len(names)
    texts = {"path_names": list(names), "path_keys": keys, "second_key": "".join(keys[1:2])}
    match = await named_resources.rows(database, viewer, (), *shape, **texts)
    return Resource(_KINDS[match[0].kind], match[0].uuid) if match else None


def is_topmost(viewer: Viewer, folder: sa.FromClause = folders) -> Condition:
    """Return the condition that the viewer sees a folder and not its parent."""
    if viewer.is_site_admin and viewer.tree_uuid is None:
        return sa.and_(folder.c.parent_uuid.is_(None), sees_folder(viewer, folder))
    parent = folders.alias()
    sees_parent = sa.exists().where(
        parent.c.uuid == folder.c.parent_uuid, sees_folder(viewer, parent)
    )
    return sa.and_(sees_folder(viewer, folder), ~sees_parent)


def by_closeness(viewer: Viewer, folder: sa.FromClause = folders) -> list[sa.ColumnElement[Any]]:
    """Return the order of root folders: the viewer's own, others that they were given, public ones.

    Of each, the earliest comes first.
    """
    is_own = folder.c.owner_uuid == viewer.user_uuid
    closeness = sa.case((is_own, 0), (is_given_folder(viewer, folder), 1), else_=2)
    return [closeness, folder.c.uuid]


@kept_statement(_Named)
def named_folders(viewer: Viewer) -> sa.Select[Any]:
    """Return the statement for the names of folders that the viewer sees."""
    return (
        sa.select(
            folders.c.uuid,
            folders.c.name,
            communities.c.name.label("community"),
            _owner_of_shadowed(viewer).label("owner_email"),
        )
        .outerjoin(communities, communities.c.folder_uuid == folders.c.uuid)
        .where(in_bound_keys(folders.c.uuid, KEYS), sees_folder(viewer))
        .execution_options(**ENTRIES_ONCE)
    )


async def paths_of_folders(
    database: Database, viewer: Viewer, tree_paths: Collection[str]
) -> dict[str, list[str] | None]:
    """Return the names on the paths of folders, which are given by their ids from the root.

    A path begins below the first folder on the way up that the viewer does not see; that of a
    folder that they do not see is empty. Where the name of its root leads elsewhere, it begins with
    the owner, if the viewer may know their address and it leads back from there; otherwise there is
    none.
    """
    uuids = {uuid for path in tree_paths for uuid in ancestors(path)}
    rows = {row.uuid: row for row in await named_folders.rows(database, viewer, uuids)}
    found: dict[str, list[str] | None] = {}
    for path in tree_paths:
        visible = [rows[uuid] for uuid in takewhile(rows.__contains__, ancestors(path))][::-1]
        names = [row.name for row in visible]
        if visible and (community := visible[0].community):
            found[path] = [COMMUNITIES, community, *names[1:]]
        elif not visible or (owner_email := visible[0].owner_email) is None:
            found[path] = names
        else:
            found[path] = [USERS, owner_email, *names] if owner_email else None
    return found


def _owner_of_shadowed(viewer: Viewer) -> sa.ColumnElement[Any]:
    """Return the address that the path to a folder begins with; null if its own name leads there.

    It is empty if neither does. Only roots are looked up; of others the value means nothing.
    """
    root = folders.alias("root")
    is_rival = is_topmost(viewer, root), has_name_of(root, folders)
    closest = _first(root, *is_rival, order=by_closeness(viewer, root))
    owners_first = _first(root, *is_rival, root.c.owner_uuid == folders.c.owner_uuid)
    address = (
        sa.select(users.c.email)
        .where(users.c.uuid == folders.c.owner_uuid, finds_user(viewer))
        .where(owners_first == folders.c.uuid)
        .correlate(folders)
        .scalar_subquery()
    )
    leads_elsewhere = sa.or_(folders.c.name.in_([COMMUNITIES, USERS]), closest != folders.c.uuid)
    by_owner = sa.func.coalesce(address, "")
    return sa.case((~is_topmost(viewer), sa.null()), (leads_elsewhere, by_owner), else_=sa.null())


@kept_statement(_Match)
def named_resources(viewer: Viewer, word: str, length: int) -> sa.Select[Any]:
    """Return the statement for what a path names, of one row at most.

    `word` is the first name if that is the word for communities or users.
    """
    path = _NamedPath(viewer, word, length)
    walk = path.walk()
    found = sa.union_all(*path.matches(walk)).subquery()
    return sa.select(found.c.kind, found.c.uuid).order_by(*found.c).limit(1)


class _NamedPath:
    """The parts of the statement that follows a path; names are compared with its parameters."""

    def __init__(self, viewer: Viewer, word: str, length: int) -> None:
        self._viewer, self._word, self._last = viewer, word, length
        self._texts, self._keys = (
            bound_keys(folders.c.name, "path_names"),
            bound_keys(folders.c.name, "path_keys"),
        )
        self._second = sa.bindparam("second_key", required=False, type_=users.c.email_key.type)

    def walk(self) -> sa.CTE:
        """Return the folder at each depth of the path, from that of its first folder."""
        child = folders.alias()
        walk = self._start().cte("walk", recursive=True)
        step = _first(
            child,
            child.c.parent_uuid == walk.c.uuid,
            self._is_named(child, walk.c.depth),
            sees_folder(self._viewer, child),
        )
        further = walk.c.depth < self._last, walk.c.uuid.is_not(None)
        return walk.union_all(sa.select(walk.c.depth + 1, step).where(*further))

    def matches(self, walk: sa.CTE) -> list[sa.Select[Any]]:
        """Return the statements for the folders, items and users at the end of the path."""
        last = sa.literal(self._last - 1)
        above = walk.c.depth == self._last - 1
        item = sa.select(sa.literal(_ITEM), items.c.uuid)
        matches = [
            sa.select(sa.literal(_FOLDER).label("kind"), walk.c.uuid).where(
                walk.c.depth == self._last, walk.c.uuid.is_not(None)
            ),
            item.join(items, items.c.folder_uuid == walk.c.uuid).where(
                above, self._is_named(items, last)
            ),
            item.join(item_shares, item_shares.c.folder_uuid == walk.c.uuid)
            .join(items, items.c.uuid == item_shares.c.item_uuid)
            .where(
                above,
                item_shares.c.name_key == entry(self._keys, last),
                self._is_named(items, last),
            ),
        ]
        if self._word == USERS and self._last == 2:
            is_user = users.c.email_key == self._second, finds_user(self._viewer)
            user = sa.select(sa.literal(_USER), users.c.uuid)
            matches.append(user.where(*is_user))
        return matches

    def _start(self) -> sa.Select[Any]:
        """Return the statement for the first folder and its depth.

        A path that begins with the word for users or communities leads to a root folder of that
        name only if it ends there: such folders could otherwise pass for those of others.
        """
        viewer, root = self._viewer, folders.alias()
        order: Sequence[sa.ColumnElement[Any]] = ()
        conditions: list[Condition]
        if self._word == USERS and self._last > 1:
            depth, owner = 3, _first(users, users.c.email_key == self._second, finds_user(viewer))
            conditions = [NEVER]
            if self._last > 2:
                is_owners = root.c.owner_uuid == owner
                is_root = is_topmost(viewer, root)
                conditions = [self._is_named(root, sa.literal(2)), is_root, is_owners]
        elif self._word == COMMUNITIES and self._last > 1:
            is_named = self._is_named(communities, sa.literal(1))
            is_its = sa.exists().where(communities.c.folder_uuid == root.c.uuid, is_named)
            depth, conditions = 2, [is_its, sees_folder(viewer, root)]
        else:
            depth, order = 1, by_closeness(viewer, root)
            conditions = [self._is_named(root, sa.literal(0)), is_topmost(viewer, root)]
        first = _first(root, *conditions, order=order)
        return sa.select(sa.literal(depth).label("depth"), first.label("uuid"))

    def _is_named(self, table: sa.FromClause, index: sa.ColumnElement[int]) -> Condition:
        return has_name(table, entry(self._texts, index), entry(self._keys, index))


def _first(
    table: sa.FromClause, *conditions: Condition, order: Sequence[sa.ColumnElement[Any]] = ()
) -> sa.ColumnElement[Any]:
    """Return the key of the first row in an order, or the earliest, that meets the conditions."""
    selected = sa.select(table.c.uuid).where(*conditions).order_by(*(order or [table.c.uuid]))
    return selected.limit(1).correlate_except(table).scalar_subquery()
