"""Object store on the local disk, whose signed URLs are served by the gateway itself."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.stores.base import (
    ANYONE,
    DeclaredUpload,
    IncompleteUpload,
    MissingObject,
    ObjectInfo,
    SignedRequest,
    UploadedPart,
    UrlBounds,
    expires_after,
)
from gateway.stores.downloads import plan_download
from gateway.stores.headers import safe_media_type
from gateway.stores.incoming import IncomingFile, remove_abandoned
from gateway.stores.keys import new_key, object_path, parts_directory, validate_object_key
from gateway.stores.signing import sign_query, verify_query

HOLDER = "holder"
"""The claim of a signed URL that works only with a credential."""
_BLOCK_BYTES = 1 << 20
"""Bytes that are written in one call in a thread."""


class DiskStore:
    """A store that needs no other service.

    Objects are files under `root`. URLs point to the gateway at `public_url` and are signed with
    `secret`; those signed with `former_secrets` stay valid. gateway/http/objects.py serves them
    through `claims`, `find` and the `accept` methods.
    """

    def __init__(
        self,
        root: Path,
        *,
        public_url: str,
        secret: bytes,
        part_size: int,
        former_secrets: Sequence[bytes] = (),
    ) -> None:
        self._content = root / "content"
        self._incoming = root / "incoming"
        self._uploads = root / "uploads"
        for directory in (self._content, self._incoming, self._uploads):
            directory.mkdir(parents=True, exist_ok=True)
        self._url = public_url.rstrip("/") + "/objects"
        self._secrets = (secret, *former_secrets)
        self._part_size = part_size

    @property
    def client_url(self) -> str:
        """Return how the URLs that are signed for clients begin."""
        return self._url

    @property
    def part_size(self) -> int:
        return self._part_size

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        path = object_path(self._content, key)

        def write() -> None:
            with closing(IncomingFile(self._incoming)) as incoming:
                incoming.write(data)
                path.parent.mkdir(exist_ok=True)
                incoming.replace(path)

        await asyncio.to_thread(write)

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        target = object_path(self._content, key)

        def copy() -> None:
            with closing(IncomingFile(self._incoming)) as incoming, path.open("rb") as file:
                shutil.copyfileobj(file, incoming, _BLOCK_BYTES)
                target.parent.mkdir(exist_ok=True)
                incoming.replace(target)

        await asyncio.to_thread(copy)

    async def info(self, key: str) -> ObjectInfo | None:
        try:
            _, status = await self.find(key)
        except MissingObject:
            return None
        return ObjectInfo(key, status.st_size)

    async def find(self, key: str) -> tuple[Path, os.stat_result]:
        """Return the path and the status of an object's file; raises `MissingObject`."""
        path = object_path(self._content, key)
        try:
            return path, await asyncio.to_thread(path.stat)
        except FileNotFoundError:
            raise MissingObject(key) from None

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        path, status = await self.find(key)
        end = status.st_size if stop is None else min(stop, status.st_size)

        def read() -> bytes:
            with path.open("rb") as file:
                file.seek(start)
                return file.read(max(end - start, 0))

        return await asyncio.to_thread(read)

    @asynccontextmanager
    async def local(self, key: str) -> AsyncIterator[Path]:
        path, _ = await self.find(key)
        yield path

    async def delete(self, keys: Sequence[str]) -> None:
        paths = [object_path(self._content, key) for key in keys]

        def unlink() -> None:
            for path in paths:
                path.unlink(missing_ok=True)

        await asyncio.to_thread(unlink)

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        # Directories are named by the first two characters of keys, so this order is that of keys.
        for directory in await asyncio.to_thread(_names, self._content, prefix[:2]):
            for key in await asyncio.to_thread(_names, self._content / directory, prefix):
                yield key

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
        claims = {
            "name": download.file_name,
            "type": download.content_type,
            "cache": str(download.cache_seconds),
        }
        if is_inline:
            claims["show"] = "inline"
        return self._sign("GET", key, claims, download.expires_at, bounds)

    async def sign_put(
        self, key: str, upload: DeclaredUpload, lifetime: timedelta, bounds: UrlBounds = ANYONE
    ) -> SignedRequest:
        claims = {"length": str(upload.size), "type": safe_media_type(upload.content_type)}
        if upload.sha256 is not None:
            claims["sha256"] = upload.sha256.lower()
        headers = {"Content-Type": claims["type"]}
        return self._sign("PUT", key, claims, expires_after(lifetime), bounds, headers)

    async def begin_parts(self, key: str, content_type: str) -> str:
        upload_id = new_key()
        await asyncio.to_thread(parts_directory(self._uploads, key, upload_id).mkdir)
        return upload_id

    async def sign_part(
        self,
        key: str,
        upload_id: str,
        number: int,
        size: int,
        lifetime: timedelta,
        bounds: UrlBounds = ANYONE,
    ) -> SignedRequest:
        claims = {
            "upload": validate_object_key(upload_id),
            "part": str(number),
            "length": str(size),
        }
        return self._sign("PUT", key, claims, expires_after(lifetime), bounds)

    async def parts(self, key: str, upload_id: str) -> list[UploadedPart]:
        return await asyncio.to_thread(
            _stored_parts, parts_directory(self._uploads, key, upload_id)
        )

    async def complete_parts(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> None:
        directory = parts_directory(self._uploads, key, upload_id)
        target = object_path(self._content, key)

        def assemble() -> None:
            if not parts or not set(parts) <= set(_stored_parts(directory)):
                raise IncompleteUpload("a part is missing or differs from its description")
            with closing(IncomingFile(self._incoming)) as incoming:
                for part in sorted(parts, key=lambda part: part.number):
                    with (directory / f"{part.number:05}").open("rb") as file:
                        shutil.copyfileobj(file, incoming, _BLOCK_BYTES)
                target.parent.mkdir(exist_ok=True)
                incoming.replace(target)
            shutil.rmtree(directory, ignore_errors=True)

        await asyncio.to_thread(assemble)

    async def abort_parts(self, key: str, upload_id: str) -> None:
        await asyncio.to_thread(
            shutil.rmtree, parts_directory(self._uploads, key, upload_id), ignore_errors=True
        )

    async def sweep(self) -> None:
        await asyncio.to_thread(remove_abandoned, self._incoming)

    async def check(self) -> None:
        def check() -> None:
            for directory in (self._content, self._incoming, self._uploads):
                if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
                    raise PermissionError(f"{directory} is not there, or cannot be written to.")

        await asyncio.to_thread(check)

    async def close(self) -> None:
        pass

    def claims(self, method: str, key: str, query: str) -> Mapping[str, str]:
        """Return the claims of a signed URL; raises `BadSignature`."""
        return verify_query(self._secrets, method, key, query, datetime.now(UTC))

    async def accept(
        self, key: str, body: AsyncIterable[bytes], size: int, sha256: str | None
    ) -> None:
        """Store a new object as it arrives; raises `UploadMismatch` or `AlreadyStored`."""
        path = object_path(self._content, key)
        async with self._receiving(body, sha256) as incoming:
            incoming.check(size)
            await asyncio.to_thread(path.parent.mkdir, exist_ok=True)
            await asyncio.to_thread(incoming.create, path)

    async def accept_part(
        self, key: str, upload_id: str, number: int, body: AsyncIterable[bytes], size: int
    ) -> UploadedPart:
        """Store or replace a part as it arrives; raises `UploadMismatch` or `MissingObject`."""
        path = parts_directory(self._uploads, key, upload_id) / f"{number:05}"
        async with self._receiving(body) as incoming:
            incoming.check(size)
            try:
                await asyncio.to_thread(incoming.replace, path)
            except FileNotFoundError:
                raise MissingObject("no such upload") from None
        return await asyncio.to_thread(_stored_part, path)

    @asynccontextmanager
    async def _receiving(
        self, body: AsyncIterable[bytes], sha256: str | None = None
    ) -> AsyncIterator[IncomingFile]:
        """Yield the received body as a file, written in blocks, each in a thread."""
        incoming = await asyncio.to_thread(IncomingFile, self._incoming, sha256)
        try:
            block = bytearray()
            async for chunk in body:
                block += chunk
                if len(block) >= _BLOCK_BYTES:
                    await asyncio.to_thread(incoming.write, block)
                    block = bytearray()
            await asyncio.to_thread(incoming.write, block)
            yield incoming
        finally:
            await asyncio.to_thread(incoming.close)

    def _sign(
        self,
        method: str,
        key: str,
        claims: Mapping[str, str],
        expires_at: datetime,
        bounds: UrlBounds,
        headers: Mapping[str, str] | None = None,
    ) -> SignedRequest:
        if bounds.holder:
            claims = {**claims, HOLDER: bounds.holder}
        query = sign_query(self._secrets[0], method, validate_object_key(key), expires_at, claims)
        return SignedRequest(f"{self._url}/{key}?{query}", method, expires_at, dict(headers or {}))


def _names(directory: Path, prefix: str) -> list[str]:
    return sorted(name for name in os.listdir(directory) if name.startswith(prefix))


def _stored_parts(directory: Path) -> list[UploadedPart]:
    try:
        return [_stored_part(path) for path in sorted(directory.iterdir())]
    except FileNotFoundError:
        return []


def _stored_part(path: Path) -> UploadedPart:
    """Return the part, with an ETag that changes whenever its file does."""
    status = path.stat()
    return UploadedPart(
        int(path.name),
        status.st_size,
        f'"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"',
    )
