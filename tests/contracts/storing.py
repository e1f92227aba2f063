"""Object stores for tests: on disk, and on a real S3 server."""

import asyncio
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from gateway.http.objects import object_routes
from gateway.stores.base import ObjectStore, SignedRequest
from gateway.stores.disk import DiskStore
from gateway.stores.open import open_store
from tests.servers import serve_app, with_prefix

MINUTE = timedelta(minutes=1)
MEBIBYTE = 1 << 20


async def _no_holder(holder: str) -> None:
    raise AssertionError(f"No URL of these tests is bound to a credential, but one is to {holder}.")


@contextmanager
def disk_store(directory: Path, min_free: int = 0) -> Iterator[DiskStore]:
    stores: list[DiskStore] = []

    def make_app(url: str) -> Starlette:
        root, secret = directory / "objects", b"a secret of the tests"
        store = DiskStore(root, public_url=url, secret=secret, part_size=64 << 20, min_free=min_free)
        stores.append(store)
        return Starlette(routes=object_routes(store, _no_holder))

    with serve_app(make_app):
        yield stores[0]


@pytest.fixture(scope="module", params=["disk", "s3"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    directory = tmp_path_factory.mktemp("store")
    if request.param == "disk":
        with disk_store(directory) as disk:
            yield disk
    else:
        url = with_prefix(request.getfixturevalue("s3_server"), secrets.token_hex(4))
        s3 = open_store(url, directory=directory, public_url="", secret=b"", part_size=64 << 20)
        yield s3
        asyncio.run(s3.close())


async def send(client: httpx.AsyncClient, signed: SignedRequest, data: bytes | None = None) -> httpx.Response:
    return await client.request(signed.method, signed.url, headers=signed.headers, content=data)


def refused(response: httpx.Response) -> bool:
    return 400 <= response.status_code < 500
