"""Directories of the disk store: private to its user, and reached without following symbolic links.

Each level below the store's root is opened by itself, so that no link, not even one that is put
there meanwhile, leads out of the store. The root may be a link, which operators use.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import ELOOP, ENOENT, ENOTDIR
from pathlib import Path
from stat import S_ISREG

from gateway.private_files import PRIVATE_DIRECTORY, PRIVATE_FILE

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NO_LINKS = os.O_NOFOLLOW | os.O_CLOEXEC


def open_directory(root: Path, *names: str) -> int:
    """Return a descriptor of a directory below a root, which the caller closes.

    Raises:
        FileNotFoundError, NotADirectoryError: there is none, or a link in its place.
    """
    descriptor = os.open(root, _DIRECTORY)
    for name in names:
        try:
            below = os.open(name, _DIRECTORY | _NO_LINKS, dir_fd=descriptor)
        except OSError as error:
            if error.errno != ELOOP:  # Linux says ENOTDIR
                raise
            raise NotADirectoryError(ENOTDIR, "There is a link instead", name) from None
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor


@contextmanager
def directory_below(root: Path, *names: str, create: bool = False) -> Iterator[int]:
    """Yield a descriptor of a directory below a root; `create` makes the last one if need be.

    Raises as `open_directory` does.
    """
    if create:
        with directory_below(root, *names[:-1]) as parent, suppress(FileExistsError):
            os.mkdir(names[-1], PRIVATE_DIRECTORY, dir_fd=parent)
    descriptor = open_directory(root, *names)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def open_for_reading(name: str, directory: int) -> int:
    """Return a descriptor of a file, which the caller closes.

    Raises:
        FileNotFoundError: there is none, or something else in its place.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | _NO_LINKS  # a pipe would block until it has a writer
    try:
        descriptor = os.open(name, flags, dir_fd=directory)
    except OSError as error:
        if error.errno != ELOOP:
            raise
        raise FileNotFoundError(ENOENT, "There is a link instead of a file", name) from None
    if not S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(ENOENT, "This is not a file", name)
    return descriptor


def open_new(name: str, directory: int) -> int:
    """Create a file and return a descriptor of it, which the caller closes."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS
    return os.open(name, flags, PRIVATE_FILE, dir_fd=directory)


def is_file(name: str, directory: int) -> bool:
    """Return whether there is a file of that name, and no link."""
    try:
        return S_ISREG(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False
