"""Types shared by all cloud providers: accounts, object locations, listings, signers."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from gateway.kinds.enums import S3AddressingStyle, StorageLocationName
from gateway.stores.downloads import Download


@dataclass(frozen=True, slots=True)
class ObjectLocation:
    """A bucket (Azure: container) and the key of an object or a prefix of keys."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True)
class CloudObject:
    """Metadata of an object: `size` in bytes; `etag` changes whenever the bytes do.

    `is_archived` says whether it must be restored before it can be read.
    """

    key: str
    size: int
    etag: str | None
    last_modified: datetime | None
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class ObjectPage:
    """One page of a listing, ordered by key; `next` continues it and is None on the last page."""

    objects: list[CloudObject]
    next: str | None


@dataclass(frozen=True, slots=True)
class CloudAccount:
    """Access of an integration to its cloud: endpoint, credentials, and the objects it covers.

    Only objects under `roots` may be touched; the key of a root is empty or ends in a slash.
    Without `credentials`, requests are signed with the server's own. URLs for clients begin with
    `public_endpoint`, if there is one, instead of `endpoint`.
    """

    kind: StorageLocationName
    endpoint: str | None = None
    region: str | None = None
    account: str | None = None
    public_endpoint: str | None = None
    addressing_style: S3AddressingStyle | None = None
    roots: tuple[ObjectLocation, ...] = ()
    credentials: dict[str, str] | None = field(default=None, repr=False)


class Signer(Protocol):
    """Presigned requests to one account, and the format of its listings.

    Signing needs no network, except that loading the server's own credentials may block.
    """

    def head(self, location: ObjectLocation, lifetime: timedelta) -> str:
        """Return a URL for a HEAD request on an object."""

    def get(self, location: ObjectLocation, lifetime: timedelta) -> str:
        """Return a URL for a GET request on an object, whole or by range."""

    def download(self, location: ObjectLocation, download: Download) -> str:
        """Return the URL of a client's download; equal downloads have equal URLs."""

    def page(
        self, location: ObjectLocation, after: str | None, size: int, lifetime: timedelta
    ) -> str:
        """Return a URL that lists `size` objects whose keys begin with the location's key."""

    def read_page(self, data: bytes) -> ObjectPage:
        """Parse the body of a listing; raises `ValueError` if it is not one."""
