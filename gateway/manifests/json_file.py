"""Manifests as JSON, read as a stream: only one entry is in memory at a time."""

import codecs
import mmap
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson  # type: ignore[import-untyped]
from ijson.backends import python as exact_reader  # type: ignore[import-untyped]
from ijson.common import ObjectBuilder  # type: ignore[import-untyped]

from gateway.error_texts import unknown
from gateway.json_values import may_contain_long_integers
from gateway.manifests.sections import SPELLINGS, SWITCHES, Entry, InvalidManifest, Switches

MAX_DEPTH = 64
"""Levels of nesting in an entry, as in JSON in GraphQL variables."""
Events = Iterator[tuple[str, Any]]
_SURROGATES = re.compile(
    # An escaped backslash and whole pairs are matched to be skipped; the group is half a pair.
    rb"\\(?:\\|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F]))"
)
_BLOCK, _OVERLAP = 1 << 20, 20


def json_entries(file: BinaryIO, switches: Switches) -> Iterator[Entry]:
    """Yield the entries in order, and set the switches.

    Raises:
        InvalidManifest: the file is not a manifest, after the entries before the error.
    """
    last = None
    try:
        for entry in _read_sections(parse_events(file), switches):
            last = entry.name
            yield entry
    except (ijson.JSONError, UnicodeDecodeError) as error:
        where = f"after {last}" if last else "at its beginning"
        # ijson's error may quote bytes, or wrap another error.
        cause = error.args[0] if error.args else ""
        if isinstance(error, UnicodeDecodeError) or isinstance(cause, UnicodeDecodeError):
            reason = "it is not UTF-8"
        else:
            text = cause.decode(errors="replace") if isinstance(cause, bytes) else str(cause)
            reason = text.strip().split("\n")[0].rstrip(".")
        message = f"The manifest is not valid JSON {where}: {reason}."
        raise InvalidManifest(message) from None
    switches.check()


def parse_events(file: BinaryIO) -> Events:
    """Return the parser's events.

    The fast parser changes unpaired surrogates, and cannot read integers of more than 64 bits; a
    file that may have such values is read by the exact one.
    """
    head = file.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head:
        raise InvalidManifest("The manifest is in UTF-16 or UTF-32; it must be in UTF-8.")
    reader = ijson
    if head:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            starts = range(0, len(data), _BLOCK)
            blocks = (data[start : start + _BLOCK + _OVERLAP] for start in starts)
            # No iterator over `data` may survive the block, or it could not be unmapped.
            if any(map(may_contain_long_integers, blocks)) or any(
                match.lastindex for match in _SURROGATES.finditer(data)
            ):
                reader = exact_reader
    file.seek(len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0)
    events: Events = reader.basic_parse(file, use_float=True)
    return events


def _read_sections(events: Events, switches: Switches) -> Iterator[Entry]:
    """Yield the entries of all sections. A section may be there under both spellings."""
    if next(events, ("", None))[0] != "start_map":
        raise InvalidManifest("The manifest is not a JSON object.")
    counts = dict.fromkeys(SPELLINGS.values(), 0)
    for event, key in events:
        if event == "end_map":
            return
        if key in SWITCHES:
            switches.set(key, next(events)[1])
            continue
        if key not in SPELLINGS:
            raise InvalidManifest(unknown("key", key, [*SPELLINGS, *SWITCHES]))
        if next(events)[0] != "start_array":
            raise InvalidManifest(f"{key} is not a list.")
        section = SPELLINGS[key]
        for inner, value in events:
            if inner == "end_array":
                break
            index = counts[section]
            counts[section] += 1
            name = f"{key}[{index}]"
            yield Entry(section, name, (key, index), read_value(inner, value, name, events))


def read_value(event: str, value: Any, name: str, events: Events) -> Any:
    """Return the value that begins with an event."""
    builder, depth = ObjectBuilder(), 0
    while True:
        depth += event.startswith("start_") - event.startswith("end_")
        if depth > MAX_DEPTH:
            raise InvalidManifest(f"{name} is nested more than {MAX_DEPTH} levels deep.")
        builder.event(event, value)
        if not depth:
            return builder.value
        event, value = next(events)
