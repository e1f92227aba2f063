"""Secrets of integrations at rest: sealed with a key that only the site's own secret gives."""

import base64
import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"storegraph: secrets of cloud integrations, 1"
_NONCE = 12


class UnsealFailed(Exception):
    """The text was not sealed for this row with this site's secret."""


class Vault:
    """Seals and opens texts; each is good only for the row that it was sealed for (AES-256-GCM)."""

    def __init__(self, site_secret: bytes) -> None:
        derived = HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(site_secret)
        self._cipher = AESGCM(derived)

    def seal(self, owner: UUID, text: str) -> str:
        """The text as it may be written down."""
        nonce = secrets.token_bytes(_NONCE)
        return base64.b64encode(
            nonce + self._cipher.encrypt(nonce, text.encode(), owner.bytes)
        ).decode()

    def open(self, owner: UUID, sealed: str) -> str:
        """The text as it was; raises `UnsealFailed`."""
        try:
            data = base64.b64decode(sealed, validate=True)
            return self._cipher.decrypt(data[:_NONCE], data[_NONCE:], owner.bytes).decode()
        except (InvalidTag, ValueError):
            raise UnsealFailed from None
