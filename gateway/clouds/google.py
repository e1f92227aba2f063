"""Google Cloud Storage, through its XML API with HMAC keys, which is compatible with S3."""

from gateway.clouds.provider import AccountField
from gateway.clouds.s3_protocol import REGION, S3Provider
from gateway.kinds.enums import StorageLocationName


class GoogleCloudStorage(S3Provider):
    """Google Cloud Storage; an HMAC key has no session token."""

    kind = StorageLocationName.GCP
    url_scheme = "gs"
    fields = (AccountField("endpoint"), REGION)
    optional_credentials = frozenset()
    default_endpoint = "https://storage.googleapis.com"
    default_region = "auto"
    sets_cache_control = False
