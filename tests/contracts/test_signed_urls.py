"""Signed URLs cannot be forged: every mutation of a real one is rejected."""

import random
import string
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from gateway.stores.signing import BadSignature, sign_query, verify_query

SECRET = b"a secret of the tests"
NOW = datetime(2030, 1, 1, tzinfo=UTC)
KEY, OTHER = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
CLAIMS = {
    "length": "1048576",
    "type": "image/png; charset=utf-8",
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "name": "a & b=ü\n.png",
    "upload": OTHER,
    "part": "7",
}


def sign(expires_at: datetime = NOW, secret: bytes = SECRET, claims: Mapping[str, str] = CLAIMS) -> str:
    return sign_query(secret, "PUT", KEY, expires_at, claims)


def accepted(method: str, key: str, query: str, now: datetime = NOW - timedelta(seconds=1)) -> bool:
    try:
        verify_query([SECRET], method, key, query, now)
    except BadSignature:
        return False
    return True


def test_what_was_signed_is_read_back() -> None:
    assert verify_query([SECRET], "PUT", KEY, sign(), NOW - timedelta(seconds=1)) == CLAIMS


def test_url_expires_at_its_second() -> None:
    assert accepted("PUT", KEY, sign(), NOW - timedelta(microseconds=1))
    assert not accepted("PUT", KEY, sign(), NOW)
    assert not accepted("PUT", KEY, sign(), NOW + timedelta(days=365))


def test_a_signature_is_for_one_method_key_and_secret() -> None:
    assert accepted("PUT", KEY, sign())
    assert not accepted("GET", KEY, sign())
    assert not accepted("PUT", OTHER, sign())
    assert not accepted("PUT", KEY, sign(secret=b"another"))


@pytest.mark.parametrize("claim", CLAIMS)
def test_each_claim_is_signed(claim: str) -> None:
    _, signature = sign().rsplit("=", 1)
    forged = sign(claims={**CLAIMS, claim: CLAIMS[claim] + "1"}).rsplit("=", 1)[0] + "=" + signature
    assert not accepted("PUT", KEY, forged)


@pytest.mark.parametrize(
    "query",
    ["", "&signature=", "signature=", "expires=1", "expires=1&signature=", "&signature=&signature=", "\ud800", "\0"],
)
def test_malformed_queries_are_rejected(query: str) -> None:
    assert not accepted("PUT", KEY, query)


def test_line_breaks_cannot_shift_text_between_key_and_query() -> None:
    query = sign()
    head, tail = query[:20], query[20:]
    assert not accepted("PUT", f"{KEY}\n{head}", tail)
    assert not accepted(f"PUT\n{KEY}", head, tail)


def test_two_thousand_mutations_are_rejected() -> None:
    chance = random.Random(2)
    genuine = sign()
    tried: set[tuple[str, str, str]] = set()
    while len(tried) < 2_000:
        mutant = _mutated(chance, genuine)
        if mutant != ("PUT", KEY, genuine):
            tried.add(mutant)
    assert [mutant for mutant in tried if accepted(*mutant)] == []
    assert accepted("PUT", KEY, genuine)


def _mutated(chance: random.Random, query: str) -> tuple[str, str, str]:
    """Return the request with one to three changes."""
    method, key = "PUT", KEY
    for _ in range(chance.randint(1, 3)):
        match chance.randrange(10):
            case 0:
                method = chance.choice(["GET", "HEAD", "POST", "DELETE", "put", "PUT "])
            case 1:
                key = _changed_at(chance, key)
            case 2:
                query = chance.choice([query + "&" + _pair(chance), _pair(chance) + "&" + query])
            case 3:
                query = _without_one(chance, query)
            case 4:
                query = query.swapcase()
            case 5:
                query = sign(expires_at=NOW + timedelta(days=1)).rsplit("=", 1)[0] + "=" + query.rsplit("=", 1)[-1]
            case 6:
                query = query.replace("%", "%25", 1)
            case 7:
                query = sign(secret=chance.randbytes(16))
            case _:
                query = _changed_at(chance, query)
    return method, key, query


def _pair(chance: random.Random) -> str:
    return f"{chance.choice([*CLAIMS, 'expires', 'signature'])}={chance.randrange(10**12)}"


def _without_one(chance: random.Random, query: str) -> str:
    pairs = query.split("&")
    del pairs[chance.randrange(len(pairs))]
    return "&".join(pairs) or "x"


def _changed_at(chance: random.Random, text: str) -> str:
    """Return the text with a character replaced, inserted, removed, doubled or percent-encoded."""
    position = chance.randrange(len(text))
    before, at, after = text[:position], text[position], text[position + 1 :]
    other = chance.choice(string.printable)
    return before + chance.choice([other, at + other, "", at + at, f"%{ord(at):02x}", at.swapcase()]) + after
