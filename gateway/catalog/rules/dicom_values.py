"""Values by which DICOM objects are named and found: UIDs and dates."""

import re
from datetime import date

from gateway.errors import bad_input

MAX_UID = 64
_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


def check_uid(uid: str, *path: str | int) -> str:
    """Return a UID; raise `BAD_USER_INPUT` unless it consists of numbers divided by dots.

    Leading zeros are accepted, since files have them.
    """
    if len(uid) > MAX_UID or not _UID.fullmatch(uid):
        raise bad_input(
            f"Expected a UID: numbers divided by dots, at most {MAX_UID} characters.", *path
        )
    return uid


def check_date(text: str, *path: str | int) -> str:
    """Return a date such as 2026-01-31; raise `BAD_USER_INPUT` for any other text."""
    try:
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass  # reported below, like other forms of ISO 8601
    raise bad_input("Expected a date such as 2026-01-31.", *path)
