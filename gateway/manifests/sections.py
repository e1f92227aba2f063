"""What a manifest may say: sections of entries, each of which is one unit of a job (ENC-MAN)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, get_args, get_type_hints

from gateway.catalog.ingestion.entries import DataUploadItemsInput
from gateway.catalog.ingestion.entry_plans import GROUPS, SECTIONS, EntryRules, read_plan
from gateway.catalog.ingestion.unit_plan import UnitPlan
from gateway.errors import DomainError, Path, bad_input
from gateway.json_values import camel_case, check_storable, unstorable_character
from gateway.manifests.decoding import decoder_of

SPELLINGS = {spelling: name for name in SECTIONS for spelling in (name, camel_case(name))}
"""Sections by their names, as in GraphQL or with underscores (SUB-061); within entries there is one spelling only."""
SWITCHES = {
    spelling: name
    for name in ("skip_duplicate_urls", "upsert_metadata")
    for spelling in (name, camel_case(name))
}
_NUMBERED = re.compile(r"objectUrl_([0-9]{1,7})")
_KEYS = {"dicom_files": "url"}
"""Sections whose URLs have another key than `objectUrl` (SUB-057); a manifest may use either."""


class Broken(Exception):
    """The manifest as a whole cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as it stands in a manifest; `name` is what people call it, such as videos[3].

    `fault` is what was wrong with it before it could be read as what its section holds.
    """

    section: str
    name: str
    path: Path
    value: Any
    fault: DomainError | None = None


@dataclass(slots=True)
class Switches:
    """What a manifest says beside its entries (ENC-MAN-02, ENC-MAN-03)."""

    on: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(SWITCHES.values(), False))

    def turn(self, key: str, value: Any) -> None:
        """Take in one; raises `Broken` if it is no switch, or neither on nor off."""
        if not isinstance(value, bool):
            raise Broken(f"{key} is neither true nor false.")
        self.on[SWITCHES[key]] = value

    def check(self) -> None:
        """What would be ignored is refused (SUB-051)."""
        if self.on["upsert_metadata"] and not self.on["skip_duplicate_urls"]:
            raise Broken("upsert_metadata needs skip_duplicate_urls.")


def plan_of_entry(terms: EntryRules, entry: Entry) -> UnitPlan:
    """The unit that an entry asks for; raises a `DomainError` at the key that is at fault."""
    value = entry.value
    if entry.fault:
        raise entry.fault
    if not isinstance(value, dict):
        raise bad_input("Expected an object.", *entry.path)
    check_storable(value, *entry.path)
    if entry.section in GROUPS:
        value = _with_files(entry.section, value, entry.path)
        if value.get("title") is None:
            raise bad_input(
                "A group in a manifest needs a title.", *entry.path, "title"
            )  # ENC-MAN-05, SUB-056
    elif entry.section in _KEYS and "objectUrl" in value:
        value = {**value, _KEYS[entry.section]: value["objectUrl"]}
        del value["objectUrl"]
    decode = decoder_of(_entry_types()[entry.section])
    return read_plan(terms, entry.section, decode(value, entry.path), entry.path)


def plans_of(
    terms: EntryRules, entries: Iterable[Entry], errors: list[DomainError]
) -> Iterator[UnitPlan]:
    """The units of entries; what is wrong with the others goes to `errors`."""
    for entry in entries:
        try:
            yield plan_of_entry(terms, entry)
        except DomainError as error:
            errors.append(error)


def told(entry: Entry, error: DomainError) -> str:
    """What is wrong with an entry, with its name and the key."""
    inner = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}"
        for part in error.path[len(entry.path) :]
    )
    return f"{entry.name}{inner}: {error.message}"


def urls_in(value: Any) -> list[str]:
    """The URLs that an entry names, whatever else is wrong with it."""
    if not isinstance(value, dict):
        return []
    found = (one for key, one in value.items() if key.startswith(("objectUrl", "url")))
    return [one for one in found if isinstance(one, str) and not unstorable_character(one)]


@cache
def _entry_types() -> dict[str, type]:
    """Return the dataclass of the entries of each section."""
    hints = get_type_hints(DataUploadItemsInput)
    return {section: get_args(hints[section])[0] for section in SECTIONS}


def _with_files(section: str, value: dict[str, Any], path: Path) -> dict[str, Any]:
    """A group whose files may be numbered keys, `objectUrl_0` and so on, in the order of their numbers (ENC-MAN-06)."""
    numbered = {int(found[1]): key for key in value if (found := _NUMBERED.fullmatch(key))}
    if not numbered:
        return value
    member = camel_case(GROUPS[section][0])
    if member in value:
        raise bad_input(f"Give {member} or numbered URLs, not both.", *path, member)
    for expected, number in enumerate(sorted(numbered)):
        if number != expected:
            raise bad_input(f"objectUrl_{expected} is missing before it.", *path, numbered[number])
    files = [{"url": value[numbered[number]]} for number in range(len(numbered))]
    return {
        **{key: one for key, one in value.items() if key not in numbered.values()},
        member: files,
    }
