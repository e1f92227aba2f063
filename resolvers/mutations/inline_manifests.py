"""Manifests that stand in the input itself: read at once, with every fault told at its key."""

import io
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from gateway.catalog.ingestion.entry_plans import MAX_UNITS, EntryRules
from gateway.catalog.ingestion.unit_plan import UnitPlan
from gateway.errors import DomainError, DomainErrors, ErrorCode, bad_input
from gateway.manifests.csv_file import csv_entries
from gateway.manifests.sections import SPELLINGS, SWITCHES, Broken, Entry, Switches, plans_of
from resolvers.inputs.uploads import UploadManifestInput


def read_inline_manifest(
    terms: EntryRules, manifest: UploadManifestInput, switches: Switches
) -> list[UnitPlan]:
    """The units that it asks for; raises a `DomainErrors` with every key at fault, or the limit that is passed."""
    form, entries = (
        ("csv", _rows(manifest.csv))
        if manifest.csv is not None
        else ("json", _entries(manifest, switches))
    )
    try:
        chosen = list(islice(entries, MAX_UNITS + 1))
        switches.check()
    except Broken as error:
        raise bad_input(str(error), "manifest", form) from None
    if not chosen:
        raise bad_input("The manifest has no entries.", "manifest", form)
    if len(chosen) > MAX_UNITS:
        message = f"A manifest with more than {MAX_UNITS:,} entries is sent as a file: see placeholderUuid."
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, ("manifest", form))
    errors: list[DomainError] = []
    plans = list(plans_of(terms, chosen, errors))
    if errors:
        raise DomainErrors(
            [DomainError(one.code, one.message, ("manifest", form, *one.path)) for one in errors]
        )
    for plan in plans:
        _put_below(plan, "manifest", form)
    return plans


def _put_below(plan: UnitPlan, *above: str) -> None:
    """Let faults be told from where the manifest stands in the input."""
    plan.path = (*above, *plan.path)
    plan.members = [replace(member, path=(*above, *member.path)) for member in plan.members]
    for source in plan.sources:
        source.path = (*above, *source.path)


def _rows(text: str) -> Iterator[Entry]:
    return csv_entries(io.StringIO(text.removeprefix("\ufeff"), newline=""))


def _entries(manifest: UploadManifestInput, switches: Switches) -> Iterator[Entry]:
    """The entries of a manifest as JSON that is read already."""
    if not isinstance(manifest.json, dict):
        raise bad_input("The manifest is not a JSON object.", "manifest", "json")
    for key, value in manifest.json.items():
        if key in SWITCHES:
            switches.turn(key, value)
        elif key not in SPELLINGS:
            raise bad_input("Unknown key.", "manifest", "json", key)
        elif not isinstance(value, list):
            raise bad_input("Expected a list.", "manifest", "json", key)
        else:
            yield from (
                Entry(SPELLINGS[key], f"{key}[{n}]", (key, n), one) for n, one in enumerate(value)
            )
