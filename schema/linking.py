"""Jobs that link the items of folders to the datasets that mirror them."""

from __future__ import annotations

import strawberry

from resolvers import uploads
from schema.datasets import Dataset
from schema.fields import resolved, row_type
from schema.jobs import Job


@row_type()
@strawberry.type(
    description="Links the items of a large folder to the new dataset that mirrors it. Its units are "
    "items, each of which is in the dataset as soon as it is done. It is visible to the user who "
    "created the dataset and to site admins, and cancelled if the dataset or the folder is deleted."
)
class LinkingJob(Job):
    dataset: Dataset | None = resolved(
        uploads.dataset_of,
        "The dataset. Null if it has been deleted or the viewer cannot see it.",
    )
