"""Base class of cloud providers: what one must declare, and the URL rules common to all."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import SplitResult, unquote, urlsplit

from gateway.clouds.base import CloudAccount, ObjectLocation, Signer
from gateway.kinds.enums import StorageLocationName

MAX_KEY_BYTES = 1024
"""Longest object key in bytes of UTF-8; no provider accepts more."""
_BUCKET = re.compile(r"[A-Za-z0-9$][A-Za-z0-9._-]{1,62}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AccountField:
    """A field of an integration that a provider takes: `endpoint`, `region` or `account`.

    The value must match `pattern`, if there is one; `expected` describes it in errors.
    """

    name: str
    is_required: bool = False
    pattern: re.Pattern[str] | None = None
    expected: str = ""


class CloudProvider(ABC):
    """One kind of cloud: its settings and credentials, its URL forms, and its signatures."""

    kind: ClassVar[StorageLocationName]
    url_scheme: ClassVar[str | None] = None
    """Scheme of URLs such as `s3://bucket/key`, whose keys are not percent-encoded."""
    fields: ClassVar[tuple[AccountField, ...]] = ()
    required_credentials: ClassVar[frozenset[str]] = frozenset()
    optional_credentials: ClassVar[frozenset[str]] = frozenset()
    accepts_server_credentials: ClassVar[bool] = False
    endpoint_has_path: ClassVar[bool] = False
    """Whether an endpoint may have a path, as `https://host/account`."""
    credential_error_codes: ClassVar[frozenset[str]] = frozenset()
    """Codes in error responses that mean the credentials are unknown, wrong or expired."""

    @abstractmethod
    def signer(self, account: CloudAccount) -> Signer:
        """Return the signer of an account. May read files, so call it in a thread."""

    @abstractmethod
    def split_https_url(self, account: CloudAccount, url: SplitResult) -> tuple[str, str] | None:
        """Return the bucket and the still percent-encoded key of an http(s) URL of the account.

        None if the URL belongs to something else.
        """

    def object_url(self, account: CloudAccount, location: ObjectLocation) -> str:
        """Return the URL of a location in the form in which it is stored and shown."""
        return f"{self.url_scheme}://{location.bucket}/{location.key}"

    def url_prefix(self, account: CloudAccount) -> str:
        """Return how URLs of the account usually begin, for error messages."""
        return f"{self.url_scheme}://"

    def parse_url(self, account: CloudAccount, url: str) -> ObjectLocation:
        """Return the location that a URL names; raises `ValueError` with a message for users."""
        scheme, separator, rest = url.partition("://")
        if separator and scheme == self.url_scheme:
            return _validated(*split_path(rest))
        try:
            parts = urlsplit(url)
            match = self.split_https_url(account, parts)
        except ValueError:
            raise ValueError("Not a valid URL.") from None
        if scheme not in ("http", "https") or match is None:
            prefix = self.url_prefix(account)
            raise ValueError(f"Not a URL of this integration; its URLs begin with {prefix}.")
        if parts.query or parts.fragment:
            raise ValueError(
                "URLs of cloud objects have no query and no fragment; in a key, write ? as %3F "
                "and # as %23."
            )
        bucket, key = match
        try:
            return _validated(bucket, unquote(key, errors="strict"))
        except UnicodeDecodeError:
            raise ValueError("The key is not percent-encoded UTF-8.") from None


def split_path(path: str) -> tuple[str, str]:
    """Split `bucket/key`."""
    bucket, _, key = path.partition("/")
    return bucket, key


def _validated(bucket: str, key: str) -> ObjectLocation:
    if not _BUCKET.fullmatch(bucket):
        raise ValueError("The URL does not name a bucket.")
    if len(key.encode(errors="surrogatepass")) > MAX_KEY_BYTES:
        raise ValueError(f"Object keys must have at most {MAX_KEY_BYTES:,} bytes.")
    if {".", ".."} & set(re.split(r"[/\\]", key)):
        raise ValueError(
            "The key contains a . or .. segment, which other programs resolve to a different key."
        )
    if any(ord(character) < 32 or ord(character) == 127 for character in key):
        raise ValueError("The key contains a control character.")
    return ObjectLocation(bucket, key)
