"""The process that reads a manifest for a worker, and writes units to its standard output."""

import io
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import orjson

from gateway.catalog.ingestion.entry_plans import EntryRules
from gateway.catalog.ingestion.unit_plan import to_spec
from gateway.clouds.urls import make_account
from gateway.errors import DomainError
from gateway.fetching.rules import FetchRules
from gateway.manifests.csv_file import csv_entries
from gateway.manifests.json_file import json_entries
from gateway.manifests.protocol import LENGTH, EntryUnit, ManifestEnd, ManifestRequest
from gateway.manifests.sections import (
    Entry,
    InvalidManifest,
    Switches,
    entry_error,
    plan_of_entry,
    urls_in,
)
from gateway.sandbox.child_runtime import allow_cpu, confine, private_output

MAX_METADATA = 10 << 20
"""Bytes of an entry's metadata."""
MAX_ENTRIES = 500_000
MAX_URLS = 1_000_000
UNITS_PER_MESSAGE = 500
BYTES_PER_MESSAGE = 256 << 10
CPU_SECONDS = 3600
"""CPU time for one manifest."""


def main(request: ManifestRequest) -> None:
    """Send the units of all entries but the first `skip`, and then the end."""
    output = private_output()
    confine(request["memory"])
    allow_cpu(CPU_SECONDS)
    account = make_account(**request["account"]) if request["account"] else None
    fetching = FetchRules.parse(request["ports"], request["allowed"])
    rules, switches = EntryRules(fetching, MAX_METADATA, account), Switches()
    broken = None
    try:
        with Path(request["path"]).open("rb") as file:
            entries = read_entries(file, request["file_name"], switches)
            units = read_units(rules, entries)
            for batch in batches(units, request["skip"]):
                send(output, b'{"units":[' + batch + b"]}")
    except InvalidManifest as error:
        # The message may quote the file, which need not be text that can be stored.
        broken = str(error).encode(errors="replace").decode().replace("\0", "?")
    except MemoryError:
        broken = f"Reading the manifest needed more than {request['memory'] >> 20:,} MiB of memory."
    end: ManifestEnd = {
        "skip_duplicate_urls": switches.values["skip_duplicate_urls"],
        "upsert_metadata": switches.values["upsert_metadata"],
    }
    if broken is not None:
        end["broken"] = broken
    send(output, orjson.dumps({"end": end}))


def read_entries(file: BinaryIO, name: str, switches: Switches) -> Iterator[Entry]:
    """Yield the entries of a file, which is CSV if its name ends with .csv, else JSON."""
    if name.lower().endswith(".csv"):
        return csv_entries(io.TextIOWrapper(file, "utf-8-sig", newline=""))
    return json_entries(file, switches)


def read_units(rules: EntryRules, entries: Iterator[Entry]) -> Iterator[EntryUnit]:
    """Yield the unit of each entry, with an error if the entry has one.

    Raises:
        InvalidManifest: there are too many entries or URLs.
    """
    urls = 0
    for number, entry in enumerate(entries, 1):
        unit = read_unit(rules, entry)
        urls += len(unit["spec"]["sources"])
        if number > MAX_ENTRIES or urls > MAX_URLS:
            limits = f"{MAX_ENTRIES:,} entries and {MAX_URLS:,} URLs"
            raise InvalidManifest(f"The manifest must have at most {limits}.")
        yield unit


def read_unit(rules: EntryRules, entry: Entry) -> EntryUnit:
    """Return the unit of an entry, with an error if the entry has one."""
    try:
        plan = plan_of_entry(rules, entry)
    except DomainError as error:
        urls = urls_in(entry.value)
        return {
            "title": None,
            "spec": {"entry": entry.name, "sources": [{"object_url": url} for url in urls]},
            "error": entry_error(entry, error),
        }
    return {"title": plan.name, "spec": to_spec(plan, entry.name), "error": None}


def batches(units: Iterator[EntryUnit], skip: int) -> Iterator[bytes]:
    """Yield units as JSON, after the first `skip`, in batches of limited size."""
    parts: list[bytes] = []
    for unit in islice(units, skip, None):
        parts.append(orjson.dumps(unit))
        if len(parts) == UNITS_PER_MESSAGE or sum(map(len, parts)) > BYTES_PER_MESSAGE:
            yield b",".join(parts)
            parts = []
    if parts:
        yield b",".join(parts)


def send(output: BinaryIO, message: bytes) -> None:
    """Write one message."""
    output.write(LENGTH.pack(len(message)) + message)
    output.flush()


if __name__ == "__main__":
    main(orjson.loads(sys.argv[1]))
