"""The URLs of objects in clouds, in all forms that their users write: which bucket, which key."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from urllib.parse import SplitResult, unquote, urlsplit

from gateway.clouds.base import CloudAccount, ObjectLocation
from gateway.kinds.enums import StorageLocationName

GOOGLE = "https://storage.googleapis.com"
SCHEMES = {
    StorageLocationName.S3: "s3",
    StorageLocationName.S3_COMPATIBLE: "s3",
    StorageLocationName.OPEN_TELEKOM: "s3",
    StorageLocationName.GCP: "gs",
}
"""By which URLs begin that name buckets and keys as they are, without escapes; Azure has none."""
LONGEST_KEY = 1024
"""Bytes, as UTF-8: no cloud takes more."""
_BUCKET = re.compile(r"[A-Za-z0-9$][A-Za-z0-9._-]{1,62}", re.ASCII)
_AMAZON = re.compile(
    r"(?:(?P<bucket>[a-z0-9.-]+)\.)?s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?", re.ASCII
)


def make_account(
    kind: str,
    endpoint: str | None,
    region: str | None,
    account: str | None,
    locations: Sequence[str],
) -> CloudAccount:
    """The account with these attributes, without credentials; raises `ValueError` for an impossible location."""
    plain = CloudAccount(StorageLocationName(kind), endpoint, region, account)
    return replace(plain, roots=tuple(parse_object_url(plain, location) for location in locations))


def parse_object_url(account: CloudAccount, url: str) -> ObjectLocation:
    """The bucket and the key that a URL of this account names; raises `ValueError`, which says what is wrong."""
    scheme, separator, rest = url.partition("://")
    if separator and scheme == SCHEMES.get(account.kind):
        bucket, _, key = rest.partition("/")
        return _checked(bucket, key)
    try:
        parts = urlsplit(url)
        found = next(_named(account, parts), None)
    except ValueError:
        raise ValueError("This is not a URL.") from None
    if scheme not in ("http", "https") or found is None:
        raise ValueError(
            f"This is no URL of the integration: those begin with {_beginning(account)}."
        )
    if parts.query or parts.fragment:
        raise ValueError(
            "The URL of an object in a cloud has no query and no fragment; a ? in a key is written %3F."
        )
    return _checked(found[0], unquote(found[1], errors="strict"))


def allowed_location(account: CloudAccount, url: str) -> ObjectLocation:
    """The same for a URL within the account's roots; raises `ValueError` for one outside, too."""
    place = parse_object_url(account, url)
    if not any(
        place.bucket == root.bucket and place.key.startswith(root.key) for root in account.roots
    ):
        raise ValueError("The URL lies outside the locations of the integration.")
    return place


def check_object_url(account: CloudAccount, url: str) -> None:
    """Raises `ValueError` unless a URL names one object within the account's roots."""
    if not allowed_location(account, url).key:
        raise ValueError("The URL names a bucket, not an object in it.")


def is_bucket_url(url: str) -> bool:
    """Whether a URL names a bucket and says nothing of where that is."""
    return url.partition("://")[0] in set(SCHEMES.values())


def azure_endpoint(account: str) -> str:
    """Where an account's blobs are."""
    return f"https://{account}.blob.core.windows.net"


def object_url(account: CloudAccount, place: ObjectLocation) -> str:
    """The URL that names a bucket and a key in the usual form of this kind of cloud."""
    if scheme := SCHEMES.get(account.kind):
        return f"{scheme}://{place.bucket}/{place.key}"
    return f"{_azure(account)}/{place.bucket}/{_escaped(place.key)}"


def _escaped(key: str) -> str:
    return re.sub(
        r"[%?#\s\\]", lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), key
    )


def _named(account: CloudAccount, parts: SplitResult) -> Iterator[tuple[str, str]]:
    """The bucket, and the key with its escapes, that a URL of https names."""
    path = parts.path.removeprefix("/")
    if account.kind is StorageLocationName.AZURE:
        base = urlsplit(_azure(account))
        inside = f"{parts.path}/".startswith(f"{base.path}/")
        if (parts.scheme, parts.netloc) == (base.scheme, base.netloc) and inside:
            yield _first(parts.path.removeprefix(base.path).removeprefix("/"))
        return
    if account.kind is StorageLocationName.S3 and (found := _AMAZON.fullmatch(parts.netloc)):
        yield (found["bucket"], path) if found["bucket"] else _first(path)
    base = urlsplit(account.endpoint or (GOOGLE if account.kind is StorageLocationName.GCP else ""))
    if base.netloc and parts.scheme == base.scheme:
        if parts.netloc == base.netloc:
            yield _first(path)
        elif parts.netloc.endswith(f".{base.netloc}"):
            yield parts.netloc.removesuffix(f".{base.netloc}"), path


def _first(path: str) -> tuple[str, str]:
    bucket, _, key = path.partition("/")
    return unquote(bucket), key


def _checked(bucket: str, key: str) -> ObjectLocation:
    if not _BUCKET.fullmatch(bucket):
        raise ValueError("The URL does not name a bucket.")
    if len(key.encode(errors="surrogatepass")) > LONGEST_KEY:
        raise ValueError(f"A key has at most {LONGEST_KEY:,} bytes.")
    if {".", ".."} & set(re.split(r"[/\\]", key)):
        raise ValueError(
            "The key has a part that is . or .., by which other programs see another key."
        )
    if any(ord(character) < 32 or ord(character) == 127 for character in key):
        raise ValueError("The key has a control character in it.")
    return ObjectLocation(bucket, key)


def _azure(account: CloudAccount) -> str:
    return (account.endpoint or azure_endpoint(account.account or "")).rstrip("/")


def _beginning(account: CloudAccount) -> str:
    scheme = SCHEMES.get(account.kind)
    return f"{scheme}://" if scheme else _azure(account)
