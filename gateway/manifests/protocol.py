"""Messages between a worker and the child process that reads a manifest.

The request is the child's only argument, as JSON. Every message from the child is JSON preceded by
its length: batches of units, and at last the end.
"""

import struct
from typing import Any, NotRequired, TypedDict

from gateway.kinds.unit_spec import InvalidUnitSpec, UnitSpec

LENGTH = struct.Struct(">I")
"""Format of the length of a message, in bytes."""


class ManifestRequest(TypedDict):
    """Request to the child.

    `skip` is the number of entries that are known already, `memory` the child's limit in bytes,
    `account` the arguments of `make_account` for the store in which URLs are, if they are in one.
    """

    path: str
    file_name: str
    skip: int
    memory: int
    ports: list[int]
    allowed: list[str]
    account: dict[str, Any] | None


class EntryUnit(TypedDict):
    """The unit of an entry, or the error that it has instead of a complete spec."""

    title: str | None
    spec: UnitSpec | InvalidUnitSpec
    error: str | None


class ManifestEnd(TypedDict):
    """The end of a manifest: its switches, or why it cannot be read as a whole."""

    broken: NotRequired[str]
    skip_duplicate_urls: bool
    upsert_metadata: bool


class UnitsMessage(TypedDict):
    """The units of some entries."""

    units: list[EntryUnit]


class EndMessage(TypedDict):
    """The last message."""

    end: ManifestEnd
