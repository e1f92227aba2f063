"""Base class of providers that speak the S3 protocol; boto3 signs their requests."""

import re
from typing import ClassVar
from urllib.parse import SplitResult, unquote, urlsplit

from gateway.clouds.base import CloudAccount, Signer
from gateway.clouds.provider import AccountField, CloudProvider, split_path

REGION = AccountField(
    "region",
    pattern=re.compile(r"[a-z0-9-]{1,64}", re.ASCII),
    expected="1 to 64 lowercase letters, digits and hyphens",
)


class S3Provider(CloudProvider):
    """A cloud that is reached with S3 requests at `account.endpoint`."""

    url_scheme = "s3"
    required_credentials = frozenset({"access_key_id", "secret_access_key"})
    optional_credentials = frozenset({"session_token"})
    credential_error_codes = frozenset(
        {
            "ExpiredToken",
            "InvalidAccessKeyId",
            "InvalidSecurity",
            "InvalidToken",
            "SignatureDoesNotMatch",
        }
    )
    default_endpoint: ClassVar[str | None] = None
    default_region: ClassVar[str] = "us-east-1"
    sets_cache_control: ClassVar[bool] = True
    """Whether a request can set the Cache-Control of its response."""

    def signer(self, account: CloudAccount) -> Signer:
        # Imported late because boto3 takes a quarter of a second, and parsing URLs does not use it.
        from gateway.clouds.s3_signer import S3Signer

        return S3Signer(
            account,
            endpoint=account.endpoint or self.default_endpoint,
            region=account.region or self.default_region,
            sets_cache_control=self.sets_cache_control,
        )

    def split_https_url(self, account: CloudAccount, url: SplitResult) -> tuple[str, str] | None:
        base = urlsplit(account.endpoint or self.default_endpoint or "")
        if not base.netloc or url.scheme != base.scheme:
            return None
        if url.netloc == base.netloc:
            bucket, key = split_path(url.path.removeprefix("/"))
            return unquote(bucket), key
        if url.netloc.endswith(f".{base.netloc}"):
            return url.netloc.removesuffix(f".{base.netloc}"), url.path.removeprefix("/")
        return None
