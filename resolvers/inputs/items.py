"""Inputs of mutations of items."""

from uuid import UUID

import strawberry

from gateway.catalog.rules.time_series_settings import TimeSeriesViewSettingsInput
from gateway.kinds.enums import IfNameTaken
from gateway.scalars import JSON
from resolvers.inputs.descriptions import (
    ALLOW_PARTIAL,
    ALLOW_PUBLIC,
    DATASET_CHANGES,
    METADATA_PATCH,
    MIRROR_CHANGES,
    NEW_CLIENT_METADATA,
    new_description_of,
    new_name_of,
)
from resolvers.inputs.names import NO_REUSE, if_name_taken
from resolvers.inputs.views import SceneLayoutInput, SceneViewSettingsInput


@strawberry.input(description="Changes to an item. Omitted fields are not changed.")
class UpdateStorageItemInput:
    item_uuid: UUID = strawberry.field(description="UUID of the item.")
    name: str | None = strawberry.field(default=strawberry.UNSET, description=new_name_of("item"))
    description: str | None = strawberry.field(
        default=strawberry.UNSET, description=new_description_of("item")
    )
    client_metadata: JSON | None = strawberry.field(
        default=strawberry.UNSET, description=NEW_CLIENT_METADATA
    )
    client_metadata_patch: JSON | None = strawberry.field(
        default=strawberry.UNSET, description=METADATA_PATCH
    )
    time_series_settings: TimeSeriesViewSettingsInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="Display settings of a time series; null restores the defaults.",
    )
    scene_view_settings: SceneViewSettingsInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="Display settings of a scene; null restores the defaults.",
    )
    scene_layout: SceneLayoutInput | None = strawberry.field(
        default=strawberry.UNSET,
        description="Arrangement of a scene's panes; null restores the default.",
    )


@strawberry.input(description="Changes to several items.")
class UpdateStorageItemsInput:
    items: list[UpdateStorageItemInput] = strawberry.field(
        description="1 to 1,000 items, without duplicates."
    )
    allow_partial: bool = strawberry.field(default=False, description=ALLOW_PARTIAL)


@strawberry.input(description="Items to move to another folder.")
class MoveStorageItemsInput:
    item_uuids: list[UUID] = strawberry.field(
        description="UUIDs of 1 to 1,000 items, without duplicates."
    )
    new_parent_uuid: UUID = strawberry.field(description="UUID of the folder to move them into.")
    folder_uuid: UUID | None = strawberry.field(
        default=None, description="If set, items that are not directly in this folder are rejected."
    )
    allow_mirror_dataset_changes: bool = strawberry.field(default=False, description=MIRROR_CHANGES)
    allow_public: bool = strawberry.field(default=False, description=ALLOW_PUBLIC)
    from_folder_uuid: UUID | None = strawberry.field(
        default=None,
        description="The folder to move them out of. Items that are shared into it leave it for the "
        "other folder, and stay in their own; all others must be at home there.",
    )
    if_name_taken: IfNameTaken = if_name_taken(NO_REUSE)
    allow_partial: bool = strawberry.field(default=False, description=ALLOW_PARTIAL)


@strawberry.input(description="Items to delete.")
class DeleteStorageItemsInput:
    item_uuids: list[UUID] = strawberry.field(
        description="UUIDs of 1 to 1,000 items, without duplicates."
    )
    folder_uuid: UUID | None = strawberry.field(
        default=None, description="If set, items that are not directly in this folder are rejected."
    )
    remove_unused_frames: bool = strawberry.field(
        default=True,
        description="Whether to also delete the frames of deleted image groups, image sequences "
        "and DICOM series, where no other group or dataset uses them and the viewer has `ADMIN` on "
        "their folder. Items of data groups are always kept.",
    )
    allow_dataset_changes: bool = strawberry.field(
        default=False,
        description=DATASET_CHANGES,
    )
    allow_mirror_dataset_changes: bool = strawberry.field(default=False, description=MIRROR_CHANGES)
    allow_partial: bool = strawberry.field(default=False, description=ALLOW_PARTIAL)
