"""The journal of a site, replayed: it must lead to the folders, items and data rows that there are."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.faults.evidence import Evidence

ENTRIES = """
    SELECT changes.uuid, action, object_type, object_uuid, folder_uuid, from_folder_uuid, after, number
    FROM changes LEFT JOIN (SELECT DISTINCT change_uuid, sequence AS number FROM change_places) AS places
    ON places.change_uuid = changes.uuid ORDER BY number, changes.uuid
"""
PARENTS = {
    "StorageItem": "SELECT uuid, folder_uuid AS parent FROM items",
    "StorageFolder": "SELECT uuid, parent_uuid AS parent FROM folders",
}
"""The objects whose places the journal tells, with the folder that each is in."""


def journal_violations(evidence: Evidence) -> Iterator[str]:
    """Yield what is wrong with the journal: its numbers, or what its entries lead to."""
    entries = evidence.select(ENTRIES)
    yield from _wrong_numbers(evidence, entries)
    yield from _wrong_places(evidence, entries)
    yield from _wrong_shares(evidence, entries)
    yield from _wrong_links(evidence, entries)
    yield from _wrong_ingestions(evidence, entries)
    for kind, object_type in (("UPLOAD", "UploadJob"), ("CLOUD_SYNC", "CloudSyncJob"), ("REENCODE", "ReencodeJob")):
        created = {e["object_uuid"] for e in entries if e["object_type"] == object_type and e["action"] == "CREATE"}
        for uuid in evidence.column(f"SELECT uuid FROM jobs WHERE kind = '{kind}' AND user_uuid IS NOT NULL"):
            if uuid not in created:
                yield f"job {uuid} without its journal entry"


def _wrong_numbers(evidence: Evidence, entries: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the numbers that are missing or used twice, and changes that should have one."""
    numbers = [entry["number"] for entry in entries if entry["number"] is not None]
    [last] = evidence.column("SELECT value FROM sequences WHERE name = 'changes'")
    if len(numbers) != len(set(numbers)):
        yield f"numbers of two changes: {sorted(number for number in set(numbers) if numbers.count(number) > 1)[:10]}"
    if missing := set(range(1, last + 1)) - set(numbers):
        yield f"numbers of no change: {sorted(missing)[:10]}"
    if beyond := set(numbers) - set(range(1, last + 1)):
        yield f"numbers that were never drawn: {sorted(beyond)[:10]}"
    twice = "SELECT change_uuid FROM change_places GROUP BY change_uuid HAVING MIN(sequence) <> MAX(sequence)"
    for uuid in evidence.column(twice):
        yield f"change {uuid} with two numbers"
    for uuid in evidence.column("SELECT change_uuid FROM change_places EXCEPT SELECT uuid FROM changes"):
        yield f"number of change {uuid}, which does not exist"
    for entry in entries:
        if entry["number"] is None and entry["folder_uuid"] and entry["object_type"] not in ("Dataset", "DataRow"):
            yield f"change without a number: {entry}"


@dataclass
class _Place:
    """Where the journal says that an object is."""

    folder: str | None = None
    is_there: bool = False
    was_there: bool = field(default=False)


def _wrong_places(evidence: Evidence, entries: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the entries that do not follow from those before, and the objects that are elsewhere."""
    for object_type, statement in PARENTS.items():
        places: dict[str, _Place] = {}
        # Roots are deleted without a number, as no folder is left in whose journal it would be.
        for entry in entries:
            if entry["object_type"] != object_type or entry["action"] in ("SHARE", "UNSHARE"):
                continue
            place = places.setdefault(entry["object_uuid"], _Place())
            came_from = entry["from_folder_uuid"] if entry["action"] == "MOVE" else entry["folder_uuid"]
            if entry["action"] == "CREATE":
                if place.was_there:
                    yield f"created again: {entry}"
                place.is_there = place.was_there = True
            elif not place.is_there or place.folder != came_from:
                yield f"change of something that is not there, but in {place}: {entry}"
            place.folder = entry["folder_uuid"]
            if entry["action"] == "DELETE":
                place.is_there = False
        told = {uuid: place.folder for uuid, place in places.items() if place.is_there}
        there = {row["uuid"]: row["parent"] for row in evidence.select(statement)}
        for uuid in told.keys() | there.keys():
            if uuid not in told or uuid not in there or told[uuid] != there[uuid]:
                missing = "nowhere"
                yield (
                    f"{object_type} {uuid} is in {there.get(uuid, missing)}, "
                    f"but in {told.get(uuid, missing)} by the journal"
                )


def _wrong_shares(evidence: Evidence, entries: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the shares of which the journal does not tell."""
    told: set[tuple[str, str]] = set()
    for entry in entries:
        if entry["object_type"] == "StorageItem" and entry["action"] in ("SHARE", "UNSHARE"):
            change = told.add if entry["action"] == "SHARE" else told.discard
            change((entry["object_uuid"], entry["folder_uuid"]))
    for row in evidence.select("SELECT item_uuid, folder_uuid FROM item_shares"):
        if (row["item_uuid"], row["folder_uuid"]) not in told:
            yield f"share without its journal entry: {row}"


def _wrong_links(evidence: Evidence, entries: list[dict[str, Any]]) -> Iterator[str]:
    """Yield data rows of which the journal does not tell exactly once, and those that it tells of in vain."""
    rows = set(evidence.column("SELECT uuid FROM data_rows"))
    datasets = set(evidence.column("SELECT uuid FROM datasets"))
    linked: dict[str, str] = {}
    ended = set()
    for entry in entries:
        if entry["object_type"] == "DataRow" and entry["action"] == "LINK":
            if entry["object_uuid"] in linked:
                yield f"data row linked twice: {entry}"
            linked[entry["object_uuid"]] = UUID(_values(entry["after"])["dataset_uuid"]).hex
        elif entry["object_type"] == "DataRow":
            ended.add(entry["object_uuid"])
    for uuid in rows - (linked.keys() - ended):
        yield f"data row {uuid} without its journal entry"
    for uuid in linked.keys() - ended - rows:
        if linked[uuid] in datasets:
            yield f"data row {uuid} that the journal says is there"


def _wrong_ingestions(evidence: Evidence, entries: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the items that were ingested more often than units were done with them."""
    ingested: dict[str, int] = {}
    for entry in entries:
        if entry["object_type"] == "StorageItem" and entry["action"] == "INGEST":
            ingested[entry["object_uuid"]] = ingested.get(entry["object_uuid"], 0) + 1
    units = """
        SELECT item_uuid AS uuid, COUNT(*) AS number FROM upload_units
        WHERE status = 'DONE' AND NOT is_skipped AND item_uuid IS NOT NULL GROUP BY item_uuid
    """
    groups = "SELECT uuid FROM items WHERE item_type IN ('GROUP', 'IMAGE_GROUP', 'DICOM_SERIES', 'SCENE')"
    of_groups = set(evidence.column(groups))
    for row in evidence.select(units):
        times = ingested.get(row["uuid"], 0)
        if row["uuid"] not in of_groups and times != row["number"]:
            yield f"item {row['uuid']} ingested {times} times by {row['number']} units"


def _values(stored: Any) -> dict[str, Any]:
    """Return recorded values, which SQLite stores as text."""
    values: dict[str, Any] = json.loads(stored) if isinstance(stored, str) else stored
    return values
