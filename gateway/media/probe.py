"""Telling what a file is from its bytes, and whether it is what it was said to be."""

import hashlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path, PurePath
from typing import cast

from gateway.kinds.enums import StorageItemType
from gateway.media.facts import MediaError, MediaFacts
from gateway.media.length import check_length
from gateway.media.ranged import File, RangedFile
from gateway.media.sniff import UNKNOWN, sniff

Read = Callable[[File, MediaFacts], MediaFacts]


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads items of a type: a module of this package; what to call them; how their MIME types begin."""

    module: str
    noun: str
    accepts: tuple[str, ...]

    @property
    def read(self) -> Read:
        """Imported when first needed: most processes never need them all, and some take a second to load."""
        return cast("Read", import_module(f"gateway.media.{self.module}").read)


MAY_BE_SOUND_ONLY = ("video/mp4", "video/webm", "video/quicktime", "video/3gpp")

READERS = {
    StorageItemType.IMAGE: Reader("image", "an image", ("image/",)),
    StorageItemType.VIDEO: Reader("video", "a video", ("video/", "audio/ogg")),
    StorageItemType.AUDIO: Reader("audio", "audio", ("audio/", *MAY_BE_SOUND_ONLY)),
    StorageItemType.DICOM_FILE: Reader("dicom", "a DICOM file", ("application/dicom", UNKNOWN)),
    StorageItemType.NIFTI: Reader("nifti", "a NIfTI volume", ("application/x-nifti",)),
    StorageItemType.PDF: Reader("pdf", "a PDF document", ("application/pdf",)),
    StorageItemType.TIMESERIES: Reader("timeseries", "a time series", ("text/",)),
    StorageItemType.SCENE: Reader("scene", "a scene", ("",)),
    StorageItemType.PLAIN_TEXT: Reader(
        "text", "text", ("text/", "application/json", "application/xml", UNKNOWN)
    ),
}

# Bytes cannot tell these from plain text, so that here, and only here, the name is asked.
KINDS_OF_TEXT = {
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".json": "application/json",
}


def probe(path: Path | RangedFile, item_type: StorageItemType, name: str) -> MediaFacts:
    """Read everything that the item's row is to say of the file; `name` is what its owner calls it.

    It may take long and much memory: run it in a process of its own, as `Prober` does.

    Raises:
        MediaError: empty, truncated, broken, oversized, or of another type; the message is for the owner.
        MemoryError: the file needs more than there is.
        OSError: the file cannot be reached, which is not the file's fault.
    """
    reader = READERS.get(item_type)
    if reader is None:
        raise MediaError(f"files of the type {item_type} cannot be read yet")
    facts = first_facts(path, name)
    if not facts.mime_type.startswith(reader.accepts):
        raise MediaError(f"said to be {reader.noun}, but the content is {facts.mime_type}")
    check_length(path, facts.file_size)
    return complete(reader.read, path, facts)


def first_facts(path: Path | RangedFile, name: str) -> MediaFacts:
    """What can be said of any file: digest, size, type.

    Raises:
        MediaError: empty.
        OSError: the file cannot be reached.
    """
    digest, size = digested(path) if isinstance(path, Path) else (None, path.size)
    if not size:
        raise MediaError("the file is empty")
    mime_type = sniff(path)
    if mime_type == "text/plain":
        mime_type = KINDS_OF_TEXT.get(PurePath(name).suffix.lower(), mime_type)
    return MediaFacts(digest, size, mime_type)


def digested(path: Path) -> tuple[str, int]:
    """The digest of a file on this machine, and its size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.tell()


def complete(read: Read, path: File, facts: MediaFacts) -> MediaFacts:
    """Let the reader complete the facts; whatever a library makes of a hostile file becomes a MediaError.

    Raises:
        MediaError: see `probe`.
        MemoryError: see `probe`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # the libraries warn of oddities; ours is to accept or to refuse
        try:
            return read(path, facts)
        except (MediaError, MemoryError):
            raise
        except Exception as error:  # there is no list of what they may raise
            raise MediaError(
                f"the file is broken or truncated: it cannot be read as {facts.mime_type}"
            ) from error
