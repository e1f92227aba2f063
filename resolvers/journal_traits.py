"""Traits of the journals of folders, by which pages of most viewers are read in a quicker way."""

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import Condition, is_given_folder
from gateway.database.page_rows import JoinInOrder
from gateway.database.tree import within
from gateway.execution.list_parts import FEW_PARTS
from gateway.execution.list_traits import Trait
from gateway.execution.viewer_columns import viewer_column
from gateway.models.changes import former_places
from gateway.models.folders import folders

_NONE, _HIDES_ROWS, _MANY_PARTS = (
    sa.literal_column(str(int(trait)), sa.Integer())
    for trait in (Trait(0), Trait.HIDES_ROWS, Trait.MANY_PARTS)
)


def _hides_entries(viewer: Viewer, moved: Condition) -> sa.ColumnElement[int]:
    """Return the trait of a journal that may have entries which the viewer does not see.

    Those who were given a folder see all entries there and below, except for some from before a
    move. `moved` is the condition that a folder that was moved belongs to the journal.
    """
    if viewer.is_site_admin:
        return _NONE
    any_moved = sa.exists().select_from(former_places.alias())
    # Only in a CASE does SQLite skip what need not be known.
    of_moved = sa.case((moved, _HIDES_ROWS), else_=_NONE)
    return sa.case((~is_given_folder(viewer), _HIDES_ROWS), (any_moved, of_moved), else_=_NONE)


def _traits(viewer: Viewer) -> sa.ColumnElement[int]:
    then = former_places.alias()
    return _hides_entries(viewer, sa.exists().where(then.c.folder_uuid == folders.c.uuid))


def _traits_below(viewer: Viewer) -> sa.ColumnElement[int]:
    then, below, part = former_places.alias(), folders.alias(), folders.alias()
    places = JoinInOrder(below, then, then.c.folder_uuid == below.c.uuid)
    moved = sa.exists().select_from(places).where(within(below.c.path, folders.c.path))
    parts = sa.select(part.c.uuid).where(within(part.c.path, folders.c.path)).order_by(part.c.path)
    are_many = sa.exists(parts.limit(1).offset(FEW_PARTS).correlate(folders))
    hides = _hides_entries(viewer, moved.correlate(folders))
    return hides + sa.case((are_many, _MANY_PARTS), else_=_NONE)


traits_of_journal = viewer_column(folders, "journal_traits", sa.Integer(), _traits)
traits_below = viewer_column(folders, "descendant_journal_traits", sa.Integer(), _traits_below)
