"""Values as clients write them in JSON: read without the loss of a digit, and what of them cannot be kept."""

import json
import re
from typing import Any

import orjson

from gateway.errors import Path, bad_input

_LEAST, _MOST = -(2**63), 2**64 - 1
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_RUN = re.compile(b"0" * 19 + b"0*")
_BEFORE, _AFTER = b" \t\r\n:,[-", b" \t\r\n,]}"


def parse_json(text: bytes | str) -> Any:
    """What JSON says, with whole numbers as they are, however long; raises `orjson.JSONDecodeError`.

    orjson makes floats of those that it has no room for, so that the slower reader reads where there may be one.
    """
    value = orjson.loads(text)
    if not may_contain_long_integers(text.encode() if isinstance(text, str) else text):
        return value
    try:
        return json.loads(text)
    except RecursionError:
        return value  # it is nested more deeply than anybody takes


def may_contain_long_integers(data: bytes) -> bool:
    """Whether a whole number of 19 digits or more may stand in JSON, or at an end of a part of it.

    Looking for digits takes a fraction of the time of reading; what stands around them tells numbers from UIDs.
    """
    for run in _RUN.finditer(data.translate(_ZEROS)):
        if (
            data[max(run.start() - 1, 0) : run.start()] in _BEFORE
            and data[run.end() : run.end() + 1] in _AFTER
        ):
            return True
    return False


def fits_64_bits(number: int) -> bool:
    """Whether a whole number can be kept as it is."""
    return _LEAST <= number <= _MOST


def unstorable_character(text: str) -> str | None:
    """The character that keeps a text from being stored, if there is one: NUL, or half of a surrogate pair."""
    if "\0" in text:
        return "U+0000"
    if text.isascii():
        return None
    return next((f"U+{ord(char):04X}" for char in text if "\ud800" <= char <= "\udfff"), None)


def check_storable(value: Any, *path: str | int) -> None:
    """Refuse JSON of which a text or a number would come back as another; the error names its place."""
    waiting: list[tuple[Path, Any]] = [(path, value)]
    while waiting:
        place, one = waiting.pop()
        if isinstance(one, str):
            _check_text(one, place)
        elif isinstance(one, int) and not fits_64_bits(one):
            raise bad_input(
                "A whole number has 64 bits at most; larger ones have an exponent, or are texts.",
                *place,
            )
        elif isinstance(one, list):
            waiting.extend(((*place, index), inner) for index, inner in enumerate(one))
        elif isinstance(one, dict):
            for key in one:
                _check_text(key, place)
            waiting.extend(((*place, key), inner) for key, inner in one.items())


def _check_text(text: str, place: Path) -> None:
    if flaw := unstorable_character(text):
        raise bad_input(f"This contains {flaw}, which cannot be stored.", *place)


def camel_case(name: str) -> str:
    """Return a snake_case name as GraphQL spells it."""
    first, *words = name.split("_")
    return first + "".join(word.capitalize() or "_" for word in words)
