"""Object keys: how they are made, which are sound, and where on disk an object lies."""

import re
import secrets
from pathlib import Path

from gateway.stores.base import BadKey

_SOUND = re.compile(r"[0-9a-z][0-9a-z_-]{0,127}", re.ASCII)


def new_key() -> str:
    """A key that nobody can guess and that says nothing of what it stands for."""
    return secrets.token_hex(16)


def validate_object_key(key: str) -> str:
    """The key itself; raises `BadKey` unless it is a plain name that means the same to every store and file system."""
    if _SOUND.fullmatch(key) is None:
        raise BadKey(key[:64])
    return key


def object_path(root: Path, key: str) -> Path:
    """Where the object lies under `root`; raises `BadKey`."""
    return root / validate_object_key(key)[:2] / key


def parts_directory(root: Path, key: str, upload_id: str) -> Path:
    """Where the parts of a multipart upload lie under `root`; raises `BadKey`."""
    return root / f"{validate_object_key(key)}.{validate_object_key(upload_id)}"
