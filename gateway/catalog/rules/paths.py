r"""The grammar of paths: names of nested folders, the outermost first, each after a slash.

A slash in a name is written `\/`, a backslash `\\`. Names are compared in Unicode form NFC, so
that a path typed on one system names what was uploaded from another.
"""

import re
import unicodedata
from collections.abc import Iterable

from gateway.catalog.rules.names import MAX_NAME
from gateway.error_texts import sized
from gateway.errors import bad_input

COMMUNITIES = "communities"
USERS = "users"

_PART = re.compile(r"/((?:[^/\\]|\\[/\\])+)")
_ESCAPED = re.compile(r"\\([/\\])")


def read_path(path: str, *field: str | int) -> list[str]:
    """Return the names in a path, in Unicode form NFC; a slash at its end means nothing.

    Raises:
        DomainError: at `field`.
    """
    names, end = [], 0
    while part := _PART.match(path, end):
        names.append(in_nfc(_ESCAPED.sub(r"\1", part[1])))
        end = part.end()
    if not names or path[end:] not in ("", "/"):
        message = (
            r"A path consists of names, each after a slash. Write \/ for a slash in a name, and "
            r"\\ for a backslash."
        )
        raise bad_input(message, *field)
    if not {".", ".."}.isdisjoint(names):
        raise bad_input("A path cannot contain . or .. as a name.", *field)
    longest = max(map(len, names))
    if longest > MAX_NAME:
        raise bad_input(sized("A name in a path", 1, MAX_NAME, longest), *field)
    return names


def write_path(names: Iterable[str]) -> str:
    """Return the path that consists of these names."""
    return "".join(map(path_part, names))


def path_part(name: str) -> str:
    """Return the part of a path that is a name."""
    if "/" not in name and "\\" not in name:
        return f"/{name}"
    return "/" + name.replace("\\", r"\\").replace("/", r"\/")


def in_nfc(name: str) -> str:
    """Return a name in the form in which names are compared."""
    return unicodedata.normalize("NFC", name)
