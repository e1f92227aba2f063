"""Lists of items with those that are shared: each item once, in order among the others."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import Condition, in_visible_folder, sees_folder, stays_shared
from gateway.context import Context
from gateway.database.dialects import in_few
from gateway.database.tree import within
from gateway.execution.compiled.kept_statements import Existence, KeptStatement
from gateway.execution.declarations import EdgeQuery
from gateway.execution.list_parts import FurtherRows, Parts, PartsBelow
from gateway.execution.viewer_columns import viewer_column
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.shares import item_shares
from resolvers.filters import in_scope
from resolvers.item_conditions import item_conditions, leaves_most

_COLUMNS: dict[sa.ColumnElement[Any], sa.ColumnElement[Any]] = {
    items.c.uuid: item_shares.c.item_uuid,
    **{
        items.c[name]: item_shares.c[name]
        for name in ("name_key", "natural_key", "created_at", "last_edited_at", "file_size")
    },
}
_place, _top = folders.alias("place"), folders.alias("top_of_places")
_shared = item_shares.join(items, items.c.uuid == item_shares.c.item_uuid)
_has_place_below = sa.and_(within(_place.c.path, _top.c.path), _place.c.has_shares)

_any_shared = KeptStatement(
    lambda _viewer: sa.select(sa.exists().select_from(item_shares)), Existence
)


def _shown_folder(viewer: Viewer) -> sa.ColumnElement[Any]:
    """Return an item's own folder; for those who cannot see it, the first other that they see."""
    share = item_shares.alias()
    others = sa.select(share.c.folder_uuid).where(
        share.c.item_uuid == items.c.uuid, in_visible_folder(viewer, share.c.folder_uuid)
    )
    first = others.order_by(share.c.shared_at, share.c.folder_uuid).limit(1).scalar_subquery()
    is_at_home = sa.or_(~items.c.is_shared, in_visible_folder(viewer, items.c.folder_uuid))
    return sa.case((is_at_home, items.c.folder_uuid), else_=first)


def _share_conditions(query: EdgeQuery, _parent: sa.ColumnElement[Any] | None) -> list[Condition]:
    """Return the conditions of a filter on shares: there are few in a folder."""
    return [*item_conditions(query._replace(is_narrow=True, is_rare=False)), stays_shared()]


def _is_first_below(query: EdgeQuery, parent: sa.ColumnElement[Any] | None) -> list[Condition]:
    """Return the conditions that a share is the one by which an item is listed below a folder.

    Its item is not at home there, where the viewer sees it, nor by another share of a lesser key.
    `parent` is the folder's bound key, or the column with those of several.
    """
    home, place, top = folders.alias(), folders.alias(), folders.alias()
    of_top = sa.select(top.c.path).where(top.c.uuid == parent)
    path = of_top.correlate_except(top).scalar_subquery()
    at_home = sa.exists().where(
        home.c.uuid == items.c.folder_uuid,
        within(home.c.path, path),
        sees_folder(query.viewer, home),
    )
    other = item_shares.alias()
    by_other = (
        sa.exists()
        .select_from(other.join(place, place.c.uuid == other.c.folder_uuid))
        .where(
            other.c.item_uuid == item_shares.c.item_uuid,
            other.c.folder_uuid < item_shares.c.folder_uuid,
            within(place.c.path, path),
            sees_folder(query.viewer, place),
        )
    )
    is_seen = in_visible_folder(query.viewer, item_shares.c.folder_uuid)
    conditions = [*_share_conditions(query, parent), is_seen, ~at_home, ~by_other]
    if isinstance(parent, sa.BindParameter):
        # PostgreSQL would sort all shares of the site, expecting many of them below the folder.
        inner = folders.alias()
        below = sa.select(inner.c.uuid).where(within(inner.c.path, path), inner.c.has_shares)
        conditions.append(in_few(item_shares.c.folder_uuid, below))
    return conditions


def shared_in_scope(conditions: Callable[[EdgeQuery], Sequence[Condition]]) -> FurtherRows:
    """Return the items of a search that meet conditions and are in its scope, but not their homes.

    Otherwise they are among the list's own.
    """

    def where(query: EdgeQuery, _parent: sa.ColumnElement[Any] | None) -> list[Condition]:
        share = item_shares.alias()
        in_place: Condition
        if query.is_narrow:
            shared = sa.select(share.c.item_uuid).where(in_scope(query, share.c.folder_uuid))
            in_place = in_few(items.c.uuid, shared)
        else:
            in_place = sa.exists().where(
                share.c.item_uuid == items.c.uuid, in_scope(query, share.c.folder_uuid)
            )
        at_home = in_scope(query, items.c.folder_uuid)
        return [items.c.is_shared, *conditions(query), stays_shared(), in_place, ~at_home]

    async def are_any(context: Context) -> bool:
        [found] = await _any_shared.rows(context.database, context.viewer)
        return found.exists

    return FurtherRows(source=items, columns={}, where=where, exist=are_any)


shared_into = FurtherRows(
    source=_shared,
    columns=_COLUMNS,
    where=_share_conditions,
    parent=item_shares.c.folder_uuid,
    flag=folders.c.has_shares,
)
shared_below = FurtherRows(
    source=_shared.join(_place, _place.c.uuid == item_shares.c.folder_uuid).join(
        _top, _has_place_below
    ),
    columns=_COLUMNS,
    where=_is_first_below,
    parent=_top.c.uuid,
    flag=folders.c.has_shares,
    parts=Parts(
        column=item_shares.c.folder_uuid,
        below=PartsBelow(_place.join(_top, _has_place_below), _place.c.uuid, _top.c.uuid),
        orders=frozenset(_COLUMNS.values()),
        walked=frozenset(),
        suit=leaves_most,
        rows=_shared,
        depths=(1,),
    ),
)
shown_folder_uuid = viewer_column(
    items, "shown_folder_uuid", sa.Uuid(), _shown_folder, lambda _viewer: items.c.folder_uuid
)
