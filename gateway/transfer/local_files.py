"""The files of a directory that are to be sent, in the order of their names."""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path

MAX_LEVELS = 64
"""Folders of a site are nested at most this deep."""


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A regular file, or a directory, whose `size` is None.

    Directories are listed if they are empty, or have both files and directories, so that their
    files are told from those of leaf folders.

    Attributes:
        name: path below the destination, with `/`; that of a directory ends with one.
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
    yield from _walk_directory(name, path, entries, exclude)


def _walk_directory(
    name: str, path: Path, entries: Sequence[str], exclude: Sequence[str]
) -> Iterator[LocalFile | Unsent]:
    """Yield what is below a directory, its own files first.

    The directory itself comes before them if there are subdirectories, too, or alone if it is
    empty.
    """
    children = [path / each for each in entries]
    # Unlike the methods of paths, these fail for nothing: the walk below says why.
    directories = [each for each in children if os.path.isdir(each) and not os.path.islink(each)]
    files = sorted({*children} - {*directories})
    is_empty, is_complete = True, True

    def walk_all(some: Sequence[Path]) -> Iterator[LocalFile | Unsent]:
        nonlocal is_empty, is_complete
        for child in some:
            is_left_out = True
            for each in _walk(f"{name}/{child.name}", child, exclude):
                is_left_out = False
                is_empty = is_empty and isinstance(each, Unsent)
                yield each
            is_complete = is_complete and not is_left_out

    own, below = walk_all(files), walk_all(directories)
    first = [each for each in (next(own, None), next(below, None)) if each]
    directory = LocalFile(f"{name}/", path, None)
    if len(first) == 2:
        yield directory
    # The files of a directory are one run of the walk.
    yield from chain(first[:1], own, first[1:], below)
    if is_empty and is_complete and len(first) < 2:
        yield directory


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
