"""What lies in the folders of a generated site: items of all kinds, without bytes, and what groups consist of."""

from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from gateway.catalog.ingestion.unit_plan import OBJECT_URL
from gateway.catalog.ledger.counters import item_delta
from gateway.generate.kinds import KINDS, GeneratedKind
from gateway.generate.people import People, Rows
from gateway.generate.rng import Rng, named
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.base import new_row
from gateway.models.items import (
    GroupMemberRecord,
    ItemRecord,
    StoredObjectRecord,
    group_members,
    items,
    stored_objects,
)

PER_SUBJECT = 100
"""How many items tell of one subject; they are spread over the folders, and their names hold its number."""

WORDS = (
    "amber", "bridge", "canal", "delta", "echo", "fern", "gate", "hill", "inlet", "jetty", "kiln", "lake", "mill",
    "north", "opal", "pier", "quarry", "ridge", "sluice", "tower", "upland", "valley", "weir", "yard",
)  # fmt: skip
_BAG = [kind for kind in KINDS for _ in range(kind.share)]
_GONE, _COMING = 0.04, 0.04


class Contents:
    """Items, folder by folder; `counters` says what is in each folder so far."""

    def __init__(self, rng: Rng, people: People, number: int) -> None:
        self._rng = rng
        self._people = people
        self._subjects = max(number // PER_SUBJECT, 1)
        self._made = 0
        self._bag: list[GeneratedKind] = []
        self.counters: dict[UUID, Counter[str]] = {}

    def rows(self, folder: UUID, number: int) -> Iterator[Rows]:
        """The rows of a folder with so many items, those that others refer to first."""
        made = [self._item(folder) for _ in range(number)]
        yield stored_objects, [_stored(row) for row in made if row["object_key"]]
        yield items, made
        yield group_members, list(self._members(made))
        self.counters[folder] = sum(
            (item_delta(cast(ItemRecord, SimpleNamespace(**row))) for row in made), Counter()
        )

    def _item(self, folder: UUID) -> dict[str, Any]:
        kind, moment, subject = self._kind(), self._rng.next_moment(), self._made % self._subjects
        name = f"{self._rng.choice(WORDS)}-S{subject:05}-{self._made:07}{kind.ending}"
        self._made += 1
        return new_row(
            ItemRecord,
            uuid=self._rng.uuid(moment),
            folder_uuid=folder,
            item_type=kind.item_type,
            client_metadata={"take": self._rng.below(9), "site": self._rng.choice(WORDS)},
            owner_uuid=self._rng.choice(self._people.users),
            created_at=moment,
            last_edited_at=moment,
            **named(name),
            **self._state(kind, whole=subject % 4 != 0),
        )

    def _kind(self) -> GeneratedKind:
        """Of each hundred items as many are of a kind as its share says."""
        if not self._bag:
            self._bag = self._rng.sample(_BAG, len(_BAG))
        return self._bag.pop()

    def _state(self, kind: GeneratedKind, whole: bool) -> dict[str, Any]:
        """Of most subjects all items are there; of the others a few are announced, and of a few the object is gone."""
        if not kind.mime_type:
            return {}
        if not whole and self._rng.chance(_COMING):
            return {"is_placeholder": True}
        if not whole and self._rng.chance(_GONE):
            return {"is_tombstone": True, "mime_type": kind.mime_type}
        key = self._rng.object_key()
        known = {"object_key": key, "url": OBJECT_URL + key, "sha256": self._rng.sha256()}
        size = self._rng.log_uniform(kind.smallest, kind.largest)
        return {**known, "file_size": size, "mime_type": kind.mime_type, **kind.facts(self._rng)}

    def _members(self, made: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Groups consist of files of the same folder."""
        files: dict[StorageItemType | None, list[UUID]] = {}
        for row in made:
            if row["object_key"]:
                files.setdefault(row["item_type"], []).append(row["uuid"])
                files.setdefault(None, []).append(row["uuid"])
        groups = {kind.item_type: kind.members for kind in KINDS if not kind.mime_type}
        for row in made:
            if row["item_type"] in groups:
                chosen = self._rng.sample(
                    files.get(groups[row["item_type"]], []), self._rng.log_uniform(2, 12)
                )
                for position, member in enumerate(chosen):
                    yield new_row(
                        GroupMemberRecord,
                        group_uuid=row["uuid"],
                        position=position,
                        item_uuid=member,
                    )


def _stored(item: dict[str, Any]) -> dict[str, Any]:
    return new_row(
        StoredObjectRecord,
        key=item["object_key"],
        sha256=item["sha256"],
        file_size=item["file_size"],
        created_at=item["created_at"],
    )
