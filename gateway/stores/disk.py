"""Objects as files under one directory, reached through signed URLs that the gateway serves itself."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.stores.base import (
    DeclaredUpload,
    IncompleteUpload,
    MissingObject,
    ObjectInfo,
    SignedRequest,
    UploadedPart,
    expires_after,
)
from gateway.stores.headers import plain_file_name, safe_media_type
from gateway.stores.incoming import IncomingFile, remove_abandoned
from gateway.stores.keys import new_key, object_path, parts_directory, validate_object_key
from gateway.stores.signing import sign_query, verify_query

_BLOCK = 1 << 20  # bytes that go to a thread at once


class DiskStore:
    """The store that needs nothing: clients reach the gateway at `public_url`, `secret` signs what they may do."""

    def __init__(self, root: Path, *, public_url: str, secret: bytes, part_size: int) -> None:
        self._content, self._incoming, self._uploads = (
            root / each for each in ("content", "incoming", "uploads")
        )
        for directory in (self._content, self._incoming, self._uploads):
            directory.mkdir(parents=True, exist_ok=True)
        self._url = public_url.rstrip("/") + "/objects"
        self._secret = secret
        self._part_size = part_size

    @property
    def part_size(self) -> int:
        return self._part_size

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        await asyncio.to_thread(self._put, object_path(self._content, key), data)

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        await asyncio.to_thread(self._put_file, object_path(self._content, key), path)

    async def info(self, key: str) -> ObjectInfo | None:
        try:
            _, status = await self.find(key)
        except MissingObject:
            return None
        return ObjectInfo(key, status.st_size)

    async def find(self, key: str) -> tuple[Path, os.stat_result]:
        """The object's file and what the file system says of it; raises `MissingObject`."""
        path = object_path(self._content, key)
        try:
            return path, await asyncio.to_thread(path.stat)
        except FileNotFoundError:
            raise MissingObject(key) from None

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        path, status = await self.find(key)
        end = status.st_size if stop is None else min(stop, status.st_size)
        return await asyncio.to_thread(_slice, path, start, max(end - start, 0))

    @asynccontextmanager
    async def local(self, key: str) -> AsyncIterator[Path]:
        path, _ = await self.find(key)
        yield path

    async def delete(self, keys: Sequence[str]) -> None:
        await asyncio.to_thread(_remove, [object_path(self._content, key) for key in keys])

    async def keys(self, prefix: str = "") -> AsyncIterator[str]:
        # A key lies in the directory of its first two characters, so directories in order hold keys in order.
        for directory in await asyncio.to_thread(_names, self._content, prefix[:2]):
            for key in await asyncio.to_thread(_names, self._content / directory, prefix):
                yield key

    async def sign_get(
        self, key: str, file_name: str, content_type: str, lifetime: timedelta
    ) -> SignedRequest:
        claims = {"name": plain_file_name(file_name), "type": safe_media_type(content_type)}
        return self._sign("GET", key, claims, lifetime)

    async def sign_put(
        self, key: str, upload: DeclaredUpload, lifetime: timedelta
    ) -> SignedRequest:
        claims = {"length": str(upload.size), "type": safe_media_type(upload.content_type)}
        if upload.sha256 is not None:
            claims["sha256"] = upload.sha256.lower()
        return self._sign("PUT", key, claims, lifetime, {"Content-Type": claims["type"]})

    async def begin_parts(self, key: str, content_type: str) -> str:
        upload_id = new_key()
        await asyncio.to_thread(parts_directory(self._uploads, key, upload_id).mkdir)
        return upload_id

    async def sign_part(
        self, key: str, upload_id: str, number: int, size: int, lifetime: timedelta
    ) -> SignedRequest:
        claims = {
            "upload": validate_object_key(upload_id),
            "part": str(number),
            "length": str(size),
        }
        return self._sign("PUT", key, claims, lifetime)

    async def parts(self, key: str, upload_id: str) -> list[UploadedPart]:
        return await asyncio.to_thread(_parts, parts_directory(self._uploads, key, upload_id))

    async def complete_parts(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> None:
        directory = parts_directory(self._uploads, key, upload_id)
        await asyncio.to_thread(self._assemble, directory, object_path(self._content, key), parts)

    async def abort_parts(self, key: str, upload_id: str) -> None:
        await asyncio.to_thread(
            shutil.rmtree, parts_directory(self._uploads, key, upload_id), ignore_errors=True
        )

    async def sweep(self) -> None:
        await asyncio.to_thread(remove_abandoned, self._incoming)

    async def close(self) -> None:
        pass

    def claims(self, method: str, key: str, query: str) -> Mapping[str, str]:
        """What a signed URL allows; raises `BadSignature`."""
        return verify_query(self._secret, method, key, query, datetime.now(UTC))

    async def accept(
        self, key: str, body: AsyncIterable[bytes], size: int, sha256: str | None
    ) -> None:
        """Store a new object as it arrives; raises `WrongBytes`, `AlreadyStored`."""
        path = object_path(self._content, key)
        async with self._receiving(body, sha256) as incoming:
            incoming.check(size)
            await asyncio.to_thread(path.parent.mkdir, exist_ok=True)
            await asyncio.to_thread(incoming.create, path)

    async def accept_part(
        self, key: str, upload_id: str, number: int, body: AsyncIterable[bytes], size: int
    ) -> UploadedPart:
        """Store a part as it arrives, in place of the one before; raises `WrongBytes`, `MissingObject`."""
        path = parts_directory(self._uploads, key, upload_id) / f"{number:05}"
        async with self._receiving(body) as incoming:
            incoming.check(size)
            try:
                await asyncio.to_thread(incoming.replace, path)
            except FileNotFoundError:
                raise MissingObject("there is no such upload") from None
        return await asyncio.to_thread(_part, path)

    @asynccontextmanager
    async def _receiving(
        self, body: AsyncIterable[bytes], sha256: str | None = None
    ) -> AsyncIterator[IncomingFile]:
        incoming = await asyncio.to_thread(IncomingFile, self._incoming, sha256)
        try:
            async for block in _blocks(body):
                await asyncio.to_thread(incoming.write, block)
            yield incoming
        finally:
            await asyncio.to_thread(incoming.close)

    def _sign(
        self,
        method: str,
        key: str,
        claims: Mapping[str, str],
        lifetime: timedelta,
        headers: Mapping[str, str] | None = None,
    ) -> SignedRequest:
        expires_at = expires_after(lifetime)
        query = sign_query(self._secret, method, validate_object_key(key), expires_at, claims)
        return SignedRequest(f"{self._url}/{key}?{query}", method, expires_at, dict(headers or {}))

    def _put(self, path: Path, data: bytes) -> None:
        with closing(IncomingFile(self._incoming)) as incoming:
            incoming.write(data)
            path.parent.mkdir(exist_ok=True)
            incoming.replace(path)

    def _put_file(self, target: Path, path: Path) -> None:
        with closing(IncomingFile(self._incoming)) as incoming, path.open("rb") as file:
            shutil.copyfileobj(file, incoming, _BLOCK)
            target.parent.mkdir(exist_ok=True)
            incoming.replace(target)

    def _assemble(self, directory: Path, target: Path, parts: Sequence[UploadedPart]) -> None:
        if not parts or not set(parts) <= set(_parts(directory)):
            raise IncompleteUpload("a part is not there as described")
        with closing(IncomingFile(self._incoming)) as incoming:
            for part in sorted(parts, key=lambda each: each.number):
                with (directory / f"{part.number:05}").open("rb") as file:
                    shutil.copyfileobj(file, incoming, _BLOCK)
            target.parent.mkdir(exist_ok=True)
            incoming.replace(target)
        shutil.rmtree(directory, ignore_errors=True)


async def _blocks(body: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in larger pieces, so that fewer of them go to a thread."""
    block = bytearray()
    async for piece in body:
        block += piece
        if len(block) >= _BLOCK:
            yield bytes(block)
            block.clear()
    yield bytes(block)


def _slice(path: Path, start: int, size: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(size)


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _names(directory: Path, prefix: str) -> list[str]:
    return sorted(name for name in os.listdir(directory) if name.startswith(prefix))


def _parts(directory: Path) -> list[UploadedPart]:
    try:
        return [_part(path) for path in sorted(directory.iterdir())]
    except FileNotFoundError:
        return []


def _part(path: Path) -> UploadedPart:
    """The part with a tag that changes whenever its file does."""
    status = path.stat()
    return UploadedPart(
        int(path.name),
        status.st_size,
        f'"{status.st_ino:x}-{status.st_mtime_ns:x}-{status.st_size:x}"',
    )
