"""Glob patterns of cloud-synced folders."""

import time

import pytest

from gateway.catalog.rules.key_patterns import KeyPatterns

CASES = [
    ("*.png", ["a.png", "b/c/a.png", ".png"], ["a.jpg", "a.PNG", "a.png/b"]),
    ("a/*.png", ["a/b.png"], ["b.png", "a/c/b.png", "x/a/b.png"]),
    ("**/a/*", ["a/b", "x/y/a/b"], ["a", "a/b/c"]),
    ("a/**", ["a", "a/b", "a/b/c"], ["b", "b/a"]),
    ("a/**/z", ["a/z", "a/b/c/z"], ["a", "z", "a/z/b"]),
    ("**", ["a", "a/b"], []),
    ("[a-c]?.t*", ["b1.txt"], ["d1.txt", "b.txt", "b12.txt"]),
    ("[!a].txt", ["b.txt"], ["a.txt"]),
    ("a[[]1].txt", ["a[1].txt"], ["a1.txt"]),
    ("a.b", ["a.b"], ["axb"]),
    ("line*", ["line\nbreak"], ["newline"]),
]


@pytest.mark.parametrize(("pattern", "matching", "other"), CASES)
def test_patterns_match(pattern: str, matching: list[str], other: list[str]) -> None:
    patterns = KeyPatterns(["never", pattern])
    assert [key for key in matching if not patterns.match(key)] == []
    assert [key for key in other if patterns.match(key)] == []


def test_no_pattern_matches_nothing() -> None:
    assert not KeyPatterns([])
    assert not KeyPatterns([]).match("a")


@pytest.mark.parametrize("pattern", ["*a" * 400 + "b", "**/" * 300 + "b", "/".join(["*a*"] * 200)])
def test_hostile_patterns_take_no_time(pattern: str) -> None:
    """A key of the greatest length is compared with a pattern in a moment, not in years."""
    patterns, start = KeyPatterns([pattern]), time.perf_counter()
    for key in ("a" * 1024, "a/" * 512):
        patterns.match(key)
    assert time.perf_counter() - start < 1
