"""Opens the object store that the settings name by a URL."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from gateway.stores.base import ObjectStore
from gateway.stores.disk import DiskStore
from gateway.stores.s3 import Addressing, S3Store
from gateway.web_addresses import check_base_url

_S3_OPTIONS = (
    "endpoint",
    "public_endpoint",
    "addressing",
    "region",
    "access_key",
    "secret_key",
)
_ADDRESSING: dict[str, Addressing] = {"path": "path", "virtual": "virtual"}


def open_store(
    url: str,
    *,
    directory: Path,
    public_url: str,
    secret: bytes,
    part_size: int,
    former_secrets: Sequence[bytes] = (),
    min_free: int = 0,
) -> ObjectStore:
    """Open the store that a URL names: `file:///directory` or `s3://bucket/prefix?region=…`.

    The query of an S3 URL may have `endpoint`, `region`, `access_key`, `secret_key`, the
    `public_endpoint` that clients use, and `addressing`, which is `path` or `virtual`.

    Without a URL, objects are files in `directory`. `part_size` and `min_free` are in bytes; S3
    needs 5 MiB of the former. Raises `ValueError`, whose message has nothing of the URL's secrets.
    """
    parts = urlsplit(url or (directory / "objects").absolute().as_uri())
    if parts.scheme == "s3":
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if options.keys() - set(_S3_OPTIONS) or not parts.netloc:
            names = ", ".join(_S3_OPTIONS)
            raise ValueError(f"Expected s3://bucket/prefix, with no options but {names}.")
        for name in options.keys() & {"endpoint", "public_endpoint"}:
            try:
                options[name] = check_base_url(options[name])
            except ValueError:
                raise ValueError(
                    f"Expected {name} to be a URL such as https://s3.example."
                ) from None
        addressing = _ADDRESSING.get(options.pop("addressing", "path"))
        if addressing is None:
            raise ValueError("Expected addressing=path or addressing=virtual.")
        prefix = unquote(parts.path).strip("/")
        return S3Store(parts.netloc, prefix, part_size=part_size, addressing=addressing, **options)
    if (
        parts.scheme != "file"
        or parts.netloc not in ("", "localhost")
        or not parts.path.startswith("/")
    ):
        raise ValueError("Expected file:///directory or s3://bucket/prefix.")
    return DiskStore(
        Path(unquote(parts.path)),
        public_url=public_url,
        secret=secret,
        part_size=part_size,
        former_secrets=former_secrets,
        min_free=min_free,
    )
