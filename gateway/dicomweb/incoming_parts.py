"""The parts of a request that stores instances, each in a temporary file while it is looked at."""

import asyncio
import os
import re
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import gettempdir
from typing import IO

from gateway.dicomweb.file_elements import FileElements, UnreadableFile
from gateway.dicomweb.media_types import DICOM
from gateway.dicomweb.multipart import Part
from gateway.disks import Disk
from gateway.full_disks import InsufficientStorage
from gateway.http.negotiation import parse_media_type

CANNOT_UNDERSTAND, OTHER_STUDY, FAILED, NO_RESOURCES = 0xC000, 0xA900, 0x0110, 0xA700
"""Failure reasons (PS3.4, B.2.3): of files that are no DICOM, of those that belong elsewhere, of
those that could not be read, and of those that are too large."""
_UID = re.compile(r"[0-9.]{1,64}", re.ASCII)
_SOP_CLASS, _SOP_INSTANCE, _STUDY = 0x00080016, 0x00080018, 0x0020000D
_BLOCK = 1 << 20
_SPACE_BYTES = 32 << 20
"""Bytes after which the room on the disk is looked at again."""


@dataclass(frozen=True, slots=True)
class StorageFailure:
    """An instance that is not stored; its UIDs are None if they are not known."""

    reason: int
    message: str
    sop_class_uid: str | None = None
    sop_instance_uid: str | None = None


@dataclass(slots=True)
class SpooledPart:
    """A part in a temporary file.

    Attributes:
        uids: those of the SOP class, the SOP instance and the study, as far as they can be read.
    """

    file: IO[bytes] = field(repr=False)
    size: int = 0
    uids: dict[int, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The path of the file."""
        return Path(self.file.name)

    @property
    def name(self) -> str:
        """The name of the item, which is its UID."""
        uid = self.uids.get(_SOP_INSTANCE)
        return f"{uid}.dcm" if uid else "instance.dcm"

    async def read(self, start: int, stop: int) -> bytes:
        """Return the bytes from `start` up to, not including, `stop`; fewer at the end."""
        return await asyncio.to_thread(os.pread, self.file.fileno(), stop - start, start)

    def failure(self, reason: int, message: str) -> StorageFailure:
        """Return that this part is not stored."""
        return StorageFailure(
            reason, message, self.uids.get(_SOP_CLASS), self.uids.get(_SOP_INSTANCE)
        )


async def spool(
    part: Part, study_uid: str | None, min_free: int, most: int
) -> SpooledPart | StorageFailure:
    """Write a part to a temporary file, which the caller closes, unless it cannot be stored.

    Args:
        study_uid: the study to which it must belong, if the request names one.
        min_free: bytes of the disk that stay free.
        most: bytes of a file.

    Raises:
        InsufficientStorage: the disk has no room for it.
    """
    name, _ = parse_media_type(part.headers.get("content-type", DICOM))
    if name != DICOM:
        return StorageFailure(CANNOT_UNDERSTAND, f"A part is not of type {DICOM}.")
    spooled = SpooledPart(tempfile.NamedTemporaryFile(prefix="storegraph-"))  # noqa: SIM115
    try:
        await fill(spooled, part.content, Disk("temporary", Path(gettempdir()), min_free), most)
        failure = None
        if spooled.size > most:
            failure = StorageFailure(NO_RESOURCES, f"The file has more than {most:,} bytes.")
        else:
            await read_uids(spooled)
            if study_uid is not None and spooled.uids.get(_STUDY) != study_uid:
                failure = spooled.failure(OTHER_STUDY, "The instance is of another study.")
    except BaseException:
        spooled.file.close()
        raise
    if failure:
        spooled.file.close()
    return failure or spooled


async def fill(spooled: SpooledPart, content: AsyncIterator[bytes], disk: Disk, most: int) -> None:
    """Write the content of a part to its file, in blocks; the rest of what is too large is read.

    Raises:
        InsufficientStorage: the disk has no room for it.
    """
    block, unchecked = bytearray(), _SPACE_BYTES
    async for chunk in content:
        spooled.size += len(chunk)
        if spooled.size > most:
            continue
        block += chunk
        if len(block) >= _BLOCK:
            unchecked += len(block)
            if unchecked >= _SPACE_BYTES:
                space = await asyncio.to_thread(disk.space)
                if space.free - _SPACE_BYTES < space.needed:
                    raise InsufficientStorage("The disk of temporary files has no room.")
                unchecked = 0
            await asyncio.to_thread(spooled.file.write, block)
            block = bytearray()
    await asyncio.to_thread(spooled.file.write, block)
    await asyncio.to_thread(spooled.file.flush)


async def read_uids(spooled: SpooledPart) -> None:
    """Read the UIDs of a file, if it is DICOM that need not be inflated or turned around."""
    try:
        elements = await FileElements.open(spooled)
        for tag, extent in (await elements.extents({_SOP_CLASS, _SOP_INSTANCE, _STUDY})).items():
            uid = await elements.text(extent)
            if _UID.fullmatch(uid):
                spooled.uids[tag] = uid
    except UnreadableFile:
        pass  # the process that reads the whole file says what is wrong with it
