"""Identities: time-ordered uuids for rows, opaque typed ids for `node`."""

import base64
import binascii
import secrets
import time
from datetime import UTC, datetime
from uuid import UUID

_SUB_MILLISECOND_BITS = 12


def uuid7() -> UUID:
    """A version 7 uuid (RFC 9562): rows lie in the order in which they came, also within a millisecond."""
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = (rest << _SUB_MILLISECOND_BITS) // 1_000_000
    value = milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | secrets.randbits(62)
    return UUID(int=value)


def min_uuid7(moment: datetime) -> UUID:
    """The version 7 uuid before all others of a moment's millisecond; none was made before 1970."""
    return UUID(int=max(0, int(moment.timestamp() * 1000)) << 80)


def uuid7_time(uuid: UUID) -> datetime:
    """When a version 7 uuid was made, to the millisecond; raises ValueError for one that tells no moment."""
    try:
        return datetime.fromtimestamp((uuid.int >> 80) / 1000, UTC)
    except OverflowError as error:
        raise ValueError(uuid) from error


def global_id(type_name: str, uuid: UUID) -> str:
    """The opaque id of a node: its type and uuid."""
    return base64.urlsafe_b64encode(f"{type_name}:{uuid.hex}".encode()).decode().rstrip("=")


def parse_global_id(value: str) -> tuple[str, UUID] | None:
    """The type and uuid of a node, or None for text that is no id of ours."""
    try:
        padded = value.encode("ascii") + b"=" * (-len(value) % 4)
        type_name, separator, digits = (
            base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(":")
        )
        uuid = UUID(hex=digits)
    except (binascii.Error, UnicodeError, ValueError):
        return None
    return (type_name, uuid) if separator and global_id(type_name, uuid) == value else None
