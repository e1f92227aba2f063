"""Object keys: generation, validation, and the names of objects on disk."""

import re
import secrets

from gateway.stores.base import BadKey

_KEY = re.compile(r"[0-9a-z][0-9a-z_-]{0,127}", re.ASCII)


def new_key() -> str:
    """Return a random key, which cannot be guessed and reveals nothing about the object."""
    return secrets.token_hex(16)


def is_object_key(name: str) -> bool:
    """Return whether every store and file system reads a name as the key of the same object."""
    return _KEY.fullmatch(name) is not None


def validate_object_key(key: str) -> str:
    """Return the key; raises `BadKey` unless it is one."""
    if not is_object_key(key):
        raise BadKey(key[:64])
    return key


def object_directory(key: str) -> str:
    """Return the name of the directory of an object, whose file has the key as name.

    Raises:
        BadKey: no object can have that key.
    """
    return validate_object_key(key)[:2]


def parts_directory(key: str, upload_id: str) -> str:
    """Return the name of the directory of a multipart upload's parts; raises `BadKey`."""
    return f"{validate_object_key(key)}.{validate_object_key(upload_id)}"
