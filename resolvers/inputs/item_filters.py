"""Inputs that filter items: one filter for folders, searches, collections and presets."""

from datetime import datetime
from uuid import UUID

import strawberry

from gateway.execution.bound_values import AS_IS, DIGEST, NAME, PART_OF_NAME, bound_as
from gateway.kinds.item_kinds import StorageItemType
from gateway.scalars import BigInt
from resolvers.inputs.descriptions import GREATEST, LEAST
from resolvers.inputs.metadata_filters import MetadataCondition


@strawberry.input(description="A range of times, both ends included. Open where an end is absent.")
class DateTimeRange:
    from_: datetime | None = strawberry.field(
        default=None, name="from", description="The earliest time that matches."
    )
    to: datetime | None = strawberry.field(
        default=None, description="The latest time that matches."
    )


@strawberry.input(
    description="A range of integers, both ends included. Open where an end is absent."
)
class IntRange:
    from_: int | None = strawberry.field(
        default=None, metadata=bound_as(AS_IS), name="from", description=LEAST
    )
    to: int | None = strawberry.field(default=None, metadata=bound_as(AS_IS), description=GREATEST)


@strawberry.input(
    description="A range of 64-bit integers, both ends included. Open where an end is absent."
)
class BigIntRange:
    from_: BigInt | None = strawberry.field(
        default=None, metadata=bound_as(AS_IS), name="from", description=LEAST
    )
    to: BigInt | None = strawberry.field(
        default=None, metadata=bound_as(AS_IS), description=GREATEST
    )


@strawberry.input(
    description="A range of numbers, both ends included. Open where an end is absent."
)
class FloatRange:
    from_: float | None = strawberry.field(
        default=None, metadata=bound_as(AS_IS), name="from", description=LEAST
    )
    to: float | None = strawberry.field(
        default=None, metadata=bound_as(AS_IS), description=GREATEST
    )


@strawberry.input(description="Conditions on items. An item must match all fields that are set.")
class StorageItemConditions:
    search: str | None = strawberry.field(
        default=None,
        metadata=bound_as(PART_OF_NAME),
        description="Text that the name must contain, ignoring case; at most 1,000 characters. "
        "One or two characters match only the start of the name.",
    )
    exact_name: str | None = strawberry.field(
        default=None,
        metadata=bound_as(NAME),
        description="The exact name, at most 1,000 characters; case-sensitive, but however its "
        "letters are composed.",
    )
    folder_name: str | None = strawberry.field(
        default=None,
        metadata=bound_as(NAME),
        description="The exact name of a folder that the viewer can see and that the item is "
        "directly in, at most 1,000 characters.",
    )
    item_types: list[StorageItemType] | None = strawberry.field(
        default=None, description="Only items of these kinds; all kinds if null or empty."
    )
    created_at: DateTimeRange | None = strawberry.field(
        default=None, description="When the item was created."
    )
    last_edited_at: DateTimeRange | None = strawberry.field(
        default=None, description="When the item was last edited."
    )
    file_size: BigIntRange | None = strawberry.field(
        default=None, description="The file's size in bytes."
    )
    duration: FloatRange | None = strawberry.field(
        default=None, description="The duration in seconds."
    )
    width: IntRange | None = strawberry.field(default=None, description="The width in pixels.")
    height: IntRange | None = strawberry.field(default=None, description="The height in pixels.")
    mime_type: str | None = strawberry.field(
        default=None,
        description="A media type, such as `image/png`, or its first half, such as `image` or "
        "`image/*`, for all types that begin with it.",
    )
    owner_uuid: UUID | None = strawberry.field(
        default=None, description="UUID of the user who owns the item."
    )
    sha256: str | None = strawberry.field(
        default=None,
        metadata=bound_as(DIGEST),
        description="The SHA-256 digest of the file, as 64 hex digits.",
    )
    dicom_study_uid: str | None = strawberry.field(
        default=None,
        metadata=bound_as(AS_IS),
        description="The study instance UID of a DICOM file or series.",
    )
    dicom_series_uid: str | None = strawberry.field(
        default=None,
        metadata=bound_as(AS_IS),
        description="The series instance UID of a DICOM file or series.",
    )
    dicom_instance_uid: str | None = strawberry.field(
        default=None,
        metadata=bound_as(AS_IS),
        description="The SOP instance UID of a DICOM file.",
    )
    orientation: int | None = strawberry.field(
        default=None, description="The orientation that was applied, an EXIF value from 1 to 8."
    )
    dataset_uuid: UUID | None = strawberry.field(
        default=None,
        description="Only items that this dataset uses. A dataset that does not exist or that the "
        "viewer cannot see matches no item.",
    )
    is_in_dataset: bool | None = strawberry.field(
        default=None,
        description="If `true`, only items that a dataset uses; if `false`, only others.",
    )
    organisation_tags_all_of: list[str] | None = strawberry.field(
        default=None,
        description="Names of at most 100 tags, all of which the item's folder must have, "
        "case-sensitive. A name without a tag matches no item.",
    )
    metadata: list[MetadataCondition] | None = strawberry.field(
        default=None,
        description="At most 20 conditions on values of `clientMetadata`, all of which must be met.",
    )


@strawberry.input(
    description="Filter for items. An item must match all fields that are set, at least one entry "
    "of `any`, and not all fields of `not`."
)
class StorageItemFilter(StorageItemConditions):
    any: list[StorageItemConditions] | None = strawberry.field(
        default=None,
        description="At most 20 entries, one of which an item must match. No condition if null or "
        "empty.",
    )
    not_: StorageItemConditions | None = strawberry.field(
        default=None,
        name="not",
        description="Conditions, at least one of which an item must not match.",
    )
    only_placeholders: bool = strawberry.field(
        default=False, description="Whether to return placeholders only."
    )
    only_tombstones: bool = strawberry.field(
        default=False, description="Whether to return tombstones only."
    )
    include_tombstones: bool = strawberry.field(
        default=False,
        description="Whether to include tombstones: items whose object no longer exists at its "
        "source.",
    )
    include_placeholders: bool = strawberry.field(
        default=False,
        description="Whether to include placeholders: items that have not been processed yet.",
    )
