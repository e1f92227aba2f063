"""Findings of a check, and the report of them."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from gateway.maintenance.named_objects import NamedObject, Use
from gateway.stores.base import ObjectInfo


class Fault(StrEnum):
    """A kind of finding. The values are part of the output of `storegraph check`."""

    LOST = "lost_object"
    WRONG_SIZE = "wrong_size"
    LOST_MANIFEST = "lost_manifest"
    LOST_THUMBNAIL = "lost_thumbnail"
    LOST_ENCAPSULATED = "lost_encapsulated_file"
    FOUND_AGAIN = "found_again"
    UNUSED = "unused_object"
    UNNAMED = "unnamed_object"
    COUNTERS = "wrong_counters"
    FORMER_PLACE = "wrong_former_place"
    METRIC = "wrong_metric"


EXPLANATIONS = {
    Fault.LOST: "Files of items that are missing from the store.",
    Fault.WRONG_SIZE: "Files of items that have another size in the store than in the database.",
    Fault.LOST_MANIFEST: "Manifests of upload jobs that are missing from the store.",
    Fault.LOST_THUMBNAIL: "Thumbnails that are missing from the store.",
    Fault.LOST_ENCAPSULATED: "Files extracted from DICOM files that are missing from the store, or "
    "have another size there.",
    Fault.FOUND_AGAIN: "Files of tombstones that were lost, and are in the store again.",
    Fault.UNUSED: "Rows of objects that no item uses.",
    Fault.UNNAMED: "Objects in the store that the database does not name.",
    Fault.COUNTERS: "Folders whose counters differ from their contents.",
    Fault.FORMER_PLACE: "Folders with a former place that is not theirs, or not of any time.",
    Fault.METRIC: "Values of metrics in a submission of another community.",
}
_LOST = {
    Use.MANIFEST: Fault.LOST_MANIFEST,
    Use.THUMBNAIL: Fault.LOST_THUMBNAIL,
    Use.ENCAPSULATED: Fault.LOST_ENCAPSULATED,
}
"""Faults of objects that are made again, or whose loss concerns no item."""


class Finding(NamedTuple):
    """A finding: `subject` is the key of an object, or the UUID of a folder or of a value."""

    fault: Fault
    subject: str
    detail: str = ""


@dataclass(slots=True)
class Report:
    """The result of a check.

    Attributes:
        objects: objects in the store, and those of them that the database names.
        counts: findings by kind.
        examples: the first findings of each kind, `most` at most.
    """

    most: int
    objects: int = 0
    named_objects: int = 0
    counts: Counter[Fault] = field(default_factory=Counter)
    examples: dict[Fault, list[Finding]] = field(default_factory=dict)

    def add(self, finding: Finding) -> None:
        """Count a finding."""
        self.counts[finding.fault] += 1
        examples = self.examples.setdefault(finding.fault, [])
        if len(examples) < self.most:
            examples.append(finding)


def judge(key: str, named: NamedObject | None, stored: ObjectInfo | None) -> Finding | None:
    """Return what is wrong with an object, by what the database and the store say of it."""
    if named is None:
        return Finding(Fault.UNNAMED, key, f"{stored.size} bytes") if stored else None
    if not named.is_referenced:
        return Finding(Fault.UNUSED, key)
    size = named.file_size
    fits = stored is not None and size in (None, stored.size)
    if named.is_lost:
        return Finding(Fault.FOUND_AGAIN, key) if fits else None
    if not named.must_exist or fits:
        return None
    if stored is None or named.use in _LOST:
        return Finding(_LOST.get(named.use, Fault.LOST), key)
    return Finding(Fault.WRONG_SIZE, key, f"{stored.size} bytes instead of {size}")
