"""The store that a URL in the settings selects."""

from pathlib import Path

import pytest

from gateway.stores.base import ObjectStore
from gateway.stores.disk import DiskStore
from gateway.stores.open import open_store
from gateway.stores.s3 import S3Store


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
