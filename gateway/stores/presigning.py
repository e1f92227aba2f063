"""Presigned S3 requests as of a given time: boto3 itself signs only as of now."""

from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.auth import AUTH_TYPE_MAPS, SIGV4_TIMESTAMP, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest

from gateway.stores.downloads import Download

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_BOTO3_AUTH = "s3v4-query"
_DATED_AUTH = "storegraph-dated-query"
_signing_time: ContextVar[datetime] = ContextVar("signing_time")


class DatedQueryAuth(S3SigV4QueryAuth):
    """Signature version 4 in the query, as of the time for which `presign` signs."""

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        request.context["timestamp"] = _signing_time.get().strftime(SIGV4_TIMESTAMP)
        super()._modify_request_before_signing(request)  # type: ignore[misc]  # not public


AUTH_TYPE_MAPS[_DATED_AUTH] = DatedQueryAuth


def enable_dated_urls(client: "S3Client") -> None:
    """Let `presign` sign with this client."""

    def choose_signer(signature_version: str, **_context: Any) -> str | None:
        is_dated = _signing_time.get(None) is not None and signature_version == _BOTO3_AUTH
        return _DATED_AUTH if is_dated else None

    # The stubs allow only handlers that return nothing.
    for operation in ("GetObject", "PutObject", "UploadPart"):
        client.meta.events.register(f"choose-signer.s3.{operation}", choose_signer)  # type: ignore[arg-type]


def presign(
    client: "S3Client",
    operation: str,
    parameters: dict[str, Any],
    signed_at: datetime,
    seconds: int,
) -> str:
    """Return the URL of a request that is valid for some seconds, from `signed_at`.

    The server's own credentials may have to be loaded first, which blocks.
    """
    restored = _signing_time.set(signed_at)
    try:
        return client.generate_presigned_url(operation, Params=parameters, ExpiresIn=seconds)
    finally:
        _signing_time.reset(restored)


def presign_download(
    client: "S3Client", bucket: str, key: str, download: Download, *, sets_cache_control: bool
) -> str:
    """Return the URL of a download from S3, which is the same for equal downloads."""
    parameters = {
        "Bucket": bucket,
        "Key": key,
        "ResponseContentDisposition": download.content_disposition,
        "ResponseContentType": download.content_type,
    }
    if sets_cache_control:
        parameters["ResponseCacheControl"] = download.cache_control
    return presign(client, "get_object", parameters, download.signed_at, download.signed_seconds)
