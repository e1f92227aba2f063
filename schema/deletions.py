"""Deletions of folders with everything below them, and of other large objects."""

from __future__ import annotations

import strawberry

from schema.fields import column, row_type
from schema.jobs import Job


@row_type()
@strawberry.type(
    description="The removal of a deleted folder with everything below it, of a large dataset or "
    "collection, or of a tag of many folders. All of it is gone for everyone since then; the job "
    "removes the rows and the bytes, and cannot be cancelled. Its units are folders and items, data "
    "rows, the collection, or the folders that had the tag. Its `folder` is the one that the deleted "
    "folder, items or collection were in. It is visible to everyone who can see that folder, and to the user "
    "who asked for the deletion."
)
class DeletionJob(Job):
    title: str = column("The name or title of what was deleted.")
