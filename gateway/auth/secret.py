"""The site's own secret, which signs URLs and encrypts the credentials of integrations."""

import os
import secrets

from gateway.settings import Settings


def site_secret(settings: Settings) -> bytes:
    """Return the secret of the settings, or else that of the data directory.

    The file in the data directory is created at the first start, readable by its owner alone.
    """
    if settings.secret_key:
        return settings.secret_key.get_secret_value().encode()
    path = settings.data_dir / "secret_key"
    path.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and linked, so that no process ever reads half a secret.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass  # created at an earlier start, or by another process just now
    finally:
        draft.unlink()
    return path.read_bytes().strip()
