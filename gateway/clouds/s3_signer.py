"""Presigned S3 requests and S3 listings. boto3 signs; the requests are sent by the fetcher."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qs, quote, unquote_plus, urlsplit

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.loaders import create_loader
from botocore.session import Session as CoreSession

from gateway.clouds.aws_signatures import presign_get
from gateway.clouds.base import CloudAccount, CloudObject, ObjectLocation, ObjectPage
from gateway.clouds.xml import parse_timestamp, parse_xml, required_text
from gateway.errors import ErrorCode
from gateway.fetching.errors import AccessFault
from gateway.kinds.enums import S3AddressingStyle
from gateway.stores.downloads import Download
from gateway.stores.presigning import enable_dated_urls, presign_download

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

AddressingStyle = Literal["auto", "path", "virtual"]
_LOADER = create_loader()
"""Shared by all sessions, each of which would otherwise parse a megabyte of service models."""

_ARCHIVE_CLASSES = ("GLACIER", "DEEP_ARCHIVE")
"""Storage classes of objects that must be restored; those of `GLACIER_IR` need not be."""
_EXPRESS_SUFFIX = "--x-s3"
"""End of the names of directory buckets, whose requests are signed in another way."""
_STYLES: Mapping[S3AddressingStyle | None, AddressingStyle] = {
    S3AddressingStyle.PATH: "path",
    S3AddressingStyle.VIRTUAL: "virtual",
}


class S3Signer:
    """Signer of one account; without credentials, boto3 looks for the server's own."""

    def __init__(
        self,
        account: CloudAccount,
        *,
        endpoint: str | None,
        region: str,
        sets_cache_control: bool = True,
    ) -> None:
        self._sets_cache_control = sets_cache_control
        credentials = account.credentials or {}
        self._credentials = account.credentials
        self._servers: dict[str, tuple[str, str]] = {}
        """How URLs of a bucket begin, and the region of its signatures."""
        usual: AddressingStyle = "path" if endpoint else "auto"
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": _STYLES.get(account.addressing_style, usual)},
            # The environment configures the server's own store, not a customer's.
            ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # unknown to its stubs
        )
        core = CoreSession()
        core.register_component("data_loader", _LOADER)
        client = partial(
            Session(botocore_session=core).client,
            "s3",
            region_name=region,
            aws_access_key_id=credentials.get("access_key_id"),
            aws_secret_access_key=credentials.get("secret_access_key"),
            aws_session_token=credentials.get("session_token"),
            config=config,
        )
        self._client: S3Client = client(endpoint_url=endpoint)
        self._signing_client = self._client
        if account.public_endpoint:
            self._signing_client = client(endpoint_url=account.public_endpoint)
        enable_dated_urls(self._signing_client)

    def head(self, location: ObjectLocation, lifetime: timedelta) -> str:
        parameters = {"Bucket": location.bucket, "Key": location.key}
        return self._sign("head_object", parameters, lifetime)

    def get(self, location: ObjectLocation, lifetime: timedelta) -> str:
        parameters = {"Bucket": location.bucket, "Key": location.key}
        if not self._credentials or location.bucket.endswith(_EXPRESS_SUFFIX):
            return self._sign("get_object", parameters, lifetime)
        if location.bucket not in self._servers:
            signed = self._sign("get_object", {"Bucket": location.bucket, "Key": "x"}, lifetime)
            [scope] = parse_qs(urlsplit(signed).query)["X-Amz-Credential"]
            before_keys = signed.partition("?")[0].removesuffix("x")
            self._servers[location.bucket] = before_keys, scope.split("/")[-3]
        server, region = self._servers[location.bucket]
        url = server + quote(location.key, safe="/~")
        return presign_get(url, region, self._credentials, int(lifetime.total_seconds()))

    def download(self, location: ObjectLocation, download: Download) -> str:
        with _signing_errors():
            return presign_download(
                self._signing_client,
                location.bucket,
                location.key,
                download,
                sets_cache_control=self._sets_cache_control,
            )

    def page(
        self, location: ObjectLocation, after: str | None, size: int, lifetime: timedelta
    ) -> str:
        parameters = {
            "Bucket": location.bucket,
            "Prefix": location.key,
            "MaxKeys": size,
            "EncodingType": "url",  # XML 1.0 cannot carry every character that a key may have
        }
        if after is not None:
            parameters["ContinuationToken"] = after
        return self._sign("list_objects_v2", parameters, lifetime)

    def read_page(self, data: bytes) -> ObjectPage:
        root = parse_xml(data)
        is_encoded = root.findtext("EncodingType") == "url"
        objects = []
        for entry in root.iterfind("Contents"):
            key = required_text(entry, "Key")
            objects.append(
                CloudObject(
                    key=unquote_plus(key) if is_encoded else key,
                    size=int(required_text(entry, "Size")),
                    etag=entry.findtext("ETag"),
                    last_modified=parse_timestamp(entry.findtext("LastModified")),
                    is_archived=entry.findtext("StorageClass") in _ARCHIVE_CLASSES,
                )
            )
        is_truncated = required_text(root, "IsTruncated") == "true"
        following = required_text(root, "NextContinuationToken") if is_truncated else None
        return ObjectPage(objects, following)

    def _sign(self, operation: str, parameters: dict[str, Any], lifetime: timedelta) -> str:
        with _signing_errors():
            return self._client.generate_presigned_url(
                operation, Params=parameters, ExpiresIn=int(lifetime.total_seconds())
            )


@contextmanager
def _signing_errors() -> Iterator[None]:
    """Raise an `AccessFault` where boto3 raises that it cannot sign."""
    try:
        yield
    except BotoCoreError:
        message = (
            "Requests cannot be signed: check the integration's credentials, region and endpoint."
        )
        raise AccessFault(ErrorCode.CONFLICT, message) from None
