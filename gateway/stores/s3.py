"""Objects in any S3, reached through presigned URLs; boto3 blocks, so every call of it runs in the store's threads."""

import asyncio
import base64
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, ParamSpec, TypeVar

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from gateway.stores.base import (
    DeclaredUpload,
    IncompleteUpload,
    MissingObject,
    ObjectInfo,
    SignedRequest,
    UploadedPart,
    expires_after,
)
from gateway.stores.headers import attachment_header, safe_media_type
from gateway.stores.keys import validate_object_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedMultipartUploadTypeDef

Given = ParamSpec("Given")
Answer = TypeVar("Answer")

_THREADS = 16
_DELETED_AT_ONCE = 1000  # S3 takes no more
_CONFIG = Config(
    signature_version="s3v4",  # without this and an endpoint of one's own, URLs are signed in the old way
    s3={"addressing_style": "path"},
    max_pool_connections=_THREADS,
    connect_timeout=10,
    retries={"mode": "standard"},
    request_checksum_calculation="when_required",  # many servers that are not Amazon's know no other checksums
    response_checksum_validation="when_required",
)

_ONE_THREAD = TransferConfig(use_threads=False)


class DeletionRefused(Exception):
    """The store would not delete an object."""


class S3Store:
    """One bucket, or what lies at one prefix of it; without keys boto3 looks for credentials in its own places."""

    def __init__(
        self,
        bucket: str,
        prefix: str,
        *,
        part_size: int,
        endpoint: str | None = None,
        region: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
    ) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self._part_size = part_size
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="s3")
        self._client: S3Client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            config=_CONFIG,
        )

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
            with _missing(key):
                head = await self._run(partial(self._client.head_object, **self._at(key)))
        except MissingObject:
            return None
        return ObjectInfo(key, head["ContentLength"])

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        with _missing(key):
            if stop is not None and stop <= start:
                await self._run(partial(self._client.head_object, **self._at(key)))
                return b""
            return await self._run(
                self._read, key, f"bytes={start}-{'' if stop is None else stop - 1}"
            )

    @asynccontextmanager
    async def local(self, key: str) -> AsyncIterator[Path]:
        copying = asyncio.ensure_future(self._run(self._copy, key))
        try:
            file = await asyncio.shield(copying)
        except asyncio.CancelledError:
            copying.add_done_callback(_discard)  # a thread cannot be stopped
            raise
        try:
            yield Path(file.name)
        finally:
            await asyncio.shield(self._run(file.close))  # or a cancellation would leave it open

    async def delete(self, keys: Sequence[str]) -> None:
        names = [self._name(key) for key in keys]
        for first in range(0, len(names), _DELETED_AT_ONCE):
            await self._run(self._delete, names[first : first + _DELETED_AT_ONCE])

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=self._prefix + prefix
        )
        remaining = iter(pages)
        while (page := await self._run(next, remaining, None)) is not None:
            for each in page.get("Contents", []):
                yield each["Key"].removeprefix(self._prefix)

    async def sign_get(
        self, key: str, file_name: str, content_type: str, lifetime: timedelta
    ) -> SignedRequest:
        answer = {
            "ResponseContentDisposition": attachment_header(file_name),
            "ResponseContentType": safe_media_type(content_type),
        }
        return await self._run(
            self._sign, "get_object", "GET", {**self._at(key), **answer}, lifetime
        )

    async def sign_put(
        self, key: str, upload: DeclaredUpload, lifetime: timedelta
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
            self._sign, "put_object", "PUT", {**self._at(key), **declared}, lifetime, headers
        )

    async def begin_parts(self, key: str, content_type: str) -> str:
        begin = partial(
            self._client.create_multipart_upload, ContentType=safe_media_type(content_type)
        )
        return (await self._run(partial(begin, **self._at(key))))["UploadId"]

    async def sign_part(
        self, key: str, upload_id: str, number: int, size: int, lifetime: timedelta
    ) -> SignedRequest:
        part = {"UploadId": upload_id, "PartNumber": number, "ContentLength": size}
        return await self._run(
            self._sign, "upload_part", "PUT", {**self._at(key), **part}, lifetime
        )

    async def parts(self, key: str, upload_id: str) -> list[UploadedPart]:
        return await self._run(self._parts, key, upload_id)

    async def complete_parts(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> None:
        # Not every server looks at what it is told, so what lies there is compared first.
        if not parts or not set(parts) <= set(await self.parts(key, upload_id)):
            raise IncompleteUpload("a part is not there as described")
        ordered = sorted(parts, key=lambda each: each.number)
        described: CompletedMultipartUploadTypeDef = {
            "Parts": [{"PartNumber": each.number, "ETag": each.etag} for each in ordered]
        }
        complete = partial(self._client.complete_multipart_upload, MultipartUpload=described)
        try:
            await self._run(partial(complete, **self._at(key), UploadId=upload_id))
        except ClientError as error:
            if _code(error) in {"InvalidPart", "NoSuchUpload", "EntityTooSmall"}:
                raise IncompleteUpload(_code(error)) from None
            raise

    async def abort_parts(self, key: str, upload_id: str) -> None:
        try:
            await self._run(
                partial(self._client.abort_multipart_upload, **self._at(key), UploadId=upload_id)
            )
        except ClientError as error:
            if _code(error) != "NoSuchUpload":
                raise

    async def sweep(self) -> None:
        pass  # the server keeps nothing that is not whole

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        await asyncio.to_thread(self._client.close)

    def _name(self, key: str) -> str:
        return self._prefix + validate_object_key(key)

    def _at(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": self._name(key)}

    async def _run(
        self, call: Callable[Given, Answer], *args: Given.args, **kwargs: Given.kwargs
    ) -> Answer:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, partial(call, *args, **kwargs))

    def _copy(self, key: str) -> IO[bytes]:
        file = tempfile.NamedTemporaryFile(prefix="storegraph-")  # noqa: SIM115  # closed by who uses it
        try:
            with _missing(key):
                self._client.download_fileobj(**self._at(key), Fileobj=file, Config=_ONE_THREAD)
            file.flush()
        except BaseException:
            file.close()
            raise
        return file

    def _read(self, key: str, span: str) -> bytes:
        try:
            with self._client.get_object(**self._at(key), Range=span)["Body"] as body:
                return body.read()
        except ClientError as error:
            if _code(error) == "InvalidRange":
                return b""
            raise

    def _delete(self, names: Sequence[str]) -> None:
        answer = self._client.delete_objects(
            Bucket=self._bucket,
            Delete={"Objects": [{"Key": name} for name in names], "Quiet": True},
        )
        if errors := answer.get("Errors"):
            raise DeletionRefused(errors[0].get("Code"), errors[0].get("Key"))

    def _parts(self, key: str, upload_id: str) -> list[UploadedPart]:
        pages = self._client.get_paginator("list_parts").paginate(
            **self._at(key), UploadId=upload_id
        )
        try:
            found = [each for page in pages for each in page.get("Parts", [])]
        except ClientError as error:
            if _code(error) == "NoSuchUpload":
                return []
            raise
        # SeaweedFS goes on listing a part that was sent again, beside the newer one.
        newest = {
            each["PartNumber"]: each
            for each in sorted(found, key=lambda each: each["LastModified"])
        }
        return [
            UploadedPart(number, newest[number]["Size"], newest[number]["ETag"])
            for number in sorted(newest)
        ]

    def _sign(
        self,
        operation: str,
        method: str,
        parameters: dict[str, Any],
        lifetime: timedelta,
        headers: dict[str, str] | None = None,
    ) -> SignedRequest:
        expires_at = expires_after(lifetime)  # before signing, so that nobody is promised too much
        seconds = int(lifetime.total_seconds())
        url = self._client.generate_presigned_url(operation, Params=parameters, ExpiresIn=seconds)
        return SignedRequest(url, method, expires_at, headers or {})


def _discard(copying: "asyncio.Future[IO[bytes]]") -> None:
    if copying.exception() is None:
        copying.result().close()


@contextmanager
def _missing(key: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if _code(error) in {"404", "NoSuchKey"}:
            raise MissingObject(key) from None
        raise


def _code(error: ClientError) -> str:
    return error.response["Error"]["Code"]
