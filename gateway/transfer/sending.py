"""Sending the bytes of a file to its upload target: in one request, or in parts."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from gateway.transfer.site import Site, SiteError, pause_after, pause_of

_BLOCK = 1 << 20
_PARTS_SIGNED_AT_ONCE = 100
_PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 507})
"""Answers of a store after which the same request may succeed."""
_ALREADY_THERE = 412

TARGET_FIELDS = "itemUuid alreadyStored url method uploadHeaders partSize partCount"
_SIGNED_PARTS = "parts { number size url method uploadHeaders }"
_ARRIVED = """
query ($uuid: UUID!) {
  pendingUploads(itemUuids: [$uuid]) { nodes { hasArrived uploadedParts { number size } } }
}
"""


class FileChangedError(Exception):
    """Raised when a file is shorter than it was when it was announced."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path.name} became shorter while it was sent.")


async def send_file(
    site: Site, target: Mapping[str, Any], path: Path, size: int, moved: Callable[[int], None]
) -> None:
    """Send a file to a target that `TARGET_FIELDS` describe; parts that have arrived are not sent.

    Args:
        moved: called with the number of bytes after each block; negative if they were in vain.

    Raises:
        SiteError: the store refuses the file, or cannot be reached.
        OSError: the file cannot be read.
        FileChangedError: the file is shorter than `size`.
    """
    if target["url"] is not None:
        await _put(site, target, FileSpan(path, 0, size, moved))
        return
    part_size, uuid = int(target["partSize"]), target["itemUuid"]
    missing = await _missing_parts(site, target, size)
    for start in range(0, len(missing), _PARTS_SIGNED_AT_ONCE):
        numbers = missing[start : start + _PARTS_SIGNED_AT_ONCE]
        signed = await site.mutate(
            "signUploadParts", _SIGNED_PARTS, itemUuid=uuid, partNumbers=numbers
        )
        for part in signed["parts"]:
            begin = (part["number"] - 1) * part_size
            await _put(site, part, FileSpan(path, begin, int(part["size"]), moved))
    # Also if they were combined before: the site may not have noted it.
    await site.mutate("completeUploadParts", "item { uuid }", itemUuid=uuid)


async def _missing_parts(site: Site, target: Mapping[str, Any], size: int) -> list[int]:
    """Return the numbers of the parts that have not arrived in an earlier upload of the file."""
    numbers = range(1, target["partCount"] + 1)
    uploads = (await site.query(_ARRIVED, uuid=target["itemUuid"]))["pendingUploads"]["nodes"]
    if not uploads:
        return list(numbers)
    if uploads[0]["hasArrived"]:
        return []
    arrived = {(part["number"], int(part["size"])) for part in uploads[0]["uploadedParts"]}
    whole = int(target["partSize"])
    sizes = {number: min(whole, size - (number - 1) * whole) for number in numbers}
    return [number for number in numbers if (number, sizes[number]) not in arrived]


class FileSpan:
    """A span of a file as the body of a request, which may be sent again."""

    def __init__(self, path: Path, begin: int, size: int, moved: Callable[[int], None]) -> None:
        self.size = size
        self._path = path
        self._begin = begin
        self._moved = moved
        self._sent = 0

    async def body(self) -> bytes | AsyncIterator[bytes]:
        """Return the span: whole if it is small, otherwise block by block."""
        self._note(-self._sent)
        if self.size > _BLOCK:
            return self._blocks()
        content = await asyncio.to_thread(self._read_whole)
        self._note(len(content))
        return content

    def _read_whole(self) -> bytes:
        with self._path.open("rb") as file:
            file.seek(self._begin)
            content = file.read(self.size)
        if len(content) < self.size:
            raise FileChangedError(self._path)
        return content

    async def _blocks(self) -> AsyncIterator[bytes]:
        with await asyncio.to_thread(self._path.open, "rb") as file:
            left = self.size
            await asyncio.to_thread(file.seek, self._begin)
            while left:
                block = await asyncio.to_thread(file.read, min(_BLOCK, left))
                if not block:
                    raise FileChangedError(self._path)
                left -= len(block)
                yield block
                self._note(len(block))

    def _note(self, moved: int) -> None:
        self._sent += moved
        if moved:
            self._moved(moved)


async def _put(site: Site, target: Mapping[str, Any], span: FileSpan) -> None:
    headers = {**target["uploadHeaders"], "Content-Length": str(span.size)}
    reason = ""
    for attempt in range(1, site.attempts + 1):
        pause = pause_after(attempt)
        try:
            response = await site.http.request(
                target["method"], target["url"], content=await span.body(), headers=headers
            )
            if response.is_success or response.status_code == _ALREADY_THERE:
                return
            reason = f"HTTP {response.status_code}: {response.text[:200].strip()}"
            if response.status_code not in _PASSING:
                break
            pause = pause_of(response) or pause
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
        if attempt < site.attempts:
            await asyncio.sleep(pause)
    raise SiteError(f"The store refused the file: {reason}")
