"""Plans of units: what one unit of an upload job is to create.

A plan is made when the job is started, stored as the unit's spec, and completed when the unit is
begun.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from gateway.errors import Path
from gateway.kinds.item_kinds import FILE_GROUPS, ITEM_KINDS, StorageItemType
from gateway.kinds.unit_spec import TargetSpec, UnitSpec

OBJECT_URL = "storegraph:///"
"""Prefix of the URLs of objects in the gateway's own store; the object's key follows."""


@dataclass(slots=True)
class UnitSource:
    """One file of a unit: a placeholder to which bytes are uploaded, or the URL of an object.

    Attributes:
        path: where the request names it.
        item_type: the kind of the file; None if it is the announced one or, if none was announced,
            the one that the content decides.
        placeholder_uuid: the placeholder; None until the source is bound if it is a URL.
        object_url: the URL of an object in the gateway's own store, or of a file elsewhere.
        title: the item's name, if the client gave one.
        client_metadata: the item's metadata, if the client gave some.
        facts: facts to use instead of reading the file, by the names of the item's columns.
        settings: display settings of a time series.
        parsing: how to read a time series.
        source_modified_at: when the file was last modified, if the client said so.
        file_size: the announced size in bytes, once the source has been checked.
        unit_uuid: the unit that a placeholder created for it belongs to, if there is one already.
    """

    path: Path
    item_type: StorageItemType | None
    placeholder_uuid: UUID | None
    object_url: str | None
    title: str | None
    client_metadata: dict[str, Any] | None
    facts: dict[str, Any] | None
    settings: dict[str, Any] | None = None
    parsing: dict[str, Any] | None = None
    source_modified_at: datetime | None = None
    file_size: int | None = None
    unit_uuid: UUID | None = None

    @property
    def object_key(self) -> str | None:
        """The key of the object if it is in the gateway's own store."""
        url = self.object_url
        return url.removeprefix(OBJECT_URL) if url is not None and is_own_object(url) else None


@dataclass(frozen=True, slots=True)
class UnitMember:
    """An existing item that becomes a member, and the kind that it must have, if any."""

    uuid: UUID
    path: Path
    item_type: StorageItemType | None = None


@dataclass(frozen=True, slots=True)
class UnitTarget:
    """An existing item that the files of a unit become part of.

    Attributes:
        path: the entry of the request that names it.
        new_revision: whether they replace the files that the item has.
        expected_revision: number of the newest revision, if the client named it.
        changes: description of the new revision.
    """

    uuid: UUID
    path: Path
    new_revision: bool = False
    expected_revision: int | None = None
    changes: str = ""


@dataclass(slots=True)
class UnitPlan:
    """An item to create: a file if it has one source, else a group; or a change of a target.

    Attributes:
        item_type: the kind of the item, `FILE` if its file decides.
        sources: its files, in order.
        title: the name of a group, if the client gave one.
        client_metadata: the metadata of a group.
        members: existing items that a group has besides its files.
        facts: facts of a group.
        video_uuid: the placeholder of an image sequence, which is that of its video, once bound.
        home: the folder of a group, if it is not the job's.
        path: where the request names it.
        target: the existing item that the files become part of, if they do.
    """

    item_type: StorageItemType
    sources: list[UnitSource]
    title: str | None = None
    client_metadata: dict[str, Any] | None = None
    members: list[UnitMember] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    video_uuid: UUID | None = None
    home: UUID | None = None
    path: Path = ()
    target: UnitTarget | None = None

    @property
    def is_group(self) -> bool:
        """Whether the item consists of others."""
        return self.item_type in FILE_GROUPS or not self.sources

    @property
    def item_uuid(self) -> UUID | None:
        """The target, or the placeholder that becomes the item, if there is one already."""
        if self.target:
            return self.target.uuid
        return self.video_uuid if self.is_group else self.sources[0].placeholder_uuid

    @property
    def placeholder_uuids(self) -> list[UUID]:
        """All placeholders of the unit so far."""
        uuids = [self.video_uuid, *(source.placeholder_uuid for source in self.sources)]
        return [uuid for uuid in uuids if uuid]

    @property
    def needs_video(self) -> bool:
        """Whether the placeholder of its video is still missing."""
        return self.item_type is StorageItemType.IMAGE_SEQUENCE and self.video_uuid is None

    @property
    def is_bound(self) -> bool:
        """Whether it has all its placeholders."""
        return not self.needs_video and all(source.placeholder_uuid for source in self.sources)

    @property
    def name(self) -> str | None:
        """The name that the client gave the item."""
        if self.target:
            return None
        return self.title if self.is_group else self.sources[0].title

    @property
    def item_metadata(self) -> dict[str, Any] | None:
        """The metadata that the client gave the item."""
        if self.target:
            return None
        return self.client_metadata if self.is_group else self.sources[0].client_metadata

    @property
    def urls(self) -> list[str]:
        """The URLs of all files of a new item; empty unless each has one."""
        urls = [source.object_url for source in self.sources if source.object_url]
        return urls if len(urls) == len(self.sources) and not self.target else []


