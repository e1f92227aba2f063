"""Names that are told apart by a number, as in `scan (1).nii.gz`."""

import re

from gateway.catalog.rules.names import MAX_NAME

_EXTENSION = re.compile(r"(?<=.)((\.\w{1,16})?\.(gz|bz2|xz|zst|Z)|\.\w{1,32})\Z", re.DOTALL)
"""An extension, with the one before it if it says how a file is compressed."""


def numbered_name(name: str, number: int, *, is_folder: bool = False) -> str:
    """Return a name with a number before its extension; names of folders have no extension.

    The middle of a name that would become too long is left out.
    """
    match = None if is_folder else _EXTENSION.search(name)
    stem, extension = (name[: match.start()], match[0]) if match else (name, "")
    suffix = f" ({number}){extension}"
    return stem[: MAX_NAME - len(suffix)] + suffix
