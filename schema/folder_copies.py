"""Jobs that copy folders with everything below them."""

from __future__ import annotations

import strawberry

from resolvers import jobs
from schema.fields import column, resolved, row_type
from schema.folders import StorageFolder
from schema.jobs import Job


@row_type()
@strawberry.type(
    description="Copies a folder with everything below it. Its units are folders, items, and items "
    "that are shared into folders. Its `folder` is the copy, which can be used while it fills. It "
    "acts for the user who started it, and is cancelled once they may not put items into the copy "
    "any more; what has been copied stays."
)
class FolderCopyJob(Job):
    source_folder: StorageFolder | None = resolved(
        jobs.source_folder_of,
        "The folder that is copied. Null if it has been deleted or the viewer cannot see it.",
    )
    skipped_count: int = column(
        "Number of units that were left out: placeholders, tombstones, items that would leave a "
        "masked folder, groups with members in folders where the user who started the job is not "
        "`USER`, and what has become hidden from them since."
    )
