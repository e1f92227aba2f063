"""Inputs that filter DICOM studies, series and instances by the values of tags."""

import strawberry

from resolvers.inputs.dicom_indexed_tags import PRIVATE_CREATOR, TAG

MAX_TAG_MATCHES = 20


@strawberry.input(
    description="A range of values, both ends included. Open where an end is absent, but one must be "
    "set."
)
class DicomTagRange:
    from_: str | None = strawberry.field(
        default=None, name="from", description="The least value that matches."
    )
    to: str | None = strawberry.field(default=None, description="The greatest value that matches.")


@strawberry.input(
    one_of=True,
    description="The values that match. Set exactly one of the fields. Values are texts, numbers too, "
    "with dates and times as in ISO 8601; `DicomIndexedTag.vr` tells how they are compared.",
)
class DicomTagValueMatch:
    value: str | None = strawberry.field(
        default=strawberry.UNSET, description="The value, at most 10,000 characters."
    )
    range: DicomTagRange | None = strawberry.field(
        default=strawberry.UNSET, description="A range of values."
    )


@strawberry.input(
    description="A condition on the values of a tag, any of which has to match. A name of a person has "
    "a value in each of its three groups. Where the viewer may not see whose the files are, nothing "
    "matches by tags that identify, or that are private."
)
class DicomTagMatch:
    tag: str = strawberry.field(description=TAG)
    private_creator: str | None = strawberry.field(default=None, description=PRIVATE_CREATOR)
    is_: DicomTagValueMatch = strawberry.field(name="is", description="The values that match.")


@strawberry.input(
    description="Filter for DICOM series. A series must match all fields that are set."
)
class DicomSeriesFilter:
    tags: list[DicomTagMatch] | None = strawberry.field(
        default=None,
        description="Conditions on indexed tags (`dicomIndexedTags`), at most 20, all of which a file "
        "of the series has to meet; not necessarily the same file.",
    )
