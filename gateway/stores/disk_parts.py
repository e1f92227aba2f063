"""Parts of multipart uploads to the disk store: files in a directory of the upload."""

import os

from gateway.stores.base import UploadedPart
from gateway.stores.private_directories import is_file


def part_name(number: int) -> str:
    """Return the name of the file of a part."""
    return f"{number:05}"


def stored_parts(directory: int) -> list[UploadedPart]:
    """Return the parts in a directory, given as descriptor, in order."""
    names = sorted(os.listdir(directory))
    return [stored_part(name, directory) for name in names if is_file(name, directory)]


def stored_part(name: str, directory: int) -> UploadedPart:
    """Return the part, with an ETag that changes whenever its file does."""
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    return UploadedPart(
        int(name),
        status.st_size,
        f'"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"',
    )
