"""One-time passwords that depend on the time (RFC 6238): SHA-1, six digits, steps of 30 seconds."""

import base64
import hmac
import secrets
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6
RECOVERY_CODES = 10
_SECRET_BYTES = 20
_CODE_BYTES = 10


def new_secret() -> str:
    """Return a new secret, in base32 as apps take it."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def enrolment_uri(secret: str, issuer: str, account: str) -> str:
    """Return the URI from which apps read a secret, as a QR code."""
    parameters = {"secret": secret, "issuer": issuer, "digits": DIGITS, "period": STEP_SECONDS}
    return (
        f"otpauth://totp/{quote(issuer)}:{quote(account)}?{urlencode(parameters, quote_via=quote)}"
    )


def password_at(secret: str, step: int, digits: int = DIGITS) -> str:
    """Return the password of a step, counted from 1970 (RFC 4226)."""
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8), "sha1")
    offset = digest[-1] & 0xF
    value = int.from_bytes(digest[offset : offset + 4]) & 0x7FFF_FFFF
    return f"{value % 10**digits:0{digits}}"


def matching_step(secret: str, password: str, seconds: float, after: int) -> int | None:
    """Return the step of a password that is valid at a time; None if it is not.

    Clocks may differ by a step. Steps up to `after` are used up, so that each password opens once.
    """
    present = int(seconds) // STEP_SECONDS
    given = password.strip().encode(errors="replace")
    matches = [
        step
        for step in (present - 1, present, present + 1)
        if hmac.compare_digest(password_at(secret, step).encode(), given)
    ]
    return next((step for step in matches if step > after), None)


def new_recovery_codes() -> list[str]:
    """Return codes of 80 random bits for those who have lost their app, in groups of letters."""
    codes = [
        base64.b32encode(secrets.token_bytes(_CODE_BYTES)).decode().lower()
        for _ in range(RECOVERY_CODES)
    ]
    return ["-".join(code[start : start + 4] for start in range(0, 16, 4)) for code in codes]


def plain_code(code: str) -> str:
    """Return a recovery code without what people add or leave out when they type it."""
    return "".join(code.lower().replace("-", " ").split())
