"""What every cloud can do for us: say where to ask, with a signature, and tell what an answer to a listing means."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from gateway.kinds.enums import StorageLocationName


@dataclass(frozen=True, slots=True)
class ObjectLocation:
    """An object, or the objects that have a prefix, in a bucket; Azure calls buckets containers."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class CloudObject:
    """What a cloud says of one object: `size` in bytes; `etag` changes when its bytes do."""

    key: str
    size: int
    etag: str | None
    last_modified: datetime | None


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """Objects in the order of their keys, and what to give for the next page; None if this is the last."""

    objects: list[CloudObject]
    next: str | None


@dataclass(frozen=True, slots=True)
class CloudAccount:
    """How a store is reached, what may be touched there, and with what: without credentials the server's own are taken.

    The key of each of `roots` is empty or ends in a slash.
    """

    kind: StorageLocationName
    endpoint: str | None = None
    region: str | None = None
    account: str | None = None
    roots: tuple[ObjectLocation, ...] = ()
    credentials: dict[str, str] | None = field(default=None, repr=False)


class Signer(Protocol):
    """One kind of cloud. URLs are signed here and now, but for the server's own credentials, which may take a while."""

    def head(self, place: ObjectLocation, lifetime: timedelta) -> str:
        """The URL that answers a HEAD with what there is to know of an object."""

    def get(
        self,
        place: ObjectLocation,
        lifetime: timedelta,
        *,
        file_name: str = "",
        content_type: str = "",
    ) -> str:
        """The URL of an object, in whole or in part; with a name it comes as an attachment of that name and type."""

    def page(self, place: ObjectLocation, after: str | None, size: int, lifetime: timedelta) -> str:
        """The URL of a page of the objects whose keys begin with that of `place`."""

    def read_page(self, data: bytes) -> ObjectPage:
        """What the answer to that says; raises `ValueError` for what is no such answer."""
