"""Units of upload jobs as they are stored: JSON in `upload_units.spec`.

The keys are those of rows that exist, so they may not change. Read them through
`gateway.catalog.ingestion.unit_plan.from_spec`.
"""

from typing import Any, NotRequired, TypedDict


class SourceSpec(TypedDict):
    """One file of a unit. UUIDs are written as hex."""

    item_type: str | None
    item_uuid: str | None
    object_url: str | None
    title: str | None
    client_metadata: dict[str, Any] | None
    facts: dict[str, Any] | None
    settings: NotRequired[dict[str, Any] | None]
    source_modified_at: NotRequired[str | None]
    parsing: NotRequired[dict[str, Any] | None]


class TargetSpec(TypedDict):
    """The item that the files of a unit become part of."""

    item_uuid: str
    new_revision: bool
    expected_revision: int | None
    changes: str


class UnitSpec(TypedDict):
    """A unit. `entry` is its name in the manifest that it comes from, such as `videos[3]`."""

    item_type: str
    client_metadata: dict[str, Any] | None
    sources: list[SourceSpec]
    members: NotRequired[list[str]]
    facts: NotRequired[dict[str, Any]]
    video: NotRequired[str | None]
    home: NotRequired[str | None]
    entry: NotRequired[str | None]
    target: NotRequired[TargetSpec]


class InvalidSourceSpec(TypedDict):
    """All that is stored of a file of an entry that failed."""

    object_url: str


class InvalidUnitSpec(TypedDict):
    """A unit that failed while its manifest was read, and is never processed."""

    entry: NotRequired[str]
    sources: list[InvalidSourceSpec]
