"""Fetching a file: resumed after an interruption, and checked before it gets its name."""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

import httpx

from gateway.transfer.local_files import sha256_of
from gateway.transfer.site import Site, SiteError, pause_after

_BLOCK = 1 << 20
_PASSING = frozenset({400, 401, 403, 408, 410, 425, 429, 500, 502, 503, 504})
"""Answers after which the next URL may work: S3 answers 400 or 403 to one that has expired."""
_UNSATISFIABLE = 416


@dataclass(frozen=True, slots=True)
class SiteFile:
    """A file of a site.

    Attributes:
        name: path for messages.
        target: where the file goes.
        sha256: hex digits; None if the site does not know them.
        sign: returns a signed URL, again and again; None if there is none.
    """

    name: str
    target: Path
    size: int | None
    sha256: str | None
    sign: Callable[[], Awaitable[str | None]]


class DamagedFileError(Exception):
    """Raised when what was fetched is not the file, by its size or SHA-256."""


class LocalState(StrEnum):
    """State of what is where a file goes to."""

    ABSENT = "ABSENT"
    SAME = "SAME"
    OTHER = "OTHER"
    DIRECTORY = "DIRECTORY"


def local_state(file: SiteFile) -> LocalState:
    """Return whether the target is the file already, by its size and SHA-256, or something else.

    A symbolic link is another file, wherever it leads. No file replaces a directory.
    """
    target = file.target
    if not os.path.lexists(target):
        return LocalState.ABSENT
    if target.is_symlink():
        return LocalState.OTHER
    if target.is_dir():
        return LocalState.DIRECTORY
    is_same = (
        file.sha256 is not None
        and target.is_file()
        and target.stat().st_size == file.size
        and sha256_of(target) == file.sha256
    )
    return LocalState.SAME if is_same else LocalState.OTHER


def partial_path(file: SiteFile) -> Path:
    """Return the path of what was fetched so far, which no other file of the directory has.

    Equal files may be fetched at the same time; a file that has changed begins anew.
    """
    told_by = f"{file.sha256} {file.target.name}".encode()
    return file.target.with_name(f".storegraph-{hashlib.sha256(told_by).hexdigest()[:32]}.part")


async def fetch_file(site: Site, file: SiteFile, moved: Callable[[int], None]) -> None:
    """Fetch a file and give it its name once it is whole.

    What an interrupted call has fetched is used if the SHA-256 of the file is known.

    Args:
        moved: called with the number of bytes after each block.

    Raises:
        SiteError: the file cannot be fetched.
        DamagedFileError: what arrives is not the file.
        OSError: the file cannot be written.
    """
    path = partial_path(file)
    if file.sha256 is None:
        path.unlink(missing_ok=True)
    try:
        await _fetch_part(site, file, path, moved)
    except DamagedFileError:
        # What was there before may have been damaged: once more, from the beginning.
        path.unlink()
        try:
            await _fetch_part(site, file, path, moved)
        except DamagedFileError:
            path.unlink()
            raise
    await asyncio.to_thread(os.replace, path, file.target)


class PartialFile:
    """The beginning of a file, with its running SHA-256."""

    def __init__(self, out: BinaryIO) -> None:
        self.length = 0
        self.sha256 = hashlib.sha256()
        self._out = out

    def read_back(self) -> None:
        """Add what the file has already."""
        self._out.seek(0)
        while block := self._out.read(_BLOCK):
            self._add(block)

    def write(self, block: bytes) -> None:
        """Append a block."""
        self._out.write(block)
        self._add(block)

    def _add(self, block: bytes) -> None:
        self.sha256.update(block)
        self.length += len(block)


async def _fetch_part(site: Site, file: SiteFile, path: Path, moved: Callable[[int], None]) -> None:
    with await asyncio.to_thread(path.open, "a+b") as out:
        part = PartialFile(out)
        await asyncio.to_thread(part.read_back)
        failures = 0
        while part.length != file.size:
            before = part.length
            failure = await _request_rest(site, file, part, moved)
            if failure is None:
                break
            # A connection that breaks again and again still brings the file to its end.
            failures = 1 if part.length > before else failures + 1
            if failures == site.attempts:
                raise SiteError(f"It could not be fetched: {failure}")
            await asyncio.sleep(pause_after(failures))
    if file.size is not None and part.length != file.size:
        raise DamagedFileError("Its size is not the announced one.")
    if file.sha256 is not None and part.sha256.hexdigest() != file.sha256:
        raise DamagedFileError("Its SHA-256 is not the announced one.")


async def _request_rest(
    site: Site, file: SiteFile, part: PartialFile, moved: Callable[[int], None]
) -> str | None:
    """Append the rest of a file; return why that failed and may succeed later, None if it did."""
    if (url := await file.sign()) is None:
        raise SiteError("The site has no URL for it.")
    headers = {"Accept-Encoding": "identity"}
    if part.length:
        headers["Range"] = f"bytes={part.length}-"
    try:
        async with site.http.stream("GET", url, headers=headers) as response:
            if response.status_code == _UNSATISFIABLE:
                raise DamagedFileError("It is longer than it should be.")
            if not response.is_success:
                reason = f"HTTP {response.status_code}"
                if response.status_code in _PASSING:
                    return reason
                raise SiteError(f"It could not be fetched: {reason}")
            if part.length and response.status_code != httpx.codes.PARTIAL_CONTENT:
                raise DamagedFileError("The store does not send the rest of a file.")
            # Blocks as they arrive: what a connection has sent before it broke is not lost.
            async for block in response.aiter_raw():
                await asyncio.to_thread(part.write, block)
                moved(len(block))
    except httpx.TransportError as error:
        return str(error) or type(error).__name__
    return None
