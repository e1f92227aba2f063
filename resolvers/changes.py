"""The journal of folders: how its entries are resolved."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import (
    in_given_folder,
    is_granted_to,
    sees_below,
    sees_folder,
    sees_item,
)
from gateway.database.dialects import prefers_merged_logs
from gateway.database.tree import ID_LENGTH, within
from gateway.execution.bound_values import BoundValue
from gateway.execution.declarations import Argument, Computed, EdgeQuery, ToMany, ToOne
from gateway.execution.keysets import KEY
from gateway.execution.list_parts import Parts, PartsBelow
from gateway.ids import global_id, min_uuid7
from gateway.json_values import camel_case
from gateway.kinds.enums import StorageChangeAction, StorageObjectType
from gateway.models.changes import change_places, changes, former_places
from gateway.models.folders import folder_grants, folders
from gateway.models.items import items
from gateway.models.people import users
from resolvers.change_numbers import min_uuid7_of_day_before, numbered_since
from resolvers.global_ids import id_from
from resolvers.identity import hides_urls
from resolvers.journal_traits import traits_below, traits_of_journal
from resolvers.orders import newest_first

_home, _top = folders.alias("home"), folders.alias("top")
_other, _other_home = change_places.alias("other_place"), folders.alias("other_home")
_other_top = folders.alias("other_top")
_known = folders.alias("known_top")
_SINCE = Argument(
    "since",
    datetime | None,
    None,
    "Only changes since this time.",
    BoundValue((min_uuid7, min_uuid7_of_day_before)),
)
_entries = change_places.join(changes, change_places.c.change_uuid == changes.c.uuid)
_extras = {"change_uuid": change_places.c.change_uuid, "sequence": change_places.c.sequence}
_order = newest_first(change_places.c.sequence, change_places.c.change_uuid)
_ACTIONS = {each.value: each for each in StorageChangeAction}
_OBJECT_TYPES = {each.value: each for each in StorageObjectType}


def sees_entry(
    viewer: Viewer, place: sa.FromClause = change_places
) -> list[sa.ColumnElement[bool]]:
    """Return the conditions that a viewer who sees a folder sees an entry of its journal.

    Those who were given the folder see all; others, who see it because it is public, see what is
    about the folder itself, and about what they see now and is not private. Entries from before
    the folder was moved are for those who saw it then: it was public, or they have a grant on it or
    on a folder that was above it.
    """
    if viewer.is_site_admin:
        return []
    is_open = sa.and_(~changes.c.is_private, _sees_object(viewer))
    return [sa.or_(_sees_journal(viewer, place), is_open), _saw_place(viewer, place)]


def _sees_journal(viewer: Viewer, place: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition that the viewer sees an entry whatever the rights to its object."""
    is_own = changes.c.object_uuid == place.c.folder_uuid
    is_given = in_given_folder(viewer, place.c.folder_uuid)
    public = folders.alias()
    any_public = sa.exists().where(public.c.is_public).correlate_except(public)
    return sa.or_(~any_public, is_own, is_given)


def _sees_object(viewer: Viewer) -> sa.ColumnElement[bool]:
    """Return the condition that a folder or item has not become private since it was changed.

    Of those that were deleted, only the deletion is shown: it says that they were in the folder
    until then. What else is in a public folder is as public as the folder.
    """
    folder, item = folders.alias(), items.alias()
    kind, uuid = changes.c.object_type, changes.c.object_uuid
    sees_it = sa.case(
        (
            kind == StorageObjectType.STORAGE_FOLDER,
            sa.exists().where(folder.c.uuid == uuid, sees_folder(viewer, folder)),
        ),
        (
            kind == StorageObjectType.STORAGE_ITEM,
            sa.exists().where(item.c.uuid == uuid, sees_item(viewer, item)),
        ),
        else_=sa.true(),
    )
    return sa.or_(changes.c.action == StorageChangeAction.DELETE, sees_it)


def _saw_place(viewer: Viewer, place: sa.FromClause) -> sa.ColumnElement[bool]:
    """Return the condition that the viewer saw a folder where it was at the time of an entry."""
    then, earlier = former_places.alias(), former_places.alias()
    grants, tops = folder_grants.alias(), folders.alias()
    is_former = sa.and_(
        then.c.folder_uuid == place.c.folder_uuid, then.c.sequence > place.c.sequence
    )
    has_earlier = (
        sa.exists()
        .where(
            earlier.c.folder_uuid == place.c.folder_uuid,
            earlier.c.sequence > place.c.sequence,
            earlier.c.sequence < then.c.sequence,
        )
        .correlate_except(earlier)
    )
    own_id = sa.func.substr(tops.c.path, sa.func.length(tops.c.path) - (ID_LENGTH - 1))
    had_grant = (
        sa.exists()
        .select_from(grants.join(tops, tops.c.uuid == grants.c.folder_uuid))
        .where(is_granted_to(viewer, grants), then.c.path.contains(own_id))
        .correlate_except(grants, tops)
    )
    missed = sa.exists().where(is_former, ~has_earlier, ~then.c.is_public, ~had_grant)
    missed = missed.correlate_except(then)
    any_moved = sa.exists().select_from(former_places.alias())
    return sa.or_(~any_moved, ~missed)


def _since(query: EdgeQuery) -> list[sa.ColumnElement[bool]]:
    since = query.arguments.get("since")
    of_time = [changes.c.uuid >= min_uuid7(since)] if since else []
    shown = [] if query.sees_all else sees_entry(query.viewer)
    return [*of_time, *_numbered(query), *shown]


