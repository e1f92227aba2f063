"""The rate at which the viewer may run operations."""

from datetime import datetime

import strawberry

from schema.fields import column, row_type


@row_type()
@strawberry.type(
    description="The points that the viewer may spend on operations. They are counted in a bucket that "
    "holds the points of a minute, of which each second a sixtieth flows out."
)
class RateLimit:
    limit: int = column("Number of points that the bucket holds.")
    remaining: int = column("Number of points that the viewer may spend at once.")
    reset_at: datetime = column("When the bucket is empty again if nothing is spent, in UTC.")
    cost: int = column("Points of this operation.")
