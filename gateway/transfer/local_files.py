"""The files of a directory that are to be sent, in the order of their names."""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

MAX_LEVELS = 64
"""Folders of a site are nested at most this deep."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A regular file, or an empty directory, whose `size` is None.

    Attributes:
        name: path below the destination, with `/`; that of an empty directory ends with one.
        modified_at: seconds since 1970.
    """

    name: str
    path: Path
    size: int | None
    modified_at: float = 0.0

    def digest(self) -> str | None:
        """Return the SHA-256 of the file; None for a directory."""
        return None if self.size is None else sha256_of(self.path)

    def has_changed(self) -> bool:
        """Return whether the file is another one than when it was seen."""
        try:
            status = self.path.stat()
        except OSError:
            return True
        return (status.st_size, status.st_mtime) != (self.size, self.modified_at)


@dataclass(frozen=True, slots=True)
class Unsent:
    """An entry that is not sent, and why.

    Attributes:
        is_failure: whether the user expects it to be sent: links and devices are left out silently.
    """

    name: str
    reason: str
    is_failure: bool


def local_files(paths: Sequence[Path], exclude: Sequence[str] = ()) -> Iterator[LocalFile | Unsent]:
    """Walk files and directories: entries by name, files of a directory before its directories.

    Symbolic links are not followed below the paths; hidden files are included. A pattern of
    `exclude` is compared with the name of each entry, and with its path below the destination. A
    directory that has nothing else is left out, too.

    Raises:
        ValueError: two paths have the same name.
    """
    tops: dict[str, Path] = {}
    for path in paths:
        name = path.resolve().name or str(path)
        if tops.setdefault(name, path) is not path:
            raise ValueError(f"Two of the paths have the same name, {name}.")
    for name, path in tops.items():
        yield from _walk(name, path, exclude, is_top=True)


def _walk(
    name: str, path: Path, exclude: Sequence[str], *, is_top: bool = False
) -> Iterator[LocalFile | Unsent]:
    plain = name.rpartition("/")[2]
    if any(fnmatchcase(plain, each) or fnmatchcase(name, each) for each in exclude):
        return
    try:
        name.encode()
        status = path.stat() if is_top else path.lstat()
        entries = sorted(os.listdir(path)) if stat.S_ISDIR(status.st_mode) else None
    except UnicodeEncodeError:
        shown = name.encode("utf-8", "replace").decode()
        yield Unsent(shown, "Its name is not valid UTF-8.", is_failure=True)
        return
    except OSError as error:
        yield Unsent(name, error.strerror or str(error), is_failure=True)
        return
    if entries is None:
        if stat.S_ISREG(status.st_mode):
            yield LocalFile(name, path, status.st_size, status.st_mtime)
        else:
            kind = "symbolic link" if stat.S_ISLNK(status.st_mode) else "special file"
            yield Unsent(name, kind, is_failure=False)
        return
    if name.count("/") >= MAX_LEVELS:
        yield Unsent(name, f"Nested more than {MAX_LEVELS} levels deep.", is_failure=True)
        return
    is_empty, is_complete = True, True
    children = [path / each for each in entries]
    # A leaf folder that becomes an item has its files in one run of the walk.
    for child in sorted(children, key=lambda each: each.is_dir() and not each.is_symlink()):
        is_left_out = True
        for each in _walk(f"{name}/{child.name}", child, exclude):
            is_left_out = False
            is_empty = is_empty and isinstance(each, Unsent)
            yield each
        is_complete = is_complete and not is_left_out
    if is_empty and is_complete:
        yield LocalFile(f"{name}/", path, None)


class Batches:
    """Entries of a walk in batches of about `size`.

    Args:
        whole_directories: whether the files of a directory stay together, however many there are.
    """

    def __init__(
        self, walk: Iterator[LocalFile | Unsent], size: int, *, whole_directories: bool
    ) -> None:
        self._walk = walk
        self._size = size
        self._keeps_whole = whole_directories
        self._next: LocalFile | Unsent | None = None

    def take(self) -> list[LocalFile | Unsent]:
        """Return the next batch; empty after the last one."""
        taken = [self._next] if self._next else []
        self._next = None
        for each in self._walk:
            directory = each.name.rpartition("/")[0]
            is_torn = self._keeps_whole and taken and taken[-1].name.rpartition("/")[0] == directory
            if len(taken) >= self._size and not is_torn:
                self._next = each
                break
            taken.append(each)
        return taken


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
