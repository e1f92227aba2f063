"""Manifests in the input itself: read at once, with the errors of all entries at their keys."""

import io
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from gateway.catalog.ingestion.entry_plans import MAX_UNITS, EntryRules
from gateway.catalog.ingestion.unit_plan import UnitPlan
from gateway.error_texts import unknown
from gateway.errors import DomainError, DomainErrors, ErrorCode, bad_input
from gateway.manifests.csv_file import csv_entries
from gateway.manifests.sections import (
    SPELLINGS,
    SWITCHES,
    Entry,
    InvalidManifest,
    Switches,
    plan_of_entry,
)
from resolvers.inputs.choices import set_value
from resolvers.inputs.uploads import UploadManifestInput


def read_inline_manifest(
    rules: EntryRules, manifest: UploadManifestInput, switches: Switches
) -> list[UnitPlan]:
    """Return the units of a manifest in the input; its switches are turned on in `switches`.

    Raises:
        DomainError: it cannot be read, is empty or too long.
        DomainErrors: some entries are invalid.
    """
    if (text := set_value(manifest.csv)) is not None:
        format, entries = "csv", csv_entries(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    else:
        format, entries = "json", _json_entries(manifest, switches)
    path = ("manifest", format)
    try:
        read = list(islice(entries, MAX_UNITS + 1))
        switches.check()
    except InvalidManifest as error:
        raise bad_input(str(error), *path) from None
    if not read:
        raise bad_input("The manifest has no entries.", *path)
    if len(read) > MAX_UNITS:
        message = (
            f"An inline manifest must have at most {MAX_UNITS:,} entries. "
            "Upload a longer one and pass its placeholderUuid."
        )
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, path)
    errors: list[DomainError] = []
    plans: list[UnitPlan] = []
    for entry in read:
        try:
            plans.append(plan_of_entry(rules, entry))
        except DomainError as error:
            errors.append(DomainError(error.code, error.message, (*path, *error.path)))
    if errors:
        raise DomainErrors(errors)
    for plan in plans:
        # Later errors of a unit name its place in the input, not only in the manifest.
        plan.path = (*path, *plan.path)
        plan.members = [replace(member, path=(*path, *member.path)) for member in plan.members]
        for source in plan.sources:
            source.path = (*path, *source.path)
    return plans


def _json_entries(manifest: UploadManifestInput, switches: Switches) -> Iterator[Entry]:
    """Yield the entries of a parsed JSON manifest, and turn on its switches."""
    if not isinstance(manifest.json, dict):
        raise bad_input("The manifest is not a JSON object.", "manifest", "json")
    for key, value in manifest.json.items():
        if key in SWITCHES:
            switches.set(key, value)
        elif key not in SPELLINGS:
            raise bad_input(unknown("key", key, [*SPELLINGS, *SWITCHES]), "manifest", "json", key)
        elif not isinstance(value, list):
            raise bad_input("Expected a list.", "manifest", "json", key)
        else:
            yield from (
                Entry(SPELLINGS[key], f"{key}[{index}]", (key, index), entry)
                for index, entry in enumerate(value)
            )
