"""A manifest as JSON, read as a stream: never more than one entry is in memory."""

import codecs
import mmap
import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, BinaryIO

import ijson  # type: ignore[import-untyped]  # it has no types
from ijson.backends import python as careful  # type: ignore[import-untyped]  # nor has this
from ijson.common import ObjectBuilder  # type: ignore[import-untyped]  # nor this

from gateway.json_values import may_contain_long_integers
from gateway.manifests.sections import SPELLINGS, SWITCHES, Broken, Entry, Switches

DEPTH = 64
"""How deep an entry may nest, as JSON may in variables."""
Events = Iterator[tuple[str, Any]]
_ESCAPES = re.compile(
    rb"\\(?:\\|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"  # a backslash, a pair: read over
    rb"|(u[dD][89a-fA-F]))"
)
"""Half of a surrogate pair is a group of its own."""
_BLOCK, _OVERLAP = 1 << 20, 20


def json_entries(file: BinaryIO, switches: Switches) -> Iterator[Entry]:
    """The entries in their order; raises `Broken` where the file is no manifest, after those before it."""
    last = None
    try:
        for entry in _entries(_events(file), switches):
            last = entry.name
            yield entry
    except (ijson.JSONError, UnicodeDecodeError) as error:
        where = f"after {last}" if last else "at its beginning"
        raise Broken(f"The manifest is not valid JSON {where}: {_reason(error)}.") from None
    switches.check()


def _events(file: BinaryIO) -> Events:
    """What stands in the file, from the fast reader, which changes odd values or gives up, unless there are such."""
    head = file.read(4)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in head:
        raise Broken("The manifest is in UTF-16 or UTF-32; JSON is written in UTF-8.")
    reader = careful if head and _is_odd(file) else ijson
    file.seek(len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0)
    events: Events = reader.basic_parse(file, use_float=True)
    return events


def _is_odd(file: BinaryIO) -> bool:
    """Whether there are halves of surrogate pairs, or whole numbers that may have more than 64 bits."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        blocks = (data[start : start + _BLOCK + _OVERLAP] for start in range(0, len(data), _BLOCK))
        return any(map(may_contain_long_integers, blocks)) or any(
            found.lastindex for found in _ESCAPES.finditer(data)
        )


def _reason(error: Exception) -> str:
    """What a reader says, in words: it may quote bytes, or another error."""
    said = error.args[0] if error.args else ""
    if isinstance(error, UnicodeDecodeError) or isinstance(said, UnicodeDecodeError):
        return "it is not in UTF-8"
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    return text.strip().split("\n")[0].rstrip(".")


def _entries(events: Events, switches: Switches) -> Iterator[Entry]:
    if next(events, ("", None))[0] != "start_map":
        raise Broken("The manifest is not a JSON object.")
    places = dict.fromkeys(SPELLINGS.values(), 0)
    for event, key in events:
        if event == "end_map":
            return
        if key in SWITCHES:
            switches.turn(key, next(events)[1])
        else:
            yield from _section(key, places, events)


def _section(key: str, places: dict[str, int], events: Events) -> Iterator[Entry]:
    if key not in SPELLINGS:
        close = get_close_matches(key, [*SPELLINGS, *SWITCHES], n=1)
        raise Broken(
            f"The manifest has an unknown key, {key[:100]}"
            + (f"; did you mean {close[0]}?" if close else ".")
        )
    if next(events)[0] != "start_array":
        raise Broken(f"{key} is not a list.")
    section = SPELLINGS[key]
    for event, value in events:
        if event == "end_array":
            return
        place = places[section]
        places[section] += 1
        name = f"{key}[{place}]"
        yield Entry(section, name, (key, place), _value(event, value, name, events))


def _value(event: str, value: Any, name: str, events: Events) -> Any:
    """The value that begins with this event."""
    builder, depth = ObjectBuilder(), 0
    while True:
        depth += event.startswith("start_") - event.startswith("end_")
        if depth > DEPTH:
            raise Broken(f"{name} is nested more than {DEPTH} levels deep.")
        builder.event(event, value)
        if not depth:
            return builder.value
        event, value = next(events)
