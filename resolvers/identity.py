"""Bytes that are kept from viewers to whom a folder is masked: values next to columns of rows."""

import sqlalchemy as sa

from gateway.auth.identity import hides_identity_at, hides_identity_of
from gateway.auth.viewer import Viewer
from gateway.execution.viewer_columns import viewer_column
from gateway.models.changes import changes
from gateway.models.items import items
from gateway.models.jobs import jobs
from gateway.models.uploads import upload_units


def _url(hidden: sa.ColumnElement[bool]) -> sa.ColumnElement[str | None]:
    """Return an item's URL; null for one elsewhere that would give bytes to whoever knows it."""
    in_own_store = items.c.object_key.is_not(None)
    return sa.case((sa.or_(in_own_store, ~hidden), items.c.url))


def _hides_at_home(viewer: Viewer) -> sa.ColumnElement[bool]:
    return hides_identity_at(viewer, items.c.folder_uuid)


def _is_restricted(viewer: Viewer) -> sa.ColumnElement[bool]:
    """Return whether an item is masked to the viewer.

    It is a CASE because only there SQLite skips the second side of AND and OR, which looks up the
    item's other folders, where the first decides.
    """
    return sa.case((hides_identity_of(viewer), sa.true()), else_=sa.false())


def _is_restricted_unit(viewer: Viewer) -> sa.ColumnElement[bool]:
    job = jobs.alias()
    own = sa.select(job.c.folder_uuid).where(job.c.uuid == upload_units.c.job_uuid)
    return hides_identity_at(viewer, own.correlate(upload_units).scalar_subquery())


is_restricted = viewer_column(
    items,
    "is_restricted",
    sa.Boolean(),
    _is_restricted,
    _hides_at_home,
)
url_of = viewer_column(
    items,
    "shown_url",
    sa.Text(),
    lambda viewer: _url(hides_identity_of(viewer)),
    lambda viewer: _url(_hides_at_home(viewer)),
)
hides_urls = viewer_column(
    changes,
    "hides_urls",
    sa.Boolean(),
    lambda viewer: hides_identity_at(viewer, changes.c.folder_uuid),
)
restricted_unit = viewer_column(upload_units, "is_restricted", sa.Boolean(), _is_restricted_unit)