def _numbered(query: EdgeQuery, _column: Any = None) -> list[sa.ColumnElement[bool]]:
    since = query.arguments.get("since")
    return [numbered_since(since)] if since else []


def _once_below(
    query: EdgeQuery, folder_uuid: sa.ColumnElement[Any]
) -> list[sa.ColumnElement[bool]]:
    """Return conditions that list a change once that is in several journals below a folder.

    It is listed in the first of those that show it whatever the rights to its object, if there are
    such: these rights, of which the condition is long, need not be looked at for the others then.
    """
    viewer = query.viewer
    comes_before = _other.c.folder_uuid < change_places.c.folder_uuid
    saw_other: list[sa.ColumnElement[bool]] = []
    sees_all = query.sees_all or viewer.is_site_admin
    if not sees_all:
        shows_other, shows_this = (
            _sees_journal(viewer, _other),
            _sees_journal(viewer, change_places),
        )
        comes_before = sa.case(
            (shows_other, sa.or_(comes_before, ~shows_this)),
            else_=sa.and_(comes_before, ~shows_this),
        )
        saw_other = [_saw_place(viewer, _other)]
    duplicate = (
        sa.exists()
        .select_from(
            _other.join(_other_home, _other_home.c.uuid == _other.c.folder_uuid).join(
                _other_top, sa.true()
            )
        )
        .where(
            # All entries of a change have its number, by which an index has them.
            _other.c.sequence == change_places.c.sequence,
            _other.c.change_uuid == change_places.c.change_uuid,
            comes_before,
            _other_top.c.uuid == folder_uuid,
            within(_other_home.c.path, _other_top.c.path),
            *([] if sees_all else sees_below(viewer, _other_home, _other_top)),
            *saw_other,
        )
        .correlate_except(_other, _other_home, _other_top)
    )
    return [*_since(query), ~duplicate]


def _sees_part(query: EdgeQuery) -> list[sa.ColumnElement[bool]]:
    return [] if query.sees_all else sees_below(query.viewer, _home, _top)


def _is_within_top() -> sa.ColumnElement[bool]:
    """Return the condition of the join again, for a path that is known.

    PostgreSQL takes the folders between two columns for a ninth of all.
    """
    known = sa.select(_known.c.path).where(
        _known.c.uuid == sa.bindparam(KEY, required=False, type_=folders.c.uuid.type)
    )
    return within(_home.c.path, known.scalar_subquery())


def _public_values(values: dict[str, Any] | None, hides_urls: bool) -> dict[str, Any] | None:
    """Return changed values under their names in the schema.

    References are left out, because they may be to objects that the viewer must not see, except
    for those to groups. So are URLs of items whose bytes are kept from the viewer.
    """
    if values is None:
        return None
    return {
        camel_case(key): value
        for key, value in values.items()
        if (key == "group_uuid" or "_uuid" not in key) and not (key == "url" and hides_urls)
    }


id_of = id_from("StorageChange", changes.c.uuid)
action_of = Computed((changes.c.action,), lambda row: _ACTIONS[row.action])
object_type_of = Computed((changes.c.object_type,), lambda row: _OBJECT_TYPES[row.object_type])
object_id_of = Computed(
    (changes.c.object_type, changes.c.object_uuid),
    lambda row: global_id(row.object_type, row.object_uuid),
)
watched_id_of = id_from("StorageFolder", "folder_uuid")
folder_of = ToOne(folders, changes.c.folder_uuid, access=sees_folder)
from_folder_of = ToOne(folders, changes.c.from_folder_uuid, access=sees_folder)
changed_item = ToOne(items, changes.c.object_uuid, access=sees_item)
changed_folder = ToOne(folders, changes.c.object_uuid, access=sees_folder)
user_of = ToOne(users, changes.c.user_uuid)
before_of = Computed(
    (changes.c.before, hides_urls), lambda row: _public_values(row.before, row.hides_urls)
)
after_of = Computed(
    (changes.c.after, hides_urls), lambda row: _public_values(row.after, row.hides_urls)
)
journal_of = ToMany(
    "journal",
    changes,
    _order,
    key=folders.c.uuid,
    parent=change_places.c.folder_uuid,
    source=_entries,
    extras=_extras,
    where=_since,
    traits=traits_of_journal,
    arguments=(_SINCE,),
)
journal_below = ToMany(
    "descendantJournal",
    changes,
    _order,
    key=folders.c.uuid,
    parent=_top.c.uuid,
    is_subtree=True,
    source=_entries.join(_home, _home.c.uuid == change_places.c.folder_uuid).join(
        _top, within(_home.c.path, _top.c.path)
    ),
    extras=_extras,
    where=lambda query: [*_once_below(query, _top.c.uuid), *_sees_part(query)],
    traits=traits_below,
    arguments=(_SINCE,),
    parts=Parts(
        column=change_places.c.folder_uuid,
        orders=frozenset({change_places.c.sequence}),
        walked=frozenset({change_places.c.sequence}),
        suit=lambda _query: True,
        pays=lambda query, dialect: query.has_few_parts or prefers_merged_logs(dialect),
        below=PartsBelow(
            _home.join(_top, within(_home.c.path, _top.c.path)),
            _home.c.uuid,
            _top.c.uuid,
            _home.c.path,
            lambda query: [_is_within_top(), *_sees_part(query)],
        ),
        where=lambda query: _once_below(
            query, sa.bindparam(KEY, required=False, type_=folders.c.uuid.type)
        ),
        bounds=_numbered,
        walked_rows=lambda _query: 10,
        # The last one is the longest page: no journal is read further than that.
        depths=(1, 32, 1_001),
        rows=_entries,
    ),
)
