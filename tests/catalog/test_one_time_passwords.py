"""One-time passwords: the vectors of the RFCs, and what a time accepts (MID-MOD-02)."""

import base64

import pytest

from gateway.auth.one_time_passwords import (
    enrolment_uri,
    matching_step,
    new_recovery_codes,
    new_secret,
    password_at,
    plain_code,
)

SECRET = base64.b32encode(b"12345678901234567890").decode()
HOTP = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
"""RFC 4226, appendix D."""
TOTP = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}
"""RFC 6238, appendix B, for SHA-1: seconds since 1970 and eight digits."""


def test_the_vectors_of_rfc_4226() -> None:
    assert [password_at(SECRET, counter) for counter in range(10)] == HOTP


@pytest.mark.parametrize(("seconds", "password"), TOTP.items())
def test_the_vectors_of_rfc_6238(seconds: int, password: str) -> None:
    assert password_at(SECRET, seconds // 30, digits=8) == password
    assert matching_step(SECRET, password[2:], seconds, after=0) == seconds // 30


def test_a_step_either_way_is_accepted_and_no_more() -> None:
    accepted = [matching_step(SECRET, password_at(SECRET, 1000 + away), 30_015, after=0) for away in range(-3, 4)]
    assert accepted == [None, None, 999, 1000, 1001, None, None]


def test_a_password_is_accepted_once() -> None:
    password = password_at(SECRET, 1000)
    assert matching_step(SECRET, f" {password} ", 30_000, after=999) == 1000
    assert matching_step(SECRET, password, 30_000, after=1000) is None
    assert matching_step(SECRET, password_at(SECRET, 999), 30_000, after=1000) is None


@pytest.mark.parametrize("password", ["", "12345", "abcdef", "１２３４５６", "\0" * 6, "0" * 10_000])
def test_what_is_no_password_is_refused(password: str) -> None:
    assert matching_step(SECRET, password, 30_000, after=0) is None


def test_secrets_and_codes_are_random_and_long_enough() -> None:
    assert len({new_secret() for _ in range(100)}) == 100
    assert len(base64.b32decode(new_secret())) == 20
    codes = new_recovery_codes()
    assert len(set(codes)) == 10
    assert {len(plain_code(code)) for code in codes} == {16}
    assert plain_code(f" {codes[0].upper()} ") == codes[0].replace("-", "")


def test_apps_can_read_the_uri() -> None:
    uri = enrolment_uri(SECRET, "My Site", "ann+x@example.org")
    assert uri == (
        f"otpauth://totp/My%20Site:ann%2Bx%40example.org?secret={SECRET}&issuer=My%20Site&digits=6&period=30"
    )
