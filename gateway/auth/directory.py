"""The directory of users, as far as a credential opens it."""

import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.auth.visibility import NEVER, Condition, sees_user
from gateway.models.people import users


def finds_user(viewer: Viewer, user: sa.FromClause = users) -> Condition:
    """Return the condition that the viewer may find a user by their address, and so confirm it."""
    return sees_user(viewer, user) if viewer.reads_directory else NEVER
