"""Object store in one bucket of any S3, with presigned URLs.

boto3 blocks, so all its calls run in threads of the store.
"""

import asyncio
import base64
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

import boto3
from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from gateway.clock import now
from gateway.site_faults import store_away
from gateway.stores.base import (
    ANYONE,
    DeclaredUpload,
    IncompleteUpload,
    MissingObject,
    ObjectInfo,
    SignedRequest,
    UploadedPart,
    UrlBounds,
)
from gateway.stores.downloads import plan_download
from gateway.stores.headers import safe_media_type
from gateway.stores.keys import is_object_key, new_key, validate_object_key
from gateway.stores.presigning import enable_dated_urls, presign, presign_download
from gateway.stores.s3_errors import (
    MISSING,
    error_code,
    missing_object,
    site_fault,
    status_of,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedMultipartUploadTypeDef

P = ParamSpec("P")
T = TypeVar("T")
Addressing = Literal["path", "virtual"]

_THREADS = 16
_MAX_KEYS_PER_DELETE = 100  # even slow servers delete that many in time; S3 allows 1,000
_CONFIG = Config(
    signature_version="s3v4",  # else URLs of custom endpoints are signed with version 2
    max_pool_connections=_THREADS,
    # A connection over which nothing passes is given up, and tried once more, within 15 seconds.
    connect_timeout=3,
    read_timeout=6,
    tcp_keepalive=True,
    retries={"mode": "standard", "total_max_attempts": 2},
    request_checksum_calculation="when_required",  # many other servers lack the newer checksums
    response_checksum_validation="when_required",
)

_HALF_A_SECOND = timedelta(seconds=0.5)
"""Average of what the `Date` header cuts off."""
_PROBE_CONFIG = Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1})
"""A probe is repeated by whoever sent it."""
_ONE_THREAD = TransferConfig(use_threads=False, num_download_attempts=1)


class DeletionFailed(Exception):
    """Raised when the store reports that it did not delete an object."""


