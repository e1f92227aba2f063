"""The program that reads a manifest for a worker, in a process of its own: batches of units out, within limits."""

import io
import struct
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from gateway.catalog.ingestion.entry_plans import EntryRules
from gateway.catalog.ingestion.unit_plan import to_spec
from gateway.clouds.urls import make_account
from gateway.errors import DomainError
from gateway.fetching.rules import FetchRules
from gateway.manifests.csv_file import csv_entries
from gateway.manifests.json_file import json_entries
from gateway.manifests.sections import Broken, Entry, Switches, plan_of_entry, told, urls_in
from gateway.sandbox.child_runtime import allow_cpu, confine, private_output

MAX_METADATA = 10 << 20
MAX_ENTRIES = 500_000
MAX_URLS = 1_000_000
UNITS_A_BATCH = 500
BYTES_A_BATCH = 256 << 10
SECONDS = 3600
"""Of CPU, for one manifest."""

Unit = dict[str, Any]


def main(asked: dict[str, Any]) -> None:
    """Read the manifest at `path` and send its units but for the first `skip`; then what it says beside them."""
    output = private_output()
    confine(asked["memory"])
    allow_cpu(SECONDS)
    account = asked["account"] and make_account(**asked["account"])
    terms, switches = (
        EntryRules(FetchRules.parse(asked["ports"], asked["allowed"]), MAX_METADATA, account),
        Switches(),
    )
    end: dict[str, Any] = {}
    try:
        with Path(asked["path"]).open("rb") as file:
            for batch in batches(
                units(terms, entries(file, asked["file_name"], switches)), asked["skip"]
            ):
                send(output, b'{"units":[' + batch + b"]}")
    except Broken as error:
        end["broken"] = (
            str(error).encode(errors="replace").decode().replace("\0", "?")
        )  # it may quote the file
    except MemoryError:
        end["broken"] = (
            f"Reading the manifest needed more than {asked['memory'] >> 20:,} MB of memory."
        )
    send(output, orjson.dumps({"end": {**end, **switches.on}}))


def entries(file: BinaryIO, name: str, switches: Switches) -> Iterator[Entry]:
    """The entries of a file: CSV if its name says so, else JSON."""
    if name.lower().endswith(".csv"):
        return csv_entries(io.TextIOWrapper(file, "utf-8-sig", newline=""))
    return json_entries(file, switches)


def units(terms: EntryRules, found: Iterator[Entry]) -> Iterator[Unit]:
    """Each entry as a unit to be written, or with what is wrong with it; raises `Broken` where there are too many."""
    urls = 0
    for number, entry in enumerate(found, 1):
        unit = unit_of(terms, entry)
        urls += len(unit["spec"]["sources"])
        if number > MAX_ENTRIES or urls > MAX_URLS:
            raise Broken(
                f"A manifest has at most {MAX_ENTRIES:,} entries and {MAX_URLS:,} URLs; this one has more."
            )
        yield unit


def unit_of(terms: EntryRules, entry: Entry) -> Unit:
    """What is written of one entry."""
    try:
        plan = plan_of_entry(terms, entry)
    except DomainError as error:
        spec = {
            "entry": entry.name,
            "sources": [{"object_url": url} for url in urls_in(entry.value)],
        }
        return {"title": None, "spec": spec, "error": told(entry, error)}
    return {"title": plan.name, "spec": {"entry": entry.name, **to_spec(plan)}, "error": None}


def batches(found: Iterator[Unit], skip: int) -> Iterator[bytes]:
    """Units from a place on, some at once: not many, and not many bytes."""
    parts: list[bytes] = []
    for unit in islice(found, skip, None):
        parts.append(orjson.dumps(unit))
        if len(parts) == UNITS_A_BATCH or sum(map(len, parts)) > BYTES_A_BATCH:
            yield b",".join(parts)
            parts = []
    if parts:
        yield b",".join(parts)


def send(output: BinaryIO, message: bytes) -> None:
    """One message, after its length in four bytes."""
    output.write(struct.pack(">I", len(message)) + message)
    output.flush()


if __name__ == "__main__":
    main(orjson.loads(sys.argv[1]))
