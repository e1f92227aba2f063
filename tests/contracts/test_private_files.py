"""Files of the disk store are private, and symbolic links never lead out of it."""

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from stat import S_IMODE

import httpx
import pytest

from gateway.site_faults import SiteFault
from gateway.stores.base import DeclaredUpload, IncompleteUpload, MissingObject
from gateway.stores.disk import DiskStore
from gateway.stores.keys import new_key
from tests.contracts.storing import disk_store, send

MINUTE = timedelta(minutes=1)
SECRET = b"a file outside of the store"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store") / "objects"


@pytest.fixture(scope="module")
def store(root: Path) -> Iterator[DiskStore]:
    with disk_store(root.parent) as store:
        yield store


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Directory with a file of the same name as any object that a test links to it."""
    (tmp_path / "secret").write_bytes(SECRET)
    return tmp_path


def link_file(root: Path, key: str, outside: Path) -> None:
    """Put a link in the place of an object's file."""
    directory = root / "content" / key[:2]
    directory.mkdir(exist_ok=True)
    (directory / key).unlink(missing_ok=True)
    (directory / key).symlink_to(outside / "secret")


def link_directory(root: Path, key: str, outside: Path) -> None:
    """Put a link in the place of the directory of an object's file."""
    directory = root / "content" / key[:2]
    shutil.rmtree(directory, ignore_errors=True)
    (outside / key).write_bytes(SECRET)
    directory.symlink_to(outside)


@pytest.fixture(params=[link_file, link_directory])
def link(request: pytest.FixtureRequest, root: Path) -> Iterator[Callable[[Path, str, Path], None]]:
    yield request.param
    for path in (root / "content").iterdir():
        if path.is_symlink():
            path.unlink()


async def test_objects_are_not_read_through_links(
    store: DiskStore, root: Path, outside: Path, link: Callable[[Path, str, Path], None], client: httpx.AsyncClient
) -> None:
    key = new_key()
    await store.put(key, b"x", "text/plain")
    signed = await store.sign_get(key, "a.txt", "text/plain", MINUTE)
    assert (await send(client, signed)).status_code == 200
    link(root, key, outside)
    answer = await send(client, signed)
    assert (answer.status_code, SECRET in answer.content) == (404, False)
    assert await store.info(key) is None
    with pytest.raises(MissingObject):
        await store.read(key)
    with pytest.raises(MissingObject):
        async with store.local(key):
            pass
    assert key not in [each.key async for each in store.objects()]


async def test_objects_are_not_written_or_deleted_through_links(
    store: DiskStore, root: Path, outside: Path, link: Callable[[Path, str, Path], None], client: httpx.AsyncClient
) -> None:
    key = new_key()
    link(root, key, outside)
    before = {path.name: path.read_bytes() for path in outside.iterdir()}
    signed = await store.sign_put(key, DeclaredUpload(5, "text/plain"), MINUTE)
    assert (await send(client, signed, b"12345")).status_code >= 400
    await store.delete([key])
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == before


async def test_parts_are_not_reached_through_links(
    store: DiskStore, root: Path, outside: Path, client: httpx.AsyncClient
) -> None:
    key = new_key()
    upload = await store.begin_parts(key, "text/plain")
    signed = await store.sign_part(key, upload, 1, 5, MINUTE)
    assert (await send(client, signed, b"12345")).status_code == 200
    parts = await store.parts(key, upload)
    directory = root / "uploads" / f"{key}.{upload}"
    (outside / "00001").write_bytes(b"12345")
    for place, target in ((directory / "00001", outside / "00001"), (directory, outside)):
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        place.symlink_to(target)
        assert await store.parts(key, upload) == []
        with pytest.raises(IncompleteUpload):
            await store.complete_parts(key, upload, parts)
    assert (await send(client, signed, b"54321")).status_code == 404
    await store.abort_parts(key, upload)
    assert (outside / "00001").read_bytes() == b"12345"


async def test_incoming_files_are_not_written_through_a_link(store: DiskStore, root: Path, outside: Path) -> None:
    incoming = root / "incoming"
    incoming.rename(root / "moved")
    incoming.symlink_to(outside)
    try:
        with pytest.raises(SiteFault) as refused:
            await store.put(new_key(), b"x", "text/plain")
        assert isinstance(refused.value.__cause__, NotADirectoryError)
        with pytest.raises(NotADirectoryError):
            await store.check()
    finally:
        incoming.unlink()
        (root / "moved").rename(incoming)
    assert [path.name for path in outside.iterdir()] == ["secret"]


async def test_everything_in_the_store_is_private(tmp_path: Path, client: httpx.AsyncClient) -> None:
    before = os.umask(0)
    try:
        with disk_store(tmp_path / "new") as store:
            key, other = new_key(), new_key()
            signed = await store.sign_put(key, DeclaredUpload(1, "text/plain"), MINUTE)
            assert (await send(client, signed, b"x")).status_code == 200
            upload = await store.begin_parts(other, "text/plain")
            assert (await send(client, await store.sign_part(other, upload, 1, 1, MINUTE), b"x")).status_code == 200
    finally:
        os.umask(before)
    assert {S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")} == {0o600, 0o700}


def test_directories_that_others_may_enter_are_closed_to_them(tmp_path: Path) -> None:
    for name in ("content", "incoming", "uploads"):
        (tmp_path / name).mkdir(0o755)
        (tmp_path / name).chmod(0o755)
    DiskStore(tmp_path, public_url="http://x", secret=secrets.token_bytes(), part_size=1)
    assert {S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o700}