class S3Store:
    """The objects under one prefix of a bucket; without keys, boto3 looks for the server's own.

    `public_endpoint` is what clients call the endpoint: signed URLs begin with it. `addressing`
    says whether URLs have the bucket in their `path` or, as `virtual`, in their host.
    """

    disk = None

    def __init__(
        self,
        bucket: str,
        prefix: str,
        *,
        part_size: int,
        endpoint: str | None = None,
        public_endpoint: str | None = None,
        addressing: Addressing = "path",
        region: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._part_size = part_size
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="s3")
        config = _CONFIG.merge(Config(s3={"addressing_style": addressing}))
        client = partial(
            boto3.client,
            "s3",
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=config,
        )
        self._client: S3Client = client(endpoint_url=endpoint)
        self._probe_client: S3Client = client(
            endpoint_url=endpoint, config=config.merge(_PROBE_CONFIG)
        )
        self._signing_client: S3Client = self._client
        if public_endpoint:
            self._signing_client = client(endpoint_url=public_endpoint)
        enable_dated_urls(self._signing_client)

    @property
    def client_url(self) -> str:
        """Return how the URLs that are signed for clients begin."""
        return self._signing_client.meta.endpoint_url

    @property
    def part_size(self) -> int:
        return self._part_size

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        call = partial(
            self._client.put_object,
            **self._at(key),
            Body=data,
            ContentType=safe_media_type(content_type),
        )
        await self._run(call)

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        extra = {"ContentType": safe_media_type(content_type)}
        call = partial(
            self._client.upload_file,
            str(path),
            **self._at(key),
            ExtraArgs=extra,
            Config=_ONE_THREAD,
        )
        await self._run(call)

    async def info(self, key: str) -> ObjectInfo | None:
        try:
            with missing_object(key):
                head = await self._run(partial(self._client.head_object, **self._at(key)))
        except MissingObject:
            return None
        return ObjectInfo(key, head["ContentLength"])

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        with missing_object(key):
            if stop is not None and stop <= start:
                await self._run(partial(self._client.head_object, **self._at(key)))
                return b""
            return await self._run(self._read_range, key, start, stop)

    @asynccontextmanager
    async def local(self, key: str) -> AsyncIterator[Path]:
        def discard(download: "asyncio.Future[IO[bytes]]") -> None:
            if download.exception() is None:
                download.result().close()

        download = asyncio.ensure_future(self._run(self._download, key))
        try:
            file = await asyncio.shield(download)
        except asyncio.CancelledError:
            download.add_done_callback(discard)  # a thread cannot be stopped
            raise
        try:
            yield Path(file.name)
        finally:
            await asyncio.shield(self._run(file.close))  # closed even if this task is cancelled

    async def delete(self, keys: Sequence[str]) -> None:
        names = [self._name(key) for key in keys]
        for first in range(0, len(names), _MAX_KEYS_PER_DELETE):
            batch = names[first : first + _MAX_KEYS_PER_DELETE]
            call = partial(
                self._client.delete_objects,
                Bucket=self._bucket,
                Delete={"Objects": [{"Key": name} for name in batch], "Quiet": True},
            )
            if errors := (await self._run(call)).get("Errors"):
                failure = DeletionFailed(errors[0].get("Code"), errors[0].get("Key"))
                raise store_away() from failure

    async def objects(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        remaining = iter(pages)
        while (page := await self._run(next, remaining, None)) is not None:
            for entry in page.get("Contents", []):
                key = entry["Key"].removeprefix(self._prefix)
                if is_object_key(key):
                    yield ObjectInfo(key, entry["Size"])

    async def sign_get(
        self,
        key: str,
        file_name: str,
        content_type: str,
        lifetime: timedelta,
        *,
        is_inline: bool = False,
        bounds: UrlBounds = ANYONE,
    ) -> SignedRequest:
        download = plan_download(
            file_name, content_type, lifetime, bounds.longest, is_inline=is_inline
        )
        presign = partial(presign_download, sets_cache_control=True)
        url = await self._run(
            presign, self._signing_client, self._bucket, self._name(key), download
        )
        return SignedRequest(url, "GET", download.expires_at)

    async def sign_put(
        self, key: str, upload: DeclaredUpload, lifetime: timedelta, bounds: UrlBounds = ANYONE
    ) -> SignedRequest:
        headers = {"Content-Type": safe_media_type(upload.content_type), "If-None-Match": "*"}
        declared = {
            "ContentLength": upload.size,
            "ContentType": headers["Content-Type"],
            "IfNoneMatch": headers["If-None-Match"],
        }
        if upload.sha256 is not None:
            checksum = base64.b64encode(bytes.fromhex(upload.sha256)).decode()
            declared["ChecksumSHA256"] = headers["x-amz-checksum-sha256"] = checksum
        return await self._run(
            self._sign_put, "put_object", {**self._at(key), **declared}, lifetime, headers
        )

    async def begin_parts(self, key: str, content_type: str) -> str:
        begin = partial(
            self._client.create_multipart_upload, ContentType=safe_media_type(content_type)
        )
        return (await self._run(partial(begin, **self._at(key))))["UploadId"]

    async def sign_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        size: int,
        lifetime: timedelta,
        bounds: UrlBounds = ANYONE,
    ) -> SignedRequest:
        part = {"UploadId": upload_id, "PartNumber": number, "ContentLength": size}
        return await self._run(self._sign_put, "upload_part", {**self._at(key), **part}, lifetime)

    async def parts(self, key: str, upload_id: str) -> list[UploadedPart]:
        return await self._run(self._stored_parts, key, upload_id)

    async def complete_parts(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> None:
        # Not every server validates the list, so it is compared with the stored parts first.
        if not parts or not set(parts) <= set(await self.parts(key, upload_id)):
            raise IncompleteUpload("a part is missing or differs from its description")
        ordered = sorted(parts, key=lambda part: part.number)
        described: CompletedMultipartUploadTypeDef = {
            "Parts": [{"PartNumber": part.number, "ETag": part.etag} for part in ordered]
        }
        complete = partial(self._client.complete_multipart_upload, MultipartUpload=described)
        try:
            await self._run(partial(complete, **self._at(key), UploadId=upload_id))
        except ClientError as error:
            if error_code(error) in {"InvalidPart", "NoSuchUpload", "EntityTooSmall"}:
                raise IncompleteUpload(error_code(error)) from None
            raise

    async def abort_parts(self, key: str, upload_id: str) -> None:
        try:
            await self._run(
                partial(self._client.abort_multipart_upload, **self._at(key), UploadId=upload_id)
            )
        except ClientError as error:
            if error_code(error) != "NoSuchUpload":
                raise

    async def sweep(self) -> None:
        pass  # S3 has no partial objects

    async def check(self) -> None:
        # Not in the store's own threads, which may all wait for a store that is away.
        await asyncio.to_thread(self._probe)

    async def time(self) -> datetime | None:
        try:
            head: Any = await self._run(partial(self._client.head_object, **self._at(new_key())))
        except ClientError as error:  # there is no such object, or the clocks differ too much
            head = error.response
        stated = head["ResponseMetadata"]["HTTPHeaders"].get("date")
        return parsedate_to_datetime(stated) + _HALF_A_SECOND if stated else None

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        for client in (self._client, self._probe_client):
            await asyncio.to_thread(client.close)

    def _name(self, key: str) -> str:
        return self._prefix + validate_object_key(key)

    def _at(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": self._name(key)}

    async def _run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a call in a thread.

        Raises:
            SiteFault: the store is away, or refuses requests whatever they are about.
        """
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, partial(call, *args, **kwargs))
        except (BotoCoreError, Boto3Error, ClientError, OSError) as error:
            if fault := site_fault(error):
                raise fault from error
            if isinstance(error, ClientError) and status_of(error) == 403:
                await self.check()  # it may refuse everything
            raise

    def _probe(self) -> None:
        """Read an object that does not exist: the body of the response says what is amiss."""
        try:
            self._probe_client.get_object(**self._at(new_key()))["Body"].close()
        except (BotoCoreError, ClientError) as error:
            if isinstance(error, ClientError) and error_code(error) in MISSING:
                return
            raise site_fault(error) or store_away() from error

    def _download(self, key: str) -> IO[bytes]:
        """Return a temporary copy of an object, which the caller closes."""
        file = tempfile.NamedTemporaryFile(prefix="storegraph-")  # noqa: SIM115
        try:
            with missing_object(key):
                self._client.download_fileobj(**self._at(key), Fileobj=file, Config=_ONE_THREAD)
            file.flush()
        except MissingObject:
            file.close()
            self._probe()  # or is it the bucket that is missing?
            raise
        except BaseException:
            file.close()
            raise
        return file

    def _read_range(self, key: str, start: int, stop: int | None) -> bytes:
        """Return the bytes of a range, which are none if it begins after the end."""
        header = f"bytes={start}-{'' if stop is None else stop - 1}"
        try:
            with self._client.get_object(**self._at(key), Range=header)["Body"] as body:
                return body.read()
        except ClientError as error:
            if error_code(error) == "InvalidRange":
                return b""
            raise

    def _stored_parts(self, key: str, upload_id: str) -> list[UploadedPart]:
        """Return the parts of an upload, which are none if it is unknown."""
        pages = self._client.get_paginator("list_parts").paginate(
            **self._at(key), UploadId=upload_id
        )
        try:
            entries = [entry for page in pages for entry in page.get("Parts", [])]
        except ClientError as error:
            if error_code(error) == "NoSuchUpload":
                return []
            raise
        # SeaweedFS still lists a part that was replaced, next to the newer one.
        entries.sort(key=lambda entry: entry["LastModified"])
        newest = {entry["PartNumber"]: entry for entry in entries}
        return [
            UploadedPart(number, entry["Size"], entry["ETag"])
            for number, entry in sorted(newest.items())
        ]

    def _sign_put(
        self,
        operation: str,
        parameters: dict[str, Any],
        lifetime: timedelta,
        headers: dict[str, str] | None = None,
    ) -> SignedRequest:
        signed_at = now().replace(microsecond=0)
        seconds = int(lifetime.total_seconds())
        url = presign(self._signing_client, operation, parameters, signed_at, seconds)
        return SignedRequest(url, "PUT", signed_at + timedelta(seconds=seconds), headers or {})
