"""The store that a URL in the settings selects."""

from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.stores.base import DeclaredUpload, ObjectStore
from gateway.stores.disk import DiskStore
from gateway.stores.keys import new_key
from gateway.stores.open import open_store
from gateway.stores.s3 import S3Store
from tests.fixtures.sites import open_client


def opened(url: str, directory: Path) -> ObjectStore:
    return open_store(url, directory=directory, public_url="http://gateway.example", secret=b"x", part_size=5 << 20)


async def test_default_store_is_the_disk(tmp_path: Path) -> None:
    store = opened("", tmp_path)
    await store.put("key", b"x", "text/plain")
    async with store.local("key") as path:
        assert path.is_relative_to(tmp_path / "objects")


@pytest.mark.parametrize("host", ["", "localhost"])
async def test_a_file_url_names_a_directory(tmp_path: Path, host: str) -> None:
    url = (tmp_path / "with space").as_uri().replace("file://", f"file://{host}")
    assert isinstance(opened(url, tmp_path / "other"), DiskStore)
    assert (tmp_path / "with space").is_dir() and not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("url", "bucket", "start"),
    [
        ("s3://a-bucket?region=eu-west-1&access_key=k&secret_key=s", "a-bucket", ""),
        ("s3://a-bucket/some/where/?region=eu-west-1&access_key=k&secret_key=s", "a-bucket", "some/where/"),
        ("s3://a-bucket/x?endpoint=http://127.0.0.1:1&access_key=k&secret_key=s%2B%2F", "a-bucket", "x/"),
    ],
)
async def test_an_s3_url_names_a_bucket(tmp_path: Path, url: str, bucket: str, start: str) -> None:
    store = opened(url, tmp_path)
    assert isinstance(store, S3Store)
    assert store._at("key") == {"Bucket": bucket, "Key": f"{start}key"}
    await store.close()


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x",
        "objects",
        "/objects",
        "file:objects",
        "file://elsewhere/objects",
        "s3://",
        "s3:///x",
        "s3://b?secret_keys=hush",
    ],
)
def test_other_urls_are_rejected_without_repeating_them(tmp_path: Path, url: str) -> None:
    with pytest.raises(ValueError, match=r"^Expected (file|s3)://") as refusal:
        opened(url, tmp_path)
    assert "hush" not in str(refusal.value)


@pytest.mark.parametrize(
    ("options", "begins"),
    [
        ("endpoint=http://s3:8333", "http://s3:8333/a-bucket/x/key?"),
        ("endpoint=http://s3:8333&public_endpoint=https://s3.example/", "https://s3.example/a-bucket/x/key?"),
        (
            "endpoint=http://s3:8333&public_endpoint=https://s3.example&addressing=virtual",
            "https://a-bucket.s3.example/x/key?",
        ),
        ("region=eu-west-1&addressing=virtual", "https://a-bucket.s3.eu-west-1.amazonaws.com/x/key?"),
    ],
)
async def test_signed_urls_begin_where_clients_reach_the_store(tmp_path: Path, options: str, begins: str) -> None:
    url = f"s3://a-bucket/x?region=eu-west-1&access_key=k&secret_key=s&{options}"
    store = opened(url, tmp_path)
    upload = DeclaredUpload(3, "text/plain")
    requests = [
        await store.sign_get("key", "a.txt", "text/plain", timedelta(minutes=1)),
        await store.sign_put("key", upload, timedelta(minutes=1)),
        await store.sign_part("key", "id", 1, 3, timedelta(minutes=1)),
    ]
    for request in requests:
        assert request.url.startswith(begins)
    await store.close()


async def test_a_public_endpoint_serves_what_the_endpoint_stores(tmp_path: Path, s3_server: str) -> None:
    """The same server under another name, as behind a proxy."""
    endpoint = parse_qs(urlsplit(s3_server).query)["endpoint"][0]
    public = endpoint.replace("127.0.0.1", "localhost")
    store = opened(f"{s3_server}&public_endpoint={public}", tmp_path)
    key, upload = new_key(), DeclaredUpload(3, "text/plain")
    async with open_client() as client:
        put = await store.sign_put(key, upload, timedelta(minutes=1))
        assert put.url.startswith(f"{public}/")
        assert (await client.put(put.url, content=b"abc", headers=put.headers)).is_success
        assert await store.read(key) == b"abc"
        get = await store.sign_get(key, "a.txt", "text/plain", timedelta(minutes=1))
        assert (await client.get(get.url)).content == b"abc"
    await store.close()


@pytest.mark.parametrize("option", ["endpoint=foo", "public_endpoint=http://x?secret_key=hush", "addressing=host"])
def test_wrong_options_are_rejected(tmp_path: Path, option: str) -> None:
    with pytest.raises(ValueError, match=rf"^Expected {option.partition('=')[0]}") as refusal:
        opened(f"s3://b?{option}", tmp_path)
    assert "hush" not in str(refusal.value)
