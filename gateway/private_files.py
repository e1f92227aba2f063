"""Files and directories that only the user may use whom the process runs as."""

import os
from contextlib import suppress
from pathlib import Path
from stat import S_IMODE

import structlog

PRIVATE_DIRECTORY = 0o700
PRIVATE_FILE = 0o600
OTHERS = 0o077
"""Rights of all other users: those that files are created without."""

log = structlog.get_logger()


def create_private_directory(path: Path) -> None:
    """Create a directory with all that lead to it, unless they exist."""
    for each in reversed([path, *path.parents]):
        each.mkdir(PRIVATE_DIRECTORY, exist_ok=True)


def create_private_file(path: Path) -> None:
    """Create an empty file with the directories that lead to it, unless they exist."""
    create_private_directory(path.parent)
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))


def make_private(path: Path) -> None:
    """Take the rights of other users on a file or directory away, and log it, if they have any."""
    with suppress(FileNotFoundError):
        mode = S_IMODE(path.stat().st_mode)
        if not mode & OTHERS:
            return
        try:
            path.chmod(mode & ~OTHERS)
        except PermissionError:
            warn_unless_private(path)
        else:
            log.warning("made_private", path=str(path), had=f"{mode:o}")


def warn_unless_private(path: Path) -> None:
    """Log a warning if other users have rights on a file or directory."""
    mode = S_IMODE(path.stat().st_mode)
    if mode & OTHERS:
        log.warning(
            "not_private",
            path=str(path),
            mode=f"{mode:o}",
            advice="Other users of this machine may use it: take their rights away with chmod.",
        )
