"""Port of the object store, which holds the bytes of items and signs the URLs of clients."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from gateway.clock import now
from gateway.disks import Disk
from gateway.stores.downloads import MAX_LIFETIME

MAX_PARTS = 10_000
"""Parts of a multipart upload at most; S3 accepts no more."""


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request that anyone may send, exactly as described, until `expires_at` (UTC)."""

    url: str
    method: str
    expires_at: datetime
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UrlBounds:
    """Bounds on the use of a signed URL.

    Attributes:
        longest: the time after which it is valid in no case.
        holder: the credential that it works with only; None if it works for anyone. Only the disk
            store, whose URLs the gateway serves, can tell.
    """

    longest: timedelta = MAX_LIFETIME
    holder: str | None = None


ANYONE = UrlBounds()


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """Metadata of an object: `size` in bytes.

    It has no media type: that is read from the bytes, whatever the sender declared.
    """

    key: str
    size: int


@dataclass(frozen=True, slots=True)
class UploadedPart:
    """A stored part of a multipart upload: `number` from 1 to `MAX_PARTS`, `size` in bytes."""

    number: int
    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class DeclaredUpload:
    """A client's declaration of what it will send: `size` in bytes, `sha256` in hex digits."""

    size: int
    content_type: str
    sha256: str | None = None


class ObjectStore(Protocol):
    """A store of immutable objects under opaque keys, which `new_key` generates.

    Methods raise `MissingObject` only where they say so; else a missing object is None or ignored.
    For an invalid key, `info` returns None and all other methods raise `BadKey`.
    """

    @property
    def client_url(self) -> str:
        """Return how the URLs that are signed for clients begin."""

    @property
    def disk(self) -> Disk | None:
        """Return the disk of this machine that the objects are on; None if they are elsewhere."""

    @property
    def part_size(self) -> int:
        """Return the bytes of every part of a multipart upload except the last."""

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        """Store a small object atomically."""

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        """Store the bytes of a file of any size atomically; replaces an existing object."""

    async def info(self, key: str) -> ObjectInfo | None:
        """Return the metadata of an object; None if it does not exist."""

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes from `start` up to, not including, `stop`; raises `MissingObject`."""

    def local(self, key: str) -> AbstractAsyncContextManager[Path]:
        """Yield a file with the object's bytes, to be read only.

        Raises:
            MissingObject: the object does not exist, or was removed before the block has read it.
        """

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that do not exist are ignored."""

    def objects(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        """Yield the objects whose keys begin with `prefix`, in the order of their keys.

        Files under names that no object can have are passed over.
        """

    async def sign_get(
        self,
        key: str,
        file_name: str,
        content_type: str,
        lifetime: timedelta,
        *,
        is_inline: bool = False,
        bounds: UrlBounds = ANYONE,
    ) -> SignedRequest:
        """Return a request that downloads the object under that name and with that type.

        Browsers save it, or show it if `is_inline`. The URL is valid for at least `lifetime` within
        its bounds, and stays the same for a while, as `plan_download` rounds its times.
        """

    async def sign_put(
        self, key: str, upload: DeclaredUpload, lifetime: timedelta, bounds: UrlBounds = ANYONE
    ) -> SignedRequest:
        """Return a request that uploads exactly the declared bytes.

        The store refuses other lengths, types and checksums, and a second upload: once the object
        exists, the holder of the URL cannot replace it.
        """

    async def begin_parts(self, key: str, content_type: str) -> str:
        """Start a multipart upload and return its id."""

    async def sign_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        size: int,
        lifetime: timedelta,
        bounds: UrlBounds = ANYONE,
    ) -> SignedRequest:
        """Return a request that uploads or replaces one part, of exactly `size` bytes."""

    async def parts(self, key: str, upload_id: str) -> list[UploadedPart]:
        """Return the parts that have arrived, ordered by number."""

    async def complete_parts(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> None:
        """Assemble the parts into one object; raises `IncompleteUpload` if one does not match.

        This ends the upload, so a second call raises as well: check `info` before retrying.
        """

    async def abort_parts(self, key: str, upload_id: str) -> None:
        """Delete a multipart upload and its parts; an unknown upload is ignored."""

    async def sweep(self) -> None:
        """Delete partial objects that a killed process left behind at least a day ago."""

    async def check(self) -> None:
        """Raise an exception unless objects can be stored and read now."""

    async def time(self) -> datetime | None:
        """Return the current time by the store's clock in UTC, which may be off by half a second.

        None if the store is on this machine.
        """

    async def close(self) -> None:
        """Release threads and connections."""


class MissingObject(Exception):
    """Raised when the store has no object with that key."""


class BadKey(MissingObject):
    """Raised for a key that no object can have."""


class IncompleteUpload(Exception):
    """Raised when a part is missing or differs from its description."""


def expires_after(lifetime: timedelta) -> datetime:
    """Return when a URL signed now expires: UTC, in whole seconds as signatures have them."""
    return (now() + lifetime).replace(microsecond=0)
