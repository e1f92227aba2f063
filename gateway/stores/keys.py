"""Object keys: generation, validation, and the paths of objects on disk."""

import re
import secrets
from pathlib import Path

from gateway.stores.base import BadKey

_KEY = re.compile(r"[0-9a-z][0-9a-z_-]{0,127}", re.ASCII)


def new_key() -> str:
    """Return a random key, which cannot be guessed and reveals nothing about the object."""
    return secrets.token_hex(16)


def validate_object_key(key: str) -> str:
    """Return the key; raises `BadKey` unless every store and file system reads it the same way."""
    if _KEY.fullmatch(key) is None:
        raise BadKey(key[:64])
    return key


def object_path(root: Path, key: str) -> Path:
    """Return the path of an object under `root`; raises `BadKey`."""
    return root / validate_object_key(key)[:2] / key


def parts_directory(root: Path, key: str, upload_id: str) -> Path:
    """Return the directory of a multipart upload's parts under `root`; raises `BadKey`."""
    return root / f"{validate_object_key(key)}.{validate_object_key(upload_id)}"
