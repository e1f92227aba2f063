"""A manifest as JSON, read as a stream: never more than one entry is in memory."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any, BinaryIO

import ijson  # type: ignore[import-untyped]  # it has no types
from ijson.common import ObjectBuilder  # type: ignore[import-untyped]  # nor has this

from resolvers.manifests.entries import SPELLINGS, SWITCHES, Broken, Entry, Switches

DEPTH = 64
"""How deep an entry may nest, as JSON may in variables."""
Events = Iterator[tuple[str, Any]]


def json_entries(file: BinaryIO, switches: Switches) -> Iterator[Entry]:
    """The entries in their order; raises `Broken` where the file is no manifest, after those before it."""
    last = None
    try:
        for entry in _entries(ijson.basic_parse(file, use_float=True), switches):
            last = entry.name
            yield entry
    except (ijson.JSONError, UnicodeDecodeError) as error:
        where = f"after {last}" if last else "at its beginning"
        raise Broken(f"The manifest is not valid JSON {where}: {str(error).strip().splitlines()[0]}.") from None
    switches.check()


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
            f"The manifest has an unknown key, {key[:100]}" + (f"; did you mean {close[0]}?" if close else ".")
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
