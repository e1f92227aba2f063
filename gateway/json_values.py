"""JSON values of clients: parsing without loss of digits, and checks that they can be stored."""

import json
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from gateway.errors import Path, bad_input

_MIN, _MAX = -(2**63), 2**64 - 1
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_RUN = re.compile(b"0" * 19 + b"0*")
_BEFORE, _AFTER = b" \t\r\n:,[-", b" \t\r\n,]}"


def parse_timestamp(value: Any) -> datetime:
    """Return an RFC 3339 timestamp in UTC.

    Raises:
        ValueError: it is none; the message is a sentence for the client.
    """
    try:
        moment = datetime.fromisoformat(
            value.replace("Z", "+00:00") if isinstance(value, str) else ""
        )
    except ValueError:
        raise ValueError("Expected an RFC 3339 timestamp.") from None
    if moment.tzinfo is None:
        raise ValueError("The timestamp has no time zone.")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("The timestamp is outside of the years 1 to 9999 in UTC.") from None


def parse_json(text: bytes | str) -> Any:
    """Return the value of a JSON text, with integers of any length intact.

    orjson turns integers of more than 64 bits into floats, so texts that may contain one are
    parsed by the slower standard library.

    Raises:
        orjson.JSONDecodeError: the text is not JSON.
    """
    value = orjson.loads(text)
    if not may_contain_long_integers(text.encode() if isinstance(text, str) else text):
        return value
    try:
        return json.loads(text)
    except RecursionError:
        return value  # deeper than any input accepts


def may_contain_long_integers(data: bytes) -> bool:
    """Return whether JSON, or a part of it, may contain an integer of 19 digits or more.

    Looking for digits takes a fraction of the time of parsing. The characters around them tell
    numbers from DICOM UIDs.
    """
    for run in _RUN.finditer(data.translate(_ZEROS)):
        if (
            data[max(run.start() - 1, 0) : run.start()] in _BEFORE
            and data[run.end() : run.end() + 1] in _AFTER
        ):
            return True
    return False


def fits_64_bits(number: int) -> bool:
    """Return whether an integer is stored and returned unchanged: -2^63 to 2^64 - 1."""
    return _MIN <= number <= _MAX


def unstorable_character(text: str) -> str | None:
    """Return the first NUL or lone surrogate of a text, as U+0000, or None if there is none."""
    if "\0" in text:
        return "U+0000"
    if text.isascii():
        return None
    return next((f"U+{ord(char):04X}" for char in text if "\ud800" <= char <= "\udfff"), None)


def check_storable(value: Any, *path: str | int) -> None:
    """Check that a JSON value is returned unchanged after it was stored.

    Raises:
        DomainError: at the path of a text or an integer that is not.
    """

    def check_text(text: str, path: Path) -> None:
        if character := unstorable_character(text):
            raise bad_input(f"The text contains {character}, which cannot be stored.", *path)

    pending: list[tuple[Path, Any]] = [(path, value)]
    while pending:
        location, part = pending.pop()
        if isinstance(part, str):
            check_text(part, location)
        elif isinstance(part, int) and not fits_64_bits(part):
            raise bad_input(
                "Integers are limited to 64 bits. Send a larger number with an exponent, "
                "or as a string.",
                *location,
            )
        elif isinstance(part, list):
            pending.extend(((*location, index), inner) for index, inner in enumerate(part))
        elif isinstance(part, dict):
            for key in part:
                check_text(key, location)
            pending.extend(((*location, key), inner) for key, inner in part.items())


@lru_cache(maxsize=1_000)
def camel_case(name: str) -> str:
    """Return a snake_case name as GraphQL spells it."""
    first, *words = name.split("_")
    return first + "".join(word.capitalize() or "_" for word in words)
