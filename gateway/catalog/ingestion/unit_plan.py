"""What a unit of an upload job is to make: as a plan while it is asked for and begun, as plain data in its row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from gateway.errors import Path
from gateway.kinds.item_kinds import FILE_GROUPS, ITEM_KINDS, StorageItemType

OBJECT_URL = "storegraph:///"
"""What the URL of an object in our own store begins with; its key follows."""


@dataclass(slots=True)
class UnitSource:
    """One file of a unit: a placeholder, or the URL of an object, stored by us or lying elsewhere.

    `facts` are to be taken instead of reading.
    """

    path: Path
    item_type: StorageItemType
    placeholder_uuid: UUID | None
    object_url: str | None
    title: str | None
    client_metadata: dict[str, Any] | None
    facts: dict[str, Any] | None
    settings: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class UnitMember:
    """An item that is there already, where the input names it, and of what type it must be if not any will do."""

    uuid: UUID
    path: Path
    item_type: StorageItemType | None = None


@dataclass(slots=True)
class UnitPlan:
    """An item to be made: of one source if it is a file, of several if it is a group of files.

    It may consist of `members` that are there already, and have `facts` of its own. The placeholder of an image
    sequence, which is that of its video, is `video_uuid` once it is bound. The input asks for it at `path`.
    """

    item_type: StorageItemType
    sources: list[UnitSource]
    title: str | None = None
    client_metadata: dict[str, Any] | None = None
    members: list[UnitMember] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    video_uuid: UUID | None = None
    path: Path = ()

    @property
    def is_group(self) -> bool:
        """Whether the item consists of others."""
        return self.item_type in FILE_GROUPS or not self.sources

    @property
    def item_uuid(self) -> UUID | None:
        """The placeholder that becomes the item, if there is one already."""
        return self.video_uuid if self.is_group else self.sources[0].placeholder_uuid

    @property
    def needs_video(self) -> bool:
        """Whether a placeholder for its video has still to be made."""
        return self.item_type is StorageItemType.IMAGE_SEQUENCE and self.video_uuid is None

    @property
    def is_bound(self) -> bool:
        """Whether all placeholders are there."""
        return not self.needs_video and all(source.placeholder_uuid for source in self.sources)

    @property
    def name(self) -> str | None:
        """What was asked that the item be called."""
        return self.title if self.is_group else self.sources[0].title


def is_own_object(url: str | None) -> bool:
    """Whether a URL names an object in our own store."""
    return url is not None and url.startswith(OBJECT_URL)


def to_spec(plan: UnitPlan) -> dict[str, Any]:
    """The plan as plain data."""
    return {
        "item_type": plan.item_type,
        "client_metadata": plan.client_metadata,
        "sources": [
            {
                "item_type": source.item_type,
                "item_uuid": source.placeholder_uuid and source.placeholder_uuid.hex,
                "object_url": source.object_url,
                "title": source.title,
                "client_metadata": source.client_metadata,
                "facts": source.facts,
                "settings": source.settings,
            }
            for source in plan.sources
        ],
        "members": [member.uuid.hex for member in plan.members],
        "facts": plan.facts,
        "video": plan.video_uuid and plan.video_uuid.hex,
    }


def from_spec(spec: Mapping[str, Any], title: str | None, *path: str | int) -> UnitPlan:
    """The plan that was written as plain data; `path` is that of its sources from now on."""
    sources = [
        UnitSource(
            path=path,
            item_type=StorageItemType(one["item_type"]),
            placeholder_uuid=UUID(hex=one["item_uuid"]) if one["item_uuid"] else None,
            object_url=one["object_url"],
            title=one["title"],
            client_metadata=one["client_metadata"],
            facts=one["facts"],
            settings=one.get("settings"),
        )
        for one in spec["sources"]
    ]
    kind = StorageItemType(spec["item_type"])
    of_type = ITEM_KINDS[kind].member_type
    members = [UnitMember(UUID(hex=uuid), path, of_type) for uuid in spec.get("members", ())]
    facts = spec.get("facts", {})
    video = UUID(hex=spec["video"]) if spec.get("video") else None
    return UnitPlan(kind, sources, title, spec["client_metadata"], members, facts, video)
