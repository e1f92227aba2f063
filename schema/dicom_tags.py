"""Tags of DICOM objects."""

from __future__ import annotations

import strawberry

from resolvers import dicom_tags
from schema.fields import column, resolved, row_type


@row_type()
@strawberry.type(
    description="An element of a DICOM data set. Text is UTF-8, whatever the character set of the "
    "file."
)
class DicomTag:
    group: int = column("The group as a decimal number: 8 for (0008,0070).")
    element: int = column("The element as a decimal number: 112 for (0008,0070).")
    tag: str = column("Group and element as eight hexadecimal digits: `00080070`.")
    keyword: str | None = column(
        "The keyword, such as `PatientName`. Null for private tags, and for those that the "
        "standard does not list."
    )
    name: str | None = column(
        "The name, such as `Patient's Name`. Null for private tags, and for those that the "
        "standard does not list."
    )
    vr: str = column("The value representation, such as `LO`.")
    vl: int | None = column(
        "Length of the value in bytes, rounded up to an even number and without further padding. "
        "Null where only the file tells: for numbers that are written as text, for text outside of "
        "ASCII, for sequences, and for values that are not part of the tags, such as pixels."
    )
    value: str | None = column("The first of `values`; null if there is none.")
    values: list[str | None] = column(
        "The values as text, one entry per value, only the first one unless `allValues` is set; "
        "null stands for an empty value among others. The groups of a name are divided by `=`. "
        "Binary values of up to 1,024 bytes are in Base64. Empty for sequences and longer binary "
        "values."
    )
    private_creator: str | None = column(
        "Text that names who defined a private tag. Null for other tags, and if the data set "
        "lacks it."
    )
    items: list[list[DicomTag]] | None = resolved(
        dicom_tags.items_of, "The tags of a sequence, one entry per item. Null for other tags."
    )
    is_retired: bool = column("Whether the standard has retired the tag.")
