"""Glob patterns by which a cloud-synced folder includes and excludes objects.

`*` stands for any characters but a slash, `?` for one, `[a-z]` for one of several, and `**` between
slashes for any number of prefixes. A pattern without a slash is compared with the last part of a
key; one with a slash, with the whole key below the folder's prefix.
"""

import re
from collections.abc import Sequence
from fnmatch import translate

from gateway.catalog.rules.lists import check_unique
from gateway.error_texts import sized
from gateway.errors import DomainError, ErrorCode, bad_input

MAX_PATTERNS = 100
MAX_PATTERN = 1000
"""Characters of a pattern."""
ANY_PREFIXES = "**"


def validate_patterns(patterns: Sequence[str], *path: str | int) -> list[str]:
    """Return valid patterns.

    Raises:
        DomainError: there are too many, or one is malformed, which the error names.
    """
    if len(patterns) > MAX_PATTERNS:
        message = sized(str(path[-1]), 0, MAX_PATTERNS, len(patterns), "patterns")
        raise DomainError(ErrorCode.LIMIT_EXCEEDED, message, path)
    for index, pattern in enumerate(patterns):
        if not 1 <= len(pattern) <= MAX_PATTERN:
            message = sized("The pattern", 1, MAX_PATTERN, len(pattern))
            raise bad_input(message, *path, index)
        if reason := _fault(pattern):
            raise bad_input(reason, *path, index)
    check_unique(patterns, "pattern", path)
    return list(patterns)


class KeyPatterns:
    """Patterns, of which a key matches one or none."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = [
            [None if part == ANY_PREFIXES else re.compile(translate(part)) for part in split]
            for split in (pattern.split("/") for pattern in patterns)
        ]

    def __bool__(self) -> bool:
        """Return whether there are patterns."""
        return bool(self._patterns)

    def match(self, key: str) -> bool:
        """Return whether a key below the folder's prefix matches one of the patterns."""
        parts = key.split("/")
        return any(
            _matches(pattern, parts if len(pattern) > 1 else parts[-1:])
            for pattern in self._patterns
        )


def _fault(pattern: str) -> str | None:
    """Return what is wrong with a pattern, as a sentence."""
    parts = pattern.split("/")
    if "" in parts:
        return "A pattern must not begin or end with a slash, or have two in a row."
    if any(ANY_PREFIXES in part and part != ANY_PREFIXES for part in parts):
        return "In a pattern, ** must stand alone between slashes."
    if any(re.search(r"\[(?!!?.[^]]*])", part) for part in parts):
        return "In a pattern, [ must be followed by characters and ]. Write [[] for the character."
    return None


def _matches(pattern: Sequence[re.Pattern[str] | None], parts: Sequence[str]) -> bool:
    """Return whether a pattern matches the parts of a key, in time that grows with both."""
    # For each number of parts: do the first parts of the pattern match exactly these?
    reached = [True] + [False] * len(parts)
    for step in pattern:
        if step is None:
            first = reached.index(True) if True in reached else len(reached)
            reached = [number >= first for number in range(len(reached))]
        else:
            reached = [False] + [
                before and step.match(part) is not None
                for before, part in zip(reached, parts, strict=False)
            ]
    return reached[-1]
