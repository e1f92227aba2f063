"""Deletions of folders with everything below them, and of other large objects."""

from __future__ import annotations

import strawberry

from schema.fields import column, row_type
from schema.jobs import Job


@row_type()
@strawberry.type(
    description="The removal of what was in a deleted folder and below it, or in a large dataset or "
    "collection that was deleted. All of it is gone for everyone since then; the job removes the "
    "rows and the bytes, and cannot be cancelled. Its units are folders and items, data rows, or the "
    "collection. Its `folder` is the one that the deleted folder or collection was in. It is visible "
    "to everyone who can see that folder, and to the user who asked for the deletion."
)
class DeletionJob(Job):
    title: str = column("The name or title of what was deleted.")
