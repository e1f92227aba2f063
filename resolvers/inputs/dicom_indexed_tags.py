"""Inputs of mutations of tags by which DICOM studies are filtered."""

import strawberry

TAG = (
    "A keyword such as `SliceThickness`, or a tag such as `00180050`, `0018,0050` or `0x00180050`. "
    "For a tag in sequences, theirs come first, divided by colons: `00081111:00080550`."
)
PRIVATE_CREATOR = (
    "The creator of a private tag, and required there. The tag counts in whatever block the creator "
    "has reserved in a file: `0019100C` and `0019110C` are the same."
)


@strawberry.input(description="A tag by which DICOM studies are to be filtered.")
class AddDicomIndexedTagInput:
    tag: str = strawberry.field(description=TAG)
    private_creator: str | None = strawberry.field(default=None, description=PRIVATE_CREATOR)
    vr: str | None = strawberry.field(
        default=None,
        description="The value representation, such as `DS`, which tells how values are compared. By "
        "default that of the standard; required for tags that the standard does not have.",
    )


@strawberry.input(description="A tag by which DICOM studies are no longer to be filtered.")
class RemoveDicomIndexedTagInput:
    tag: str = strawberry.field(description=TAG)
    private_creator: str | None = strawberry.field(default=None, description=PRIVATE_CREATOR)
