"""Jobs that add the items that match a filter preset to collections, or remove them."""

from __future__ import annotations

import strawberry

from resolvers import collections
from schema.collections import Collection
from schema.fields import column, resolved, row_type
from schema.jobs import Job


@row_type()
@strawberry.type(
    description="Adds the many items that match a filter preset to a collection, or removes them. "
    "Its units are items, each of which is in the collection, or no longer, as soon as it is done. "
    "Its `folder` is that of the collection. It acts for the user who started it, and is cancelled "
    "once they may not change the collection any more, or it is deleted."
)
class CollectingJob(Job):
    collection: Collection | None = resolved(
        collections.collection_of_job,
        "The collection. Null if it has been deleted or the viewer cannot see it.",
    )
    removes_items: bool = column("Whether the items are removed. If false, they are added.")
