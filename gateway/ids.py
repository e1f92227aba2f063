"""Identifiers: time-ordered UUIDs for rows, and opaque global ids for GraphQL nodes."""

import base64
import binascii
import os
import secrets
from datetime import UTC, datetime
from uuid import UUID, SafeUUID

from gateway.clock import SITE_CLOCK

_SUB_MILLISECOND_BITS = 12
_RANDOM_BITS = 62
_COUNTER_BITS = 22
"""Of the random bits, so many order UUIDs that are made at once."""
_UNKNOWN = SafeUUID.unknown


def new_request_id() -> str:
    """Return a new id under which a request is logged."""
    return os.urandom(16).hex()


def uuid7() -> UUID:
    """Return a version 7 UUID (RFC 9562), which sorts after earlier ones even in a millisecond."""
    return UUID(int=_uuid7_now() | secrets.randbits(_RANDOM_BITS))


def uuid7s(count: int) -> list[UUID]:
    """Return new version 7 UUIDs in their order, at a fraction of the time that one at a time take.

    Raises:
        ValueError: more than four million.
    """
    if count >> _COUNTER_BITS:
        raise ValueError(count)
    rest = _RANDOM_BITS - _COUNTER_BITS
    now, size = _uuid7_now(), rest // 8
    noise = os.urandom(size * count)
    return [
        UUID(int=now | number << rest | int.from_bytes(noise[number * size : (number + 1) * size]))
        for number in range(count)
    ]


def _uuid7_now() -> int:
    """Return the current time, as the first 64 bits of version 7 UUIDs, with their variant."""
    milliseconds, rest = divmod(int(SITE_CLOCK.time() * 1e9), 1_000_000)
    fraction = (rest << _SUB_MILLISECOND_BITS) // 1_000_000
    return milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62


def uuid_of_digits(text: str) -> UUID:
    """Return the UUID of a text that is known to have 32 hex digits, and dashes or none.

    It takes a third of the time of `UUID(text)`, which allows for more forms.
    """
    uuid = object.__new__(UUID)
    object.__setattr__(uuid, "int", int(text.replace("-", ""), 16))
    object.__setattr__(uuid, "is_safe", _UNKNOWN)
    return uuid


def min_uuid7(moment: datetime) -> UUID:
    """Return the smallest version 7 UUID of a time's millisecond; before 1970, that of 1970."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def uuid7_time(uuid: UUID) -> datetime:
    """Return the time in a version 7 UUID, in milliseconds.

    Raises:
        ValueError: the UUID has no valid time.
    """
    try:
        return datetime.fromtimestamp((uuid.int >> 80) / 1000, UTC)
    except OverflowError as error:
        raise ValueError(uuid) from error


def global_id(type_name: str, *uuids: UUID) -> str:
    """Return the opaque id of an object, which encodes its type and UUID.

    Objects without a UUID of their own are identified by several.
    """
    text = ":".join([type_name, *(uuid.hex for uuid in uuids)])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def parse_global_id(value: str) -> tuple[str, UUID] | None:
    """Return the type and UUID in a global id, or None if the text is not a global id."""
    try:
        padded = value.encode("ascii") + b"=" * (-len(value) % 4)
        type_name, separator, digits = (
            base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(":")
        )
        uuid = UUID(hex=digits)
    except (binascii.Error, UnicodeError, ValueError):
        return None
    return (type_name, uuid) if separator and global_id(type_name, uuid) == value else None
