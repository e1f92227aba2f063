"""Files of any size are stored as objects, on disk and on a real S3 server."""

from pathlib import Path

import pytest

from gateway.stores.base import MissingObject, ObjectStore
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


async def test_an_object_that_is_removed_while_it_is_read_is_missing(store: ObjectStore) -> None:
    """Unless its bytes have been copied before."""
    key, data = new_key(), None
    await store.put(key, b"bytes", "text/plain")
    try:
        async with store.local(key) as path:
            await store.delete([key])
            data = path.read_bytes()
    except MissingObject:
        assert data is None
    else:
        assert data == b"bytes"
