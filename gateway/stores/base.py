"""The object store port: where bytes lie, and how a client reaches them without the gateway in between."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request that the holder may send once or often until `expires_at` (UTC), exactly as described."""

    url: str
    method: str
    expires_at: datetime
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a store knows of one object; `size` in bytes."""

    key: str
    size: int
    content_type: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """One stored part of a multipart upload; `number` counts from 1, `size` in bytes."""

    number: int
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class Upload:
    """What a client declared of the bytes that it is about to send."""

    size: int
    content_type: str
    sha256: str | None = None


class ObjectStore(Protocol):
    """Keys are opaque and made by the gateway. A missing object is `None` or nothing, never an error, unless said."""

    @property
    def part_size(self) -> int:
        """Bytes in each part of a multipart upload but the last."""

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store a small object whole; nobody ever sees half of it."""

    async def info(self, key: str) -> ObjectInfo | None:
        """Size and type of an object, or None."""

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        """The bytes from `start` up to, not including, `stop`; raises `MissingObject`."""

    def local(self, key: str) -> AbstractAsyncContextManager[Path]:
        """A file with the object's bytes, for as long as the context lasts; raises `MissingObject`."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are gone already are no error."""

    def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Every key that begins with `prefix`, in order."""

    async def sign_get(self, key: str, file_name: str, content_type: str, lifetime: timedelta) -> SignedRequest:
        """A download of the object as an attachment with that name and type."""

    async def sign_put(self, key: str, upload: Upload, lifetime: timedelta) -> SignedRequest:
        """An upload of exactly the declared bytes: other lengths, types and checksums are refused by the store."""

    async def begin_parts(self, key: str, content_type: str) -> str:
        """Start a multipart upload; its id."""

    async def sign_part(self, key: str, upload_id: str, number: int, size: int, lifetime: timedelta) -> SignedRequest:
        """An upload of one part, of exactly `size` bytes."""

    async def parts(self, key: str, upload_id: str) -> list[Part]:
        """The parts that have arrived, by number."""

    async def complete_parts(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        """Make one object of the parts; raises `IncompleteUpload` when one is not there as described."""

    async def abort_parts(self, key: str, upload_id: str) -> None:
        """Forget a multipart upload and its parts; one that is gone already is no error."""

    async def close(self) -> None:
        """Give back threads and connections."""


class MissingObject(Exception):
    """The store has no object under that key."""


class IncompleteUpload(Exception):
    """A part of the upload is not there as described."""
