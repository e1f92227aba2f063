"""The site's own secret, which signs URLs and seals the secrets of integrations."""

import os
import secrets
from pathlib import Path

from gateway.settings import Settings


def site_secret(settings: Settings) -> bytes:
    """The secret: the one in the settings, or one kept in the data directory for its owner alone."""
    if settings.secret_key:
        return settings.secret_key.get_secret_value().encode()
    path = settings.data_dir / "secret_key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        _write_new(path, secrets.token_urlsafe(48))
    except FileExistsError:
        pass  # made at an earlier start, or by another process just now
    return path.read_bytes().strip()


def _write_new(path: Path, text: str) -> None:
    """Write a file that others may not read and that must not be there yet; whole or not at all."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink()
