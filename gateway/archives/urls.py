"""Signed URLs of archives, which name their subject and whose rights count when they are used."""

from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from gateway.auth.url_holders import holder_of, url_bounds
from gateway.auth.viewer import Viewer
from gateway.clock import now
from gateway.context import Services
from gateway.errors import DomainError, ErrorCode
from gateway.stores.base import SignedRequest
from gateway.stores.downloads import plan_download
from gateway.stores.signing import sign_query, verify_query

PREFIX = "/archives"
MEDIA_TYPE = "application/zip"


class SubjectKind(StrEnum):
    """Kind of object of which there are archives, as URLs name it."""

    FOLDER = "folder"
    ITEM = "item"
    COLLECTION = "collection"
    STUDY = "study"


class Subject(NamedTuple):
    """An object of which there is an archive."""

    kind: SubjectKind
    uuid: UUID

    @property
    def path(self) -> str:
        """The path of the archive's URL, which no object in the store has."""
        return f"{PREFIX}/{self.kind}/{self.uuid.hex}"


class SignedClaims(NamedTuple):
    """Contents of a signed URL: the credential that counts, and the name of the file."""

    holder: str
    name: str


def archives_url(services: Services) -> str | None:
    """Return how the URLs of archives begin; None if no process of the site serves them."""
    settings = services.settings
    if services.store.disk is not None:
        return settings.public_url.rstrip("/")
    return settings.bytes_url.rstrip("/") or None


def sign_archive(
    services: Services, viewer: Viewer, subject: Subject, name: str, lifetime: timedelta
) -> SignedRequest | None:
    """Return a request that downloads an archive; None if no process serves them.

    Raises:
        DomainError: `UNAUTHENTICATED`, the viewer has no credential.
    """
    if viewer.is_anonymous:
        message = "Archives are for those who are signed in. Send a credential."
        raise DomainError(ErrorCode.UNAUTHENTICATED, message)
    base = archives_url(services)
    if base is None:
        return None
    longest = url_bounds(services.settings, viewer).longest
    download = plan_download(f"{name}.zip", MEDIA_TYPE, lifetime, longest)
    if not services.settings.bind_signed_urls:
        # Unlike API keys, JWTs are for minutes. Their users are looked up when the URL is used.
        viewer = replace(viewer, expires_at=None)
    claims = {"name": download.file_name, "holder": holder_of(viewer)}
    query = sign_query(services.url_secrets[0], "GET", subject.path, download.expires_at, claims)
    return SignedRequest(f"{base}{subject.path}?{query}", "GET", download.expires_at)


def read_archive_url(services: Services, subject: Subject, query: str) -> SignedClaims:
    """Return the contents of a signed URL; raises `BadSignature`."""
    claims = verify_query(services.url_secrets, "GET", subject.path, query, now())
    return SignedClaims(claims["holder"], claims["name"])
