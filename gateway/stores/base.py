"""The object store port: where bytes lie, and how a client reaches them without the gateway in between."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

MAX_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request that the holder may send until `expires_at` (UTC), exactly as described and with these headers."""

    url: str
    method: str
    expires_at: datetime
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a store knows of one object; `size` in bytes. Its media type is told by its bytes, not by their sender."""

    key: str
    size: int


@dataclass(frozen=True, slots=True)
class UploadedPart:
    """One stored part of a multipart upload; `number` counts from 1 to `MAX_PARTS`, `size` in bytes."""

    number: int
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class DeclaredUpload:
    """What a client declared of the bytes that it is about to send; `size` in bytes, `sha256` in hex digits."""

    size: int
    content_type: str
    sha256: str | None = None


class ObjectStore(Protocol):
    """Keys are opaque and made by the gateway. A missing object is `None` or nothing, never an error, unless said.

    A key that no object can have is like one that is missing to `info`, and `BadKey` to all others.
    """

    @property
    def part_size(self) -> int:
        """Bytes in each part of a multipart upload but the last."""

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store a small object whole; nobody ever sees half of it."""

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        """Store the bytes of a file of any size, in the place of what is there; nobody ever sees half of it."""

    async def info(self, key: str) -> ObjectInfo | None:
        """What is known of an object, or None."""

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        """The bytes from `start` up to, not including, `stop`, as in a slice; raises `MissingObject`."""

    def local(self, key: str) -> AbstractAsyncContextManager[Path]:
        """A file with the object's bytes, to be read only, while the context lasts; raises `MissingObject`."""

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are gone already are no error."""

    def keys(self, prefix: str = "") -> AsyncIterator[str]:
        """Every key that begins with `prefix`, in order."""

    async def sign_get(
        self, key: str, file_name: str, content_type: str, lifetime: timedelta
    ) -> SignedRequest:
        """A download of the object as an attachment with that name and type."""

    async def sign_put(
        self, key: str, upload: DeclaredUpload, lifetime: timedelta
    ) -> SignedRequest:
        """An upload of exactly the declared bytes: other lengths, types and checksums are refused by the store.

        It succeeds once. Whoever holds the URL cannot change the object after somebody has looked at it.
        """

    async def begin_parts(self, key: str, content_type: str) -> str:
        """Start a multipart upload; its id."""

    async def sign_part(
        self, key: str, upload_id: str, number: int, size: int, lifetime: timedelta
    ) -> SignedRequest:
        """An upload of one part, of exactly `size` bytes; sent again it replaces the part."""

    async def parts(self, key: str, upload_id: str) -> list[UploadedPart]:
        """The parts that have arrived, by number."""

    async def complete_parts(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> None:
        """Make one object of the parts; raises `IncompleteUpload` when one is not there as described.

        The upload is gone afterwards, so a second call raises it too: look at `info` before repeating one.
        """

    async def abort_parts(self, key: str, upload_id: str) -> None:
        """Forget a multipart upload and its parts; one that is gone already is no error."""

    async def sweep(self) -> None:
        """Remove what is left of objects that were on their way when a process was killed, a day ago or earlier."""

    async def close(self) -> None:
        """Give back threads and connections."""


class MissingObject(Exception):
    """The store has no object under that key."""


class BadKey(MissingObject):
    """No object can have that key."""


class IncompleteUpload(Exception):
    """A part of the upload is not there as described."""


def expires_after(lifetime: timedelta) -> datetime:
    """When a URL expires that is signed now: UTC, in whole seconds, as signatures count."""
    return (datetime.now(UTC) + lifetime).replace(microsecond=0)