def is_own_object(url: str | None) -> bool:
    """Return whether a URL names an object in the gateway's own store."""
    return url is not None and url.startswith(OBJECT_URL)


def to_spec(plan: UnitPlan, entry: str | None = None) -> UnitSpec:
    """Return a plan as it is stored; `entry` is its name in a manifest."""
    spec: UnitSpec = {
        "item_type": plan.item_type,
        "client_metadata": plan.client_metadata,
        "sources": [
            {
                "item_type": source.item_type,
                "item_uuid": source.placeholder_uuid.hex if source.placeholder_uuid else None,
                "object_url": source.object_url,
                "title": source.title,
                "client_metadata": source.client_metadata,
                "facts": source.facts,
                "settings": source.settings,
                "source_modified_at": (
                    source.source_modified_at.isoformat() if source.source_modified_at else None
                ),
                "parsing": source.parsing,
            }
            for source in plan.sources
        ],
        "members": [member.uuid.hex for member in plan.members],
        "facts": plan.facts,
        "video": plan.video_uuid.hex if plan.video_uuid else None,
        "home": plan.home.hex if plan.home else None,
    }
    if plan.target:
        spec["target"] = {
            "item_uuid": plan.target.uuid.hex,
            "new_revision": plan.target.new_revision,
            "expected_revision": plan.target.expected_revision,
            "changes": plan.target.changes,
        }
    return spec if entry is None else {"entry": entry, **spec}


def from_spec(spec: UnitSpec, title: str | None, *path: str | int) -> UnitPlan:
    """Return a stored plan; `path` becomes that of its sources and members."""
    item_type = StorageItemType(spec["item_type"])
    sources = [
        UnitSource(
            path=path,
            item_type=StorageItemType(source["item_type"]) if source["item_type"] else None,
            placeholder_uuid=UUID(hex=source["item_uuid"]) if source["item_uuid"] else None,
            object_url=source["object_url"],
            title=source["title"],
            client_metadata=source["client_metadata"],
            facts=source["facts"],
            settings=source.get("settings"),
            source_modified_at=(
                datetime.fromisoformat(moment)
                if (moment := source.get("source_modified_at"))
                else None
            ),
            parsing=source.get("parsing"),
        )
        for source in spec["sources"]
    ]
    member_type = ITEM_KINDS[item_type].member_type
    video, home, target = spec.get("video"), spec.get("home"), spec.get("target")
    return UnitPlan(
        item_type=item_type,
        sources=sources,
        title=title,
        client_metadata=spec["client_metadata"],
        members=[UnitMember(UUID(hex=uuid), path, member_type) for uuid in spec.get("members", ())],
        facts=spec.get("facts", {}),
        video_uuid=UUID(hex=video) if video else None,
        home=UUID(hex=home) if home else None,
        target=_target_from(target, path) if target else None,
    )


def _target_from(spec: TargetSpec, path: Path) -> UnitTarget:
    """Return a stored target."""
    return UnitTarget(
        UUID(hex=spec["item_uuid"]),
        path,
        spec["new_revision"],
        spec["expected_revision"],
        spec["changes"],
    )
