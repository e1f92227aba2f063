"""Files of any size are stored as objects, on disk and on a real S3 server."""

from pathlib import Path

import pytest

from gateway.stores.base import ObjectStore
from gateway.stores.keys import new_key
from tests.contracts.storing import MEBIBYTE, store

__all__ = ["store"]  # the fixture


@pytest.mark.parametrize("size", [0, 10, 9 * MEBIBYTE])
async def test_stored_file_replaces_an_object(store: ObjectStore, tmp_path: Path, size: int) -> None:
    key, path = new_key(), tmp_path / "file"
    path.write_bytes(bytes(size))
    await store.put(key, b"another", "text/plain")
    await store.put_file(key, path, "video/webm")
    assert await store.read(key) == bytes(size)
