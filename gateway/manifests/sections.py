"""Sections of a manifest: lists of entries, each of which becomes a unit of a job."""

import re
from dataclasses import dataclass, field
from functools import cache
from typing import Any, TypedDict, get_args, get_type_hints

from gateway.catalog.ingestion.entries import DataUploadItemsInput
from gateway.catalog.ingestion.entry_plans import GROUPS, SECTIONS, EntryRules, read_plan
from gateway.catalog.ingestion.unit_plan import UnitPlan
from gateway.error_texts import not_both
from gateway.errors import DomainError, Path, bad_input
from gateway.json_values import camel_case, check_storable, unstorable_character
from gateway.manifests.decoding import decoder_of

SPELLINGS = {spelling: name for name in SECTIONS for spelling in (name, camel_case(name))}
"""Sections by the keys that a manifest may use for them, in snake case or camel case.

Keys within entries are in camel case only.
"""
SWITCHES = {
    spelling: name
    for name in ("skip_duplicate_urls", "upsert_metadata")
    for spelling in (name, camel_case(name))
}
"""Switches by the keys that a manifest may use for them."""
_NUMBERED_URL = re.compile(r"objectUrl_([0-9]{1,7})")


class InvalidManifest(Exception):
    """Raised when a manifest cannot be read as a whole; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a manifest, as yet unchecked.

    Attributes:
        section: a field of `DataUploadItemsInput`.
        name: what errors call it, such as `videos[3]` or `line 7`.
        path: its position, for errors of manifests in the request.
        error: what was found wrong with it when it was read.
    """

    section: str
    name: str
    path: Path
    value: Any
    error: DomainError | None = None


class SwitchValues(TypedDict):
    """Values of the switches."""

    skip_duplicate_urls: bool
    upsert_metadata: bool


@dataclass(slots=True)
class Switches:
    """The switches of a manifest, which are off unless it sets them."""

    values: SwitchValues = field(
        default_factory=lambda: SwitchValues(skip_duplicate_urls=False, upsert_metadata=False)
    )

    def set(self, key: str, value: Any) -> None:
        """Set a switch.

        Raises:
            InvalidManifest: the value is not a boolean.
        """
        if not isinstance(value, bool):
            raise InvalidManifest(f"{key} must be true or false.")
        if SWITCHES[key] == "upsert_metadata":
            self.values["upsert_metadata"] = value
        else:
            self.values["skip_duplicate_urls"] = value

    def check(self) -> None:
        """Raise `InvalidManifest` if a switch would have no effect."""
        if self.values["upsert_metadata"] and not self.values["skip_duplicate_urls"]:
            raise InvalidManifest("upsert_metadata requires skip_duplicate_urls.")


def plan_of_entry(rules: EntryRules, entry: Entry) -> UnitPlan:
    """Return the plan of an entry; raises a `DomainError` at the key that is wrong."""
    value, path = entry.value, entry.path
    if entry.error:
        raise entry.error
    if not isinstance(value, dict):
        raise bad_input("Expected an object.", *path)
    check_storable(value, *path)
    if entry.section in GROUPS:
        value = with_file_list(entry.section, value, path)
        if value.get("title") is None:
            raise bad_input("title is required for a group in a manifest.", *path, "title")
    decode = decoder_of(entry_types()[entry.section])
    return read_plan(rules, entry.section, decode(value, path), path)


def entry_error(entry: Entry, error: DomainError) -> str:
    """Return the message of an error, preceded by the entry's name and the key."""
    inner = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}"
        for part in error.path[len(entry.path) :]
    )
    return f"{entry.name}{inner}: {error.message}"


def urls_in(value: Any) -> list[str]:
    """Return the URLs in an entry, whatever else is wrong with it."""
    if not isinstance(value, dict):
        return []
    urls = (url for key, url in value.items() if key.startswith("objectUrl"))
    return [url for url in urls if isinstance(url, str) and not unstorable_character(url)]


@cache
def entry_types() -> dict[str, type]:
    """Return the dataclass of the entries of each section."""
    hints = get_type_hints(DataUploadItemsInput)
    return {section: get_args(hints[section])[0] for section in SECTIONS}


def with_file_list(section: str, value: dict[str, Any], path: Path) -> dict[str, Any]:
    """Return the entry of a group with its numbered keys replaced by a list of files.

    The keys `objectUrl_0`, `objectUrl_1` and so on must be complete.
    """
    matches = (_NUMBERED_URL.fullmatch(key) for key in value)
    numbered = {int(match[1]): match[0] for match in matches if match}
    if not numbered:
        return value
    member = camel_case(GROUPS[section][0])
    if member in value:
        raise bad_input(not_both(member, "numbered URLs"), *path, member)
    for expected, number in enumerate(sorted(numbered)):
        if number != expected:
            message = (
                f"objectUrl_{expected} is missing: numbered URLs must be consecutive, starting at "
                "objectUrl_0."
            )
            raise bad_input(message, *path, numbered[number])
    others = {key: inner for key, inner in value.items() if key not in numbered.values()}
    return {
        **others,
        member: [{"objectUrl": value[numbered[each]]} for each in range(len(numbered))],
    }
