"""Which object store a URL from the settings means."""

from pathlib import Path
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from gateway.stores.base import ObjectStore
from gateway.stores.disk import DiskStore
from gateway.stores.s3 import S3Store

_S3_OPTIONS = ("endpoint", "region", "access_key", "secret_key")


def open_store(
    url: str, *, directory: Path, public_url: str, secret: bytes, part_size: int
) -> ObjectStore:
    """The store at `file:///directory` or `s3://bucket/prefix?endpoint=…&region=…&access_key=…&secret_key=…`.

    Without a URL it is the local disk, in `directory`. `part_size` is in bytes: for S3,
    5 MiB or more. Raises `ValueError`, which never repeats the URL: it has keys.
    """
    parts = urlsplit(url or (directory / "objects").absolute().as_uri())
    if parts.scheme == "s3":
        return _s3(parts, part_size)
    if (
        parts.scheme != "file"
        or parts.netloc not in ("", "localhost")
        or not parts.path.startswith("/")
    ):
        raise ValueError("an object store is file:///directory or s3://bucket/prefix")
    return DiskStore(
        Path(unquote(parts.path)), public_url=public_url, secret=secret, part_size=part_size
    )


def _s3(parts: SplitResult, part_size: int) -> S3Store:
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    unknown = options.keys() - set(_S3_OPTIONS)
    if unknown or not parts.netloc:
        raise ValueError(
            f"an S3 store is s3://bucket/prefix with the options {', '.join(_S3_OPTIONS)}"
        )
    return S3Store(parts.netloc, unquote(parts.path).strip("/"), part_size=part_size, **options)
