"""Tags by which DICOM studies are filtered, and the jobs that fill in their values."""

from __future__ import annotations

from datetime import datetime

import strawberry

from gateway.kinds.enums import DicomTagIndexStatus
from gateway.scalars import BigInt
from resolvers import dicom_indexed_tags
from schema.common import Node
from schema.fields import column, resolved, row_type
from schema.jobs import Job


@row_type()
@strawberry.type(
    description="A tag whose values are indexed, so that DICOM studies and series can be filtered by "
    "it. The values are those of the files of a series, without corrections of a study."
)
class DicomIndexedTag(Node):
    id: strawberry.ID = resolved(dicom_indexed_tags.id_of, "Opaque global ID, for use with `node`.")
    tag: str = column(
        "The tag as eight hexadecimal digits, after those of the sequences that it is in: "
        "`00081111:00080550`. A private tag is that of the first block, such as `0019100C`."
    )
    private_creator: str | None = resolved(
        dicom_indexed_tags.creator_of, "The creator of a private tag. Null for any other."
    )
    keyword: str | None = resolved(
        dicom_indexed_tags.keyword_of,
        "The keyword in the standard. Null for tags that the standard does not have.",
    )
    vr: str = column(
        "The value representation. Codes and UIDs (AE, AS, AT, CS, UI, UR) are compared exactly, "
        "dates and times (DA, DT, TM) as ISO 8601 has them, without offsets from UTC, numbers as "
        "numbers of double precision, and all other texts whatever their case."
    )
    status: DicomTagIndexStatus = resolved(
        dicom_indexed_tags.status_of, "Whether studies can be filtered by the tag."
    )
    job: IndexingJob | None = resolved(
        dicom_indexed_tags.job_of,
        "The job that fills in the values of the instances that existed when the tag was added. "
        "Null if the viewer cannot see it.",
    )
    unindexed_instances_count: BigInt | None = resolved(
        dicom_indexed_tags.unindexed_of,
        "Number of instances of which not all values are indexed: they are not of the value "
        "representation, binary, or more than 100. Null unless the viewer is a site admin.",
    )
    created_at: datetime = column("When the tag was added, in UTC.")


@row_type()
@strawberry.type(
    description="Fills in the values of a tag by which DICOM studies are to be filtered. Its units "
    "are the instances that exist already; those fail of which not all values could be indexed. It "
    "is visible to the user who added the tag and to site admins, and cancelled if the tag is "
    "removed."
)
class IndexingJob(Job):
    title: str = column("The tag, and the creator of a private one.")
    indexed_tag: DicomIndexedTag | None = resolved(
        dicom_indexed_tags.indexed_tag_of_job, "The tag. Null once it has been removed."
    )
