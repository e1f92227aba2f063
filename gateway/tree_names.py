"""Names under which files of a tree can be stored in archives and on any file system.

Names in Storegraph are free text. Here they become names that Windows, macOS and Linux accept,
that stay within their directory, and that differ within it even where case does not count.
"""

import re
import unicodedata
from pathlib import PurePosixPath

MAX_BYTES = 255
"""Bytes of a name in UTF-8, as most file systems allow."""
_MAX_SUFFIX_BYTES = 40
_UNSAFE = re.compile(
    r'[\x00-\x1f\x7f-\x9f/\\<>:"|?*\ud800-\udfff\ufffe\uffff\u200e\u200f\u2028-\u202e\u2066-\u2069]'
)
_RESERVED = re.compile(
    r"(con|prn|aux|nul|clock\$|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|$)",
    re.IGNORECASE,
)
"""Names of devices on Windows, with whatever extension."""


def safe_name(name: str) -> str:
    """Return a name that every file system accepts; most names stay as they are.

    What is not allowed becomes an underscore. Long names lose the end of their stem.
    """
    safe = _UNSAFE.sub("_", unicodedata.normalize("NFC", name)).strip(" ")
    if len(safe.encode()) >= MAX_BYTES:  # room for an underscore in front
        suffix = _suffix(safe)
        safe = _cut(safe.removesuffix(suffix), MAX_BYTES - 1 - len(suffix.encode())) + suffix
    safe = safe.rstrip(" .")  # which Windows drops
    if not safe:
        return "_"
    return f"_{safe}" if _RESERVED.match(safe) else safe


def clash_key(name: str) -> str:
    """Return what is equal for two names that some file system takes for the same."""
    decomposed = unicodedata.normalize("NFD", name).casefold()
    return unicodedata.normalize("NFD", decomposed)


class UsedNames:
    """The names that are in use in a directory; of each, only a hash is kept."""

    def __init__(self, *reserved: str) -> None:
        """Begin an empty directory, in which the reserved names are in use."""
        self._used = {hash(clash_key(name)) for name in reserved}
        self._numbers: dict[int, int] = {}

    def add(self, name: str) -> str:
        """Return a safe name for one more entry, which differs from those of all others.

        The second of two equal names gets ` (1)` before its extension.
        """
        safe = safe_name(name)
        key = hash(clash_key(safe))
        if key not in self._used:
            self._used.add(key)
            return safe
        while True:
            number = self._numbers[key] = self._numbers.get(key, 0) + 1
            numbered = with_number(safe, number)
            numbered_key = hash(clash_key(numbered))
            if numbered_key not in self._used:
                self._used.add(numbered_key)
                return numbered


def with_number(name: str, number: int) -> str:
    """Return a safe name with ` (number)` before its extension."""
    mark = f" ({number})"
    suffix = _suffix(name)
    stem = name.removesuffix(suffix)
    room = MAX_BYTES - len(mark) - len(suffix.encode())
    return f"{_cut(stem, room)}{mark}{suffix}"


def _suffix(name: str) -> str:
    """Return the extension of a name, if it is short enough to be one."""
    suffix = PurePosixPath(name).suffix
    return suffix if len(suffix.encode()) <= _MAX_SUFFIX_BYTES else ""


def _cut(text: str, size: int) -> str:
    """Return as many characters from the beginning of a text as fit into `size` bytes."""
    return text.encode()[:size].decode(errors="ignore")
