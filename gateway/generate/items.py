"""The items of a generated site: all kinds, without bytes, and the members of file groups."""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from gateway.catalog.ingestion.unit_plan import OBJECT_URL
from gateway.catalog.ledger.counters import ItemTotals, totals_delta
from gateway.catalog.ledger.metadata_keys import KeyUse, uses_of
from gateway.generate.kinds import KINDS, GeneratedKind
from gateway.generate.people import People, TableRows
from gateway.generate.rng import Rng, name_columns
from gateway.kinds.item_kinds import StorageItemType
from gateway.models.base import fold, natural_key, new_row
from gateway.models.items import (
    GroupMemberRecord,
    ItemRecord,
    StoredObjectRecord,
    group_members,
    items,
    stored_objects,
)

PER_SUBJECT = 100
"""Items of one subject. They are spread over the folders, and their names contain its number."""

WORDS = (
    "amber", "bridge", "canal", "delta", "echo", "fern", "gate", "hill", "inlet", "jetty", "kiln", "lake", "mill",
    "north", "opal", "pier", "quarry", "ridge", "sluice", "tower", "upland", "valley", "weir", "yard",
)  # fmt: skip
_BAG = [kind for kind in KINDS for _ in range(kind.weight)]
_MEMBER_TYPES = {kind.item_type: kind.member_type for kind in KINDS if not kind.mime_type}
_TOMBSTONES, _PLACEHOLDERS = 0.04, 0.04
"""Shares of tombstones and placeholders among the items of an incomplete subject."""
_INCOMPLETE_EVERY = 4
"""One subject in four is incomplete."""


class ItemGenerator:
    """Items, folder by folder; `counters` and `uses` of keys are those of each folder so far."""

    def __init__(self, rng: Rng, people: People, number: int) -> None:
        self._rng = rng
        self._people = people
        self._subjects = max(number // PER_SUBJECT, 1)
        self._count = 0
        self._bag: list[GeneratedKind] = []
        self.counters: dict[UUID, Counter[str]] = {}
        self.uses: dict[UUID, Counter[KeyUse]] = {}

    def rows(self, folder: UUID, number: int) -> Iterator[TableRows]:
        """Yield the rows of a folder with this many items, referenced tables first."""
        item_rows = [self._item(folder) for _ in range(number)]
        yield (
            stored_objects,
            [
                new_row(
                    StoredObjectRecord,
                    key=row["object_key"],
                    sha256=row["sha256"],
                    crc32=int(row["sha256"][:8], 16),
                    file_size=row["file_size"],
                    created_at=row["created_at"],
                )
                for row in item_rows
                if row["object_key"]
            ],
        )
        yield items, item_rows
        yield group_members, list(self._members(item_rows))
        counters = self.counters[folder] = Counter[str]()
        uses = self.uses[folder] = Counter[KeyUse]()
        for row in item_rows:
            columns = {name: row[name] for name in ItemTotals._fields if name != "total"}
            totals = ItemTotals(**columns, total=1)
            counters.update(totals_delta(totals, is_tombstone=totals.is_tombstone))
            if not totals.is_tombstone and not totals.is_placeholder:
                uses.update(uses_of(row["client_metadata"]))

    def _item(self, folder: UUID) -> dict[str, Any]:
        """Return the row of the next item. Of each hundred, every kind gets its share."""
        if not self._bag:
            self._bag = self._rng.sample(_BAG, len(_BAG))
        kind, moment, subject = (
            self._bag.pop(),
            self._rng.next_moment(),
            self._count % self._subjects,
        )
        name = f"{self._rng.choice(WORDS)}-S{subject:05}-{self._count:07}{kind.extension}"
        self._count += 1
        return new_row(
            ItemRecord,
            uuid=self._rng.uuid(moment),
            folder_uuid=folder,
            item_type=kind.item_type,
            client_metadata={"take": self._rng.below(9), "site": self._rng.choice(WORDS)},
            owner_uuid=self._rng.choice(self._people.users),
            created_at=moment,
            last_edited_at=moment,
            **name_columns(name),
            natural_key=natural_key(fold(name)),
            **self._file_columns(kind, is_complete=subject % _INCOMPLETE_EVERY != 0),
        )

    def _file_columns(self, kind: GeneratedKind, *, is_complete: bool) -> dict[str, Any]:
        """Return the columns that tell about an item's file: none for a group of files.

        Some items of an incomplete subject are placeholders or tombstones.
        """
        if not kind.mime_type:
            return {}
        if not is_complete and self._rng.chance(_PLACEHOLDERS):
            return {"is_placeholder": True}
        if not is_complete and self._rng.chance(_TOMBSTONES):
            return {"is_tombstone": True, "mime_type": kind.mime_type}
        key = self._rng.object_key()
        return {
            "object_key": key,
            "url": OBJECT_URL + key,
            "sha256": self._rng.sha256(),
            "file_size": self._rng.log_uniform(kind.min_size, kind.max_size),
            "mime_type": kind.mime_type,
            **kind.facts(self._rng),
        }

    def _members(self, item_rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Yield the members of the groups among these items: files of the same folder."""
        files: dict[StorageItemType | None, list[UUID]] = {}
        for row in item_rows:
            if row["object_key"]:
                files.setdefault(row["item_type"], []).append(row["uuid"])
                files.setdefault(None, []).append(row["uuid"])
        for row in item_rows:
            if row["item_type"] in _MEMBER_TYPES:
                candidates = files.get(_MEMBER_TYPES[row["item_type"]], [])
                chosen = self._rng.sample(candidates, self._rng.log_uniform(2, 12))
                for position, member in enumerate(chosen):
                    yield new_row(
                        GroupMemberRecord,
                        group_uuid=row["uuid"],
                        position=position,
                        item_uuid=member,
                    )
