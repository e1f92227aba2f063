"""Deletions of folders with everything below them."""

from __future__ import annotations

import strawberry

from schema.fields import column, row_type
from schema.jobs import Job


@row_type()
@strawberry.type(
    description="The removal of what was in a deleted folder and below it. All of it is gone for "
    "everyone since the folder was deleted; the job removes the rows and the bytes, and cannot be "
    "cancelled. Its units are folders and items, its `folder` is the one that the deleted folder "
    "was in. It is visible to everyone who can see that folder, and to the user who deleted it."
)
class DeletionJob(Job):
    title: str = column("The name of the deleted folder.")
