"""Fixtures of the catalog's tests."""

import pytest
import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.kinds.enums import SiteRole
from gateway.models.people import users
from tests.fixtures.sites import Site


@pytest.fixture
async def viewer(idle_site: Site) -> Viewer:
    """Return the site admin as a viewer."""
    [row] = await idle_site.services.database.rows(sa.select(users), sa.Row)
    return Viewer(row.uuid, SiteRole.ADMIN)
