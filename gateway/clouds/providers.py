"""Registry of cloud providers: the only module that names them all."""

from gateway.clouds.amazon import AmazonS3
from gateway.clouds.azure import Azure
from gateway.clouds.google import GoogleCloudStorage
from gateway.clouds.open_telekom import OpenTelekom
from gateway.clouds.provider import CloudProvider
from gateway.clouds.s3_compatible import S3Compatible
from gateway.kinds.enums import StorageLocationName

PROVIDERS: dict[StorageLocationName, CloudProvider] = {
    provider.kind: provider
    for provider in (AmazonS3(), S3Compatible(), OpenTelekom(), GoogleCloudStorage(), Azure())
}
"""Every provider by its kind. Kinds that are missing are not clouds: integrations refuse them."""

URL_SCHEMES = frozenset(
    provider.url_scheme for provider in PROVIDERS.values() if provider.url_scheme
)
"""Schemes of URLs that name a bucket but not where it is, such as `s3`."""
