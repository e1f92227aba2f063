"""Encryption of integrations' credentials at rest, with a key derived from the site's secret."""

import base64
import secrets
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"storegraph: secrets of cloud integrations, 1"
_NONCE_BYTES = 12


class UnsealFailed(Exception):
    """Raised for text that was not sealed for this row with this site's secret."""


class Vault:
    """Seals texts with AES-256-GCM; a sealed text can be opened only for the same row."""

    def __init__(self, site_secret: bytes) -> None:
        derived = HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(site_secret)
        self._cipher = AESGCM(derived)

    def seal(self, owner: UUID, text: str) -> str:
        """Encrypt a text for the row `owner`; the result is base64."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        ciphertext = self._cipher.encrypt(nonce, text.encode(), owner.bytes)
        return base64.b64encode(nonce + ciphertext).decode()

    def open(self, owner: UUID, sealed: str) -> str:
        """Decrypt a text that was sealed for the row `owner`; raises `UnsealFailed`."""
        try:
            data = base64.b64decode(sealed, validate=True)
            nonce, ciphertext = data[:_NONCE_BYTES], data[_NONCE_BYTES:]
            return self._cipher.decrypt(nonce, ciphertext, owner.bytes).decode()
        except (InvalidTag, ValueError):
            raise UnsealFailed from None
