"""Pseudonyms of patients and objects: the same for a secret, and not to be guessed without it."""

import base64
import hmac
import re
from datetime import date, timedelta
from uuid import UUID

MAX_SHIFT = 3_650
"""Days by which dates are shifted at most."""
_DATE = re.compile(r"(\d{4})(\.?)(\d\d)\2(\d\d)(.*)", re.ASCII | re.DOTALL)
_TIME = re.compile(r"(\d\d){0,3}(\.\d{1,6})?([+-]\d{4})?", re.ASCII)


class Pseudonyms:
    """Derives pseudonyms from a secret by HMAC-SHA-256.

    Args:
        secret: at least 16 random bytes.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 16:
            raise ValueError("A secret has at least 16 bytes.")
        self._secret = secret

    def uid(self, uid: str) -> str:
        """Return the UID that replaces another: a random one by its form, below 2.25."""
        return f"2.25.{UUID(bytes=self._digest('uid', uid)[:16], version=4).int}"

    def patient_id(self, patient_id: str) -> str:
        """Return the PatientID that replaces another."""
        return f"ANON-{base64.b32encode(self._digest('patient', patient_id)[:10]).decode()}"

    def days(self, patient: str) -> int:
        """Return by how many days a patient's dates are shifted into the past, at least one."""
        number = int.from_bytes(self._digest("days", patient)[:8], "big")
        return 1 + number % MAX_SHIFT

    def _digest(self, purpose: str, text: str) -> bytes:
        return hmac.digest(self._secret, f"{purpose}\0{text}".encode(), "sha256")


def shift_date(text: str, days: int) -> str | None:
    """Return an earlier date (DA), or date and time (DT); None if it has no day, or is not valid.

    The time of day stays, and so does the form of dates with dots, which DICOM had before 1993.
    """
    match = _DATE.fullmatch(text.strip())
    if match is None:
        return None
    year, dot, month, day, rest = match.groups()
    if not _TIME.fullmatch(rest):
        return None
    try:
        shifted = date(int(year), int(month), int(day)) - timedelta(days)
    except (ValueError, OverflowError):
        return None
    return f"{shifted.year:04}{dot}{shifted.month:02}{dot}{shifted.day:02}{rest}"
