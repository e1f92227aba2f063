"""What a client sends to change items."""

from uuid import UUID

import strawberry

from resolvers.inputs.scalars import JSON
from resolvers.inputs.views import (
    SceneLayoutInput,
    SceneViewSettingsInput,
    TimeSeriesViewSettingsInput,
)

_METADATA = (
    "A JSON object of at most 256 KB that replaces what is there; null empties it (SUB-029)."
)
_PATCH = "A merge patch to the metadata that is there (RFC 7396); not together with clientMetadata."
_MIRRORS = "Whether data rows of mirror datasets may go by it (SUB-043)."
_PARTIAL = "Whether to do what can be done if some cannot."


@strawberry.input(description="Changes of an item: what is absent stays as it is (ENC-PITEM).")
class UpdateStorageItemInput:
    item_uuid: UUID = strawberry.field(description="The item.")
    name: str | None = strawberry.field(
        default=strawberry.UNSET, description="1 to 1,000 characters; null is refused."
    )
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description="At most 10,000 characters; null empties it."
    )
    client_metadata: JSON | None = strawberry.field(default=strawberry.UNSET, description=_METADATA)
    client_metadata_patch: JSON | None = strawberry.field(
        default=strawberry.UNSET, description=_PATCH
    )
    time_series_settings: TimeSeriesViewSettingsInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="How a time series is shown; null goes back to the default (SUB-031).",
    )
    scene_view_settings: SceneViewSettingsInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="How a scene is shown; null goes back to the default (SUB-031).",
    )
    scene_layout: SceneLayoutInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="Where a scene's panes are; null leaves it to the viewer (SUB-031).",
    )


@strawberry.input(description="Changes of several items.")
class UpdateStorageItemsInput:
    items: list[UpdateStorageItemInput] = strawberry.field(
        description="1 to 1,000 items, none of them twice."
    )
    allow_partial: bool = strawberry.field(default=False, description=_PARTIAL)


@strawberry.input(description="Items to be put into another folder (ENC-MOVIN).")
class MoveStorageItemsInput:
    item_uuids: list[UUID] = strawberry.field(description="1 to 1,000 items, none of them twice.")
    new_parent_uuid: UUID = strawberry.field(description="The folder to put them in (SUB-045).")
    folder_uuid: UUID | None = strawberry.field(
        default=None, description="If given, every item must lie directly in this folder (SUB-044)."
    )
    allow_mirror_dataset_changes: bool = strawberry.field(default=False, description=_MIRRORS)
    allow_partial: bool = strawberry.field(default=False, description=_PARTIAL)


@strawberry.input(description="Items to be removed (ENC-DELIN).")
class DeleteStorageItemsInput:
    item_uuids: list[UUID] = strawberry.field(description="1 to 1,000 items, none of them twice.")
    folder_uuid: UUID | None = strawberry.field(
        default=None, description="If given, every item must lie directly in this folder (SUB-044)."
    )
    remove_unused_frames: bool = strawberry.field(
        default=True,
        description="Whether the frames of removed image groups, image sequences and DICOM series go too where no "
        "other group or dataset uses them, and you are ADMIN there (SUB-046). The items of a data group stay.",
    )
    allow_dataset_changes: bool = strawberry.field(
        default=False, description="Whether items may go that datasets use."
    )
    allow_mirror_dataset_changes: bool = strawberry.field(default=False, description=_MIRRORS)
    allow_partial: bool = strawberry.field(default=False, description=_PARTIAL)
