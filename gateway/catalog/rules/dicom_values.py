"""Values by which DICOM objects are named and found: UIDs, dates, times and names of people."""

import re
from datetime import date

from gateway.errors import bad_input

MAX_UID = 64
MAX_GROUP = 64
_GROUPS = 3
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]{1,6})?")
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


def check_time(text: str, *path: str | int) -> str:
    """Return a time such as 13:05:59.25; raise `BAD_USER_INPUT` for any other text."""
    if not _TIME.fullmatch(text):
        raise bad_input("Expected a time such as 13:05:59 or 13:05:59.25.", *path)
    return text


def check_name(text: str, *path: str | int) -> str:
    """Return a name of a person; raise `BAD_USER_INPUT` if it has too many groups or characters."""
    groups = text.split("=")
    if len(groups) > _GROUPS or any(len(group) > MAX_GROUP for group in groups):
        message = f"Expected at most {_GROUPS} groups, divided by `=`, of {MAX_GROUP} characters."
        raise bad_input(message, *path)
    return text
