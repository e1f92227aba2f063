"""URLs of objects in clouds: which bucket and key they name, and whether an account covers them."""

from collections.abc import Sequence
from dataclasses import replace

from gateway.clouds.base import CloudAccount, ObjectLocation
from gateway.clouds.providers import PROVIDERS, URL_SCHEMES
from gateway.kinds.enums import S3AddressingStyle, StorageLocationName


def make_account(
    kind: str,
    endpoint: str | None,
    region: str | None,
    account: str | None,
    locations: Sequence[str],
    public_endpoint: str | None = None,
    addressing_style: S3AddressingStyle | None = None,
) -> CloudAccount:
    """Return an account without credentials; raises `ValueError` for an invalid location."""
    plain = CloudAccount(
        StorageLocationName(kind), endpoint, region, account, public_endpoint, addressing_style
    )
    roots = tuple(parse_object_url(plain, location) for location in locations)
    return replace(plain, roots=roots)


def parse_object_url(account: CloudAccount, url: str) -> ObjectLocation:
    """Return the location that a URL names; raises `ValueError` with a message for users."""
    return PROVIDERS[account.kind].parse_url(account, url)


def allowed_location(account: CloudAccount, url: str) -> ObjectLocation:
    """Return the location that a URL names under the account's roots; else raise `ValueError`."""
    location = parse_object_url(account, url)
    if not any(
        location.bucket == root.bucket and location.key.startswith(root.key)
        for root in account.roots
    ):
        raise ValueError("The URL is outside the integration's locations.")
    return location


def check_object_url(account: CloudAccount, url: str) -> None:
    """Raise `ValueError` unless a URL names one object under the account's roots."""
    if not allowed_location(account, url).key:
        raise ValueError("The URL names a bucket, not an object in it.")


def is_bucket_url(url: str) -> bool:
    """Return whether a URL names a bucket but not the cloud that has it, as `s3://bucket/key`."""
    return url.partition("://")[0] in URL_SCHEMES


def object_url(account: CloudAccount, location: ObjectLocation) -> str:
    """Return the URL of a location in the form in which it is stored and shown."""
    return PROVIDERS[account.kind].object_url(account, location)
