"""Amazon's S3 and all that speaks its language, Google's storage among them; boto3 signs, and sends nothing."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.loaders import create_loader
from botocore.session import Session as CoreSession

from gateway.clouds.base import CloudAccount, CloudObject, ObjectLocation, ObjectPage
from gateway.clouds.urls import GOOGLE
from gateway.clouds.xml import each, moment, parsed, text
from gateway.errors import ErrorCode
from gateway.fetching.errors import FetchError
from gateway.kinds.enums import StorageLocationName
from gateway.stores.headers import attachment_header, safe_media_type

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_USUAL_REGION = "us-east-1"
_DESCRIPTIONS = create_loader()
"""What boto3 reads of Amazon's services: the same for every session, which else would read a megabyte of JSON anew."""


class S3Signer:
    """Signs for one account; without credentials boto3 looks for the server's own in its usual places."""

    def __init__(self, account: CloudAccount) -> None:
        is_google = account.kind is StorageLocationName.GCP
        keys = account.credentials or {}
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path" if account.endpoint or is_google else "auto"},
            # The environment is the server's, the endpoint is the integration's.
            ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # unknown to its stubs
        )
        core = CoreSession()
        core.register_component("data_loader", _DESCRIPTIONS)
        self._client: S3Client = Session(botocore_session=core).client(
            "s3",
            endpoint_url=account.endpoint or (GOOGLE if is_google else None),
            region_name=account.region or ("auto" if is_google else _USUAL_REGION),
            aws_access_key_id=keys.get("access_key_id"),
            aws_secret_access_key=keys.get("secret_access_key"),
            aws_session_token=keys.get("session_token"),
            config=config,
        )

    def head(self, place: ObjectLocation, lifetime: timedelta) -> str:
        return self._sign("head_object", {"Bucket": place.bucket, "Key": place.key}, lifetime)

    def get(
        self,
        place: ObjectLocation,
        lifetime: timedelta,
        *,
        file_name: str = "",
        content_type: str = "",
    ) -> str:
        named = {
            "ResponseContentDisposition": attachment_header(file_name),
            "ResponseContentType": safe_media_type(content_type),
        }
        parameters = {"Bucket": place.bucket, "Key": place.key, **(named if file_name else {})}
        return self._sign("get_object", parameters, lifetime)

    def page(self, place: ObjectLocation, after: str | None, size: int, lifetime: timedelta) -> str:
        parameters = {
            "Bucket": place.bucket,
            "Prefix": place.key,
            "MaxKeys": size,
            "EncodingType": "url",
        }
        if after is not None:
            parameters["ContinuationToken"] = after
        return self._sign("list_objects_v2", parameters, lifetime)

    def read_page(self, data: bytes) -> ObjectPage:
        root = parsed(data)
        encoded = root.findtext("EncodingType") == "url"
        objects = [
            CloudObject(
                key=unquote_plus(text(one, "Key")) if encoded else text(one, "Key"),
                size=int(text(one, "Size")),
                etag=one.findtext("ETag"),
                last_modified=moment(one.findtext("LastModified")),
            )
            for one in each(root, "Contents")
        ]
        more = text(root, "IsTruncated") == "true"
        return ObjectPage(objects, text(root, "NextContinuationToken") if more else None)

    def _sign(self, operation: str, parameters: dict[str, Any], lifetime: timedelta) -> str:
        try:
            return self._client.generate_presigned_url(
                operation, Params=parameters, ExpiresIn=int(lifetime.total_seconds())
            )
        except BotoCoreError:
            said = "The cloud's requests cannot be signed: see the integration's credentials, region and endpoint."
            raise FetchError(ErrorCode.CONFLICT, said) from None
