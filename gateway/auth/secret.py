"""The site's own secrets, which sign URLs and encrypt the credentials of integrations."""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.private_files import PRIVATE_FILE, create_private_directory
from gateway.settings import NotConfigured, Settings


@dataclass(frozen=True, slots=True)
class SiteSecrets:
    """The secret in use, and former ones: what was made with those still counts."""

    current: bytes
    former: tuple[bytes, ...] = ()


def site_secrets(settings: Settings) -> SiteSecrets:
    """Return the secrets of the settings, or else those of the data directory.

    The file in the data directory has a secret on each line, the one in use first. It is created at
    the first start, readable by its owner alone.
    """
    former = [secret.get_secret_value().encode() for secret in settings.former_secret_keys]
    if settings.secret_key:
        return SiteSecrets(settings.secret_key.get_secret_value().encode(), tuple(former))
    path = secret_file(settings)
    create_private_directory(path.parent)
    if not path.exists():
        _write(path, secrets.token_urlsafe(48), _link_unless_present)
    current, *older = path.read_bytes().split()
    return SiteSecrets(current, (*older, *former))


def generate_secret(settings: Settings) -> None:
    """Put a new secret before those in the data directory.

    Raises:
        NotConfigured: the secret is a setting.
    """
    path = secret_file(settings)
    if settings.secret_key:
        raise NotConfigured("STOREGRAPH_SECRET_KEY is set: change the setting instead.")
    known = site_secrets(settings.model_copy(update={"former_secret_keys": []}))
    lines = [secrets.token_urlsafe(48).encode(), known.current, *known.former]
    _write(path, b"\n".join(lines).decode(), os.replace)


def forget_former_secrets(settings: Settings) -> None:
    """Remove all secrets but the one in use from the data directory."""
    if not settings.secret_key:
        _write(secret_file(settings), site_secrets(settings).current.decode(), os.replace)


def secret_file(settings: Settings) -> Path:
    """Return where the secrets of the data directory are, unless the secret is a setting."""
    return settings.data_dir / "secret_key"


def _write(path: Path, text: str, publish: Callable[[Path, Path], None]) -> None:
    """Write a file aside and publish it, so that no process ever reads half a secret."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        publish(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _link_unless_present(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # created by another process just now
