"""Object store on the local disk, whose signed URLs are served by the gateway itself."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO

from gateway.clock import now
from gateway.disks import Disk
from gateway.private_files import PRIVATE_DIRECTORY, create_private_directory, make_private
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
from gateway.stores.disk_calls import run_on_disk
from gateway.stores.disk_parts import part_name, stored_part, stored_parts
from gateway.stores.downloads import plan_download
from gateway.stores.headers import safe_media_type
from gateway.stores.incoming import INCOMING, IncomingFile, remove_abandoned
from gateway.stores.keys import (
    is_object_key,
    new_key,
    object_directory,
    parts_directory,
    validate_object_key,
)
from gateway.stores.private_directories import directory_below, open_for_reading
from gateway.stores.signing import sign_query, verify_query

HOLDER = "holder"
"""The claim of a signed URL that works only with a credential."""
_CONTENT, _UPLOADS = "content", "uploads"
"""Directories of objects, and of the parts of multipart uploads."""
_BLOCK_BYTES = 1 << 20
"""Bytes that are written in one call in a thread."""


class DiskStore:
    """A store that needs no other service.

    Objects are files under `root`. URLs point to the gateway at `public_url` and are signed with
    `secret`; those signed with `former_secrets` stay valid. gateway/http/objects.py serves them
    through `claims`, `open` and the `accept` methods. Whatever stores bytes raises
    `InsufficientStorage`, before it takes any, if less than `min_free` bytes would stay free.
    """

    def __init__(
        self,
        root: Path,
        *,
        public_url: str,
        secret: bytes,
        part_size: int,
        former_secrets: Sequence[bytes] = (),
        min_free: int = 0,
    ) -> None:
        self.root = root
        create_private_directory(root)
        for name in (_CONTENT, INCOMING, _UPLOADS):
            with directory_below(root, name, create=True):
                make_private(root / name)
        self._url = public_url.rstrip("/") + "/objects"
        self._secrets = (secret, *former_secrets)
        self._part_size = part_size
        self.disk = Disk("store", root, min_free)

    @property
    def client_url(self) -> str:
        """Return how the URLs that are signed for clients begin."""
        return self._url

    @property
    def part_size(self) -> int:
        return self._part_size

    async def put(self, key: str, data: bytes, content_type: str) -> None:
        validate_object_key(key)

        def write() -> None:
            with closing(IncomingFile(self.root)) as incoming:
                incoming.write(data)
                self._store(incoming, key)

        await run_on_disk(self._check_presence)
        async with self.disk.promise(len(data)):
            await run_on_disk(write)

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        validate_object_key(key)

        def copy() -> None:
            with closing(IncomingFile(self.root)) as incoming, path.open("rb") as file:
                shutil.copyfileobj(file, incoming, _BLOCK_BYTES)
                self._store(incoming, key)

        await run_on_disk(self._check_presence)
        size = (await run_on_disk(path.stat)).st_size
        async with self.disk.promise(size):
            await run_on_disk(copy)

    async def info(self, key: str) -> ObjectInfo | None:
        try:
            file = await run_on_disk(self._open, key)
        except MissingObject:
            return None
        with file:
            return ObjectInfo(key, os.fstat(file.fileno()).st_size)

    async def open(self, key: str) -> BinaryIO:
        """Return an object's file, which the caller closes; raises `MissingObject`."""
        return await run_on_disk(self._open, key)

    async def read(self, key: str, start: int = 0, stop: int | None = None) -> bytes:
        def read() -> bytes:
            with self._open(key) as file:
                file.seek(start)
                return file.read(-1 if stop is None else max(stop - start, 0))

        return await run_on_disk(read)

    @asynccontextmanager
    async def local(self, key: str) -> AsyncIterator[Path]:
        await run_on_disk(lambda: self._open(key).close())
        path = self.root / object_path(key)
        try:
            # Not a descriptor, as the path is for child processes, too.
            yield path
        except Exception as error:
            await run_on_disk(self._check_presence)  # the store may have vanished meanwhile
            if isinstance(error, FileNotFoundError) and not await run_on_disk(path.exists):
                raise MissingObject(key) from None  # it was removed meanwhile
            raise

    async def delete(self, keys: Sequence[str]) -> None:
        places = [(object_directory(key), key) for key in keys]

        def unlink() -> None:
            self._check_presence()
            for directory_name, key in places:
                with (
                    suppress(FileNotFoundError, NotADirectoryError),
                    directory_below(self.root, _CONTENT, directory_name) as directory,
                ):
                    os.unlink(key, dir_fd=directory)

        await run_on_disk(unlink)

    async def objects(self, prefix: str = "") -> AsyncIterator[ObjectInfo]:
        def list_directories() -> list[str]:
            with directory_below(self.root, _CONTENT) as content, os.scandir(content) as entries:
                names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
            return sorted(name for name in names if name.startswith(prefix[:2]))

        def list_objects(name: str) -> list[ObjectInfo]:
            infos = []
            with (
                directory_below(self.root, _CONTENT, name) as directory,
                os.scandir(directory) as entries,
            ):
                for entry in entries:
                    if entry.name.startswith(prefix) and is_object_key(entry.name):
                        with suppress(FileNotFoundError):  # removed meanwhile
                            status = entry.stat(follow_symlinks=False)
                            if S_ISREG(status.st_mode):
                                infos.append(ObjectInfo(entry.name, status.st_size))
            return sorted(infos, key=lambda info: info.key)

        # Directories are named by the first two characters of keys, so this order is that of keys.
        for name in await run_on_disk(list_directories):
            for info in await run_on_disk(list_objects, name):
                yield info

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
        name = parts_directory(key, upload_id)

        def make() -> None:
            with directory_below(self.root, _UPLOADS) as uploads:
                os.mkdir(name, PRIVATE_DIRECTORY, dir_fd=uploads)

        await run_on_disk(make)
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
        name = parts_directory(key, upload_id)

        def stored() -> list[UploadedPart]:
            try:
                with directory_below(self.root, _UPLOADS, name) as directory:
                    return stored_parts(directory)
            except (FileNotFoundError, NotADirectoryError):
                self._check_presence()
                return []

        return await run_on_disk(stored)

    async def complete_parts(self, key: str, upload_id: str, parts: Sequence[UploadedPart]) -> None:
        name = parts_directory(key, upload_id)

        def assemble() -> None:
            with ExitStack() as stack:
                try:
                    directory = stack.enter_context(directory_below(self.root, _UPLOADS, name))
                except (FileNotFoundError, NotADirectoryError):
                    self._check_presence()
                    raise IncompleteUpload("there is no such upload") from None
                if not parts or not set(parts) <= set(stored_parts(directory)):
                    raise IncompleteUpload("a part is missing or differs from its description")
                incoming = stack.enter_context(closing(IncomingFile(self.root)))
                for part in sorted(parts, key=lambda part: part.number):
                    with os.fdopen(
                        open_for_reading(part_name(part.number), directory), "rb"
                    ) as file:
                        shutil.copyfileobj(file, incoming, _BLOCK_BYTES)
                self._store(incoming, key)
            self._remove_parts(name)

        async with self.disk.promise(sum(part.size for part in parts)):
            await run_on_disk(assemble)

    async def abort_parts(self, key: str, upload_id: str) -> None:
        await run_on_disk(self._remove_parts, parts_directory(key, upload_id))

    async def sweep(self) -> None:
        await run_on_disk(remove_abandoned, self.root)

    async def check(self) -> None:
        def check() -> None:
            for name in (_CONTENT, INCOMING, _UPLOADS):
                with directory_below(self.root, name) as directory:
                    if not os.access(".", os.R_OK | os.W_OK | os.X_OK, dir_fd=directory):
                        raise PermissionError(f"{self.root / name} cannot be written to.")

        await asyncio.to_thread(check)

    async def time(self) -> None:
        return None

    async def close(self) -> None:
        pass

    def claims(self, method: str, key: str, query: str) -> Mapping[str, str]:
        """Return the claims of a signed URL; raises `BadSignature`."""
        return verify_query(self._secrets, method, key, query, now())

    async def accept(
        self, key: str, body: AsyncIterable[bytes], size: int, sha256: str | None
    ) -> None:
        """Store a new object as it arrives; raises `UploadMismatch` or `AlreadyStored`."""
        validate_object_key(key)
        async with self._receiving(body, size, sha256) as incoming:
            incoming.check(size)
            await asyncio.to_thread(self._store, incoming, key, replaces=False)

    async def accept_part(
        self, key: str, upload_id: str, number: int, body: AsyncIterable[bytes], size: int
    ) -> UploadedPart:
        """Store or replace a part as it arrives; raises `UploadMismatch` or `MissingObject`."""
        name = parts_directory(key, upload_id)

        def store() -> UploadedPart:
            try:
                with directory_below(self.root, _UPLOADS, name) as directory:
                    incoming.replace(directory, part_name(number))
                    return stored_part(part_name(number), directory)
            except (FileNotFoundError, NotADirectoryError):
                raise MissingObject("no such upload") from None

        async with self._receiving(body, size) as incoming:
            incoming.check(size)
            return await asyncio.to_thread(store)

    @asynccontextmanager
    async def _receiving(
        self, body: AsyncIterable[bytes], size: int, sha256: str | None = None
    ) -> AsyncIterator[IncomingFile]:
        """Yield the received body as a file, written in blocks, each in a thread."""
        async with self.disk.promise(size) as note_written:
            incoming = await asyncio.to_thread(IncomingFile, self.root, sha256)
            try:
                block = bytearray()
                async for chunk in body:
                    block += chunk
                    if len(block) >= _BLOCK_BYTES:
                        await asyncio.to_thread(incoming.write, block)
                        note_written(len(block))
                        block = bytearray()
                await asyncio.to_thread(incoming.write, block)
                yield incoming
            finally:
                await asyncio.to_thread(incoming.close)

    def _open(self, key: str) -> BinaryIO:
        """Open an object's file; raises `MissingObject`."""
        try:
            with directory_below(self.root, _CONTENT, object_directory(key)) as directory:
                return os.fdopen(open_for_reading(key, directory), "rb")
        except (FileNotFoundError, NotADirectoryError):
            self._check_presence()
            raise MissingObject(key) from None

    def _check_presence(self) -> None:
        """Raise an `OSError` if the store is away, as its disk may not be mounted."""
        with directory_below(self.root, _CONTENT):
            pass

    def _store(self, incoming: IncomingFile, key: str, *, replaces: bool = True) -> None:
        """Make a file an object; raises `AlreadyStored` if there is one and it is not replaced."""
        with directory_below(self.root, _CONTENT, object_directory(key), create=True) as directory:
            move = incoming.replace if replaces else incoming.create
            move(directory, key)

    def _remove_parts(self, name: str) -> None:
        with directory_below(self.root, _UPLOADS) as uploads:
            shutil.rmtree(name, ignore_errors=True, dir_fd=uploads)

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


def object_path(key: str) -> str:
    """Return the path of an object below the root; raises `BadKey`."""
    return f"{_CONTENT}/{object_directory(key)}/{key}"


def parts_path(key: str, upload_id: str) -> str:
    """Return the path of the directory of a multipart upload's parts; raises `BadKey`."""
    return f"{_UPLOADS}/{parts_directory(key, upload_id)}"
