"""Opens the object store that the settings name by a URL."""

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from gateway.stores.base import ObjectStore
from gateway.stores.disk import DiskStore
from gateway.stores.s3 import S3Store

_S3_OPTIONS = ("endpoint", "region", "access_key", "secret_key")


def open_store(
    url: str, *, directory: Path, public_url: str, secret: bytes, part_size: int
) -> ObjectStore:
    """Open the store that a URL names: `file:///directory` or `s3://bucket/prefix?region=…`.

    The query of an S3 URL may have `endpoint`, `region`, `access_key` and `secret_key`.

    Without a URL, objects are files in `directory`. `part_size` is in bytes, for S3 at least
    5 MiB. Raises `ValueError`, whose message never repeats the URL, because that has secrets.
    """
    parts = urlsplit(url or (directory / "objects").absolute().as_uri())
    if parts.scheme == "s3":
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if options.keys() - set(_S3_OPTIONS) or not parts.netloc:
            names = ", ".join(_S3_OPTIONS)
            raise ValueError(f"Expected s3://bucket/prefix, with no options but {names}.")
        prefix = unquote(parts.path).strip("/")
        return S3Store(parts.netloc, prefix, part_size=part_size, **options)
    if (
        parts.scheme != "file"
        or parts.netloc not in ("", "localhost")
        or not parts.path.startswith("/")
    ):
        raise ValueError("Expected file:///directory or s3://bucket/prefix.")
    return DiskStore(
        Path(unquote(parts.path)), public_url=public_url, secret=secret, part_size=part_size
    )
