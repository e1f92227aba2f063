"""What a unit of an upload job is to make: as a plan while it is asked for and begun, as plain data in its row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from gateway.errors import Path
from gateway.kinds import FILE_GROUPS, StorageItemType

OBJECT_URL = "storegraph:///"
"""What the URL of an object in our own store begins with; its key follows."""


@dataclass(slots=True)
class Source:
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
class Member:
    """An item that is there already, and where the input names it."""

    uuid: UUID
    path: Path


@dataclass(slots=True)
class UnitPlan:
    """An item to be made: of one source if it is a file, of several if it is a group of files.

    It may consist of `members` that are there already, and have `facts` of its own.
    """

    item_type: StorageItemType
    sources: list[Source]
    title: str | None = None
    client_metadata: dict[str, Any] | None = None
    members: list[Member] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def is_group(self) -> bool:
        """Whether the item consists of others."""
        return self.item_type in FILE_GROUPS or not self.sources

    @property
    def item_uuid(self) -> UUID | None:
        """The placeholder that becomes the item, if there is one already."""
        return None if self.is_group else self.sources[0].placeholder_uuid

    @property
    def name(self) -> str | None:
        """What was asked that the item be called."""
        return self.title if self.is_group else self.sources[0].title


def is_ours(url: str | None) -> bool:
    """Whether a URL names an object in our own store."""
    return url is not None and url.startswith(OBJECT_URL)


def spec_of(plan: UnitPlan) -> dict[str, Any]:
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
    }


def plan_of_spec(spec: Mapping[str, Any], title: str | None, *path: str | int) -> UnitPlan:
    """The plan that was written as plain data; `path` is that of its sources from now on."""
    sources = [
        Source(
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
    members = [Member(UUID(hex=uuid), path) for uuid in spec.get("members", ())]
    facts = spec.get("facts", {})
    return UnitPlan(StorageItemType(spec["item_type"]), sources, title, spec["client_metadata"], members, facts)
