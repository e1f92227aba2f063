"""Amazon S3: virtual-hosted and path-style URLs in all regions."""

import re
from urllib.parse import SplitResult, unquote

from gateway.clouds.base import CloudAccount
from gateway.clouds.provider import split_path
from gateway.clouds.s3_protocol import REGION, S3Provider
from gateway.kinds.enums import StorageLocationName

_HOST = re.compile(
    r"(?:(?P<bucket>[a-z0-9.-]+)\.)?s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?", re.ASCII
)


class AmazonS3(S3Provider):
    """Amazon S3, at the endpoint that boto3 chooses for the region."""

    kind = StorageLocationName.S3
    fields = (REGION,)
    accepts_server_credentials = True

    def split_https_url(self, account: CloudAccount, url: SplitResult) -> tuple[str, str] | None:
        match = _HOST.fullmatch(url.netloc)
        if match is None:
            return super().split_https_url(account, url)
        if match["bucket"]:
            return match["bucket"], url.path.removeprefix("/")
        bucket, key = split_path(url.path.removeprefix("/"))
        return unquote(bucket), key
