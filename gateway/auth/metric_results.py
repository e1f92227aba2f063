"""Results of tests: who sees them, as conditions on rows.

They are seen by those who see their community, without a credential, too; unofficial values by
their user alone.
"""

import sqlalchemy as sa

from gateway.auth.communities import sees_community
from gateway.auth.viewer import Viewer
from gateway.auth.visibility import Condition
from gateway.models.communities import communities
from gateway.models.metric_results import (
    metric_producers,
    metric_scalars,
    metric_submissions,
    metric_trends,
)


def sees_producer(viewer: Viewer, producer: sa.FromClause = metric_producers) -> Condition:
    """Return the condition that the viewer may see a producer, by its community."""
    community = communities.alias()
    return sa.exists().where(
        community.c.uuid == producer.c.community_uuid, sees_community(viewer, community)
    )


def sees_submission(viewer: Viewer, submission: sa.FromClause = metric_submissions) -> Condition:
    """Return the condition that the viewer may see a submission, by its community."""
    return sees_producer(viewer, submission)


def sees_trend(viewer: Viewer, trend: sa.FromClause = metric_trends) -> Condition:
    """Return the condition that the viewer may see a trend, by its producer."""
    producer = metric_producers.alias()
    return sa.exists().where(
        producer.c.uuid == trend.c.producer_uuid, sees_producer(viewer, producer)
    )


def is_shown_to(viewer: Viewer, scalar: sa.FromClause = metric_scalars) -> Condition:
    """Return the condition that a value of a visible trend is official, or the viewer's own."""
    return sa.or_(scalar.c.is_official, scalar.c.user_uuid == viewer.user_uuid)


def sees_scalar(viewer: Viewer, scalar: sa.FromClause = metric_scalars) -> Condition:
    """Return the condition that the viewer may see a value."""
    trend = metric_trends.alias()
    in_trend = sa.exists().where(trend.c.uuid == scalar.c.trend_uuid, sees_trend(viewer, trend))
    return sa.and_(is_shown_to(viewer, scalar), in_trend)
