"""Encryption of secrets at rest, such as credentials, with a key derived from the site's secret."""

import base64
import secrets
from collections.abc import Sequence
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PURPOSE = b"storegraph: secrets of cloud integrations, 1"
_NONCE_BYTES = 12


class UnsealFailed(Exception):
    """Raised for text that was not sealed for this row with a secret of this site."""


class Vault:
    """Seals texts with AES-256-GCM; a sealed text can be opened only for the same row."""

    def __init__(self, secret: bytes, former: Sequence[bytes] = ()) -> None:
        self._cipher = _cipher_of(secret)
        self._former = [_cipher_of(each) for each in former]

    def seal(self, owner: UUID, text: str) -> str:
        """Encrypt a text for the row `owner`; the result is base64."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        ciphertext = self._cipher.encrypt(nonce, text.encode(), owner.bytes)
        return base64.b64encode(nonce + ciphertext).decode()

    def open(self, owner: UUID, sealed: str) -> str:
        """Decrypt a text that was sealed for the row `owner`, with any of the site's secrets.

        Raises:
            UnsealFailed: none of them fits.
        """
        return self._open(owner, sealed)[0]

    def reseal(self, owner: UUID, sealed: str) -> str | None:
        """Encrypt a sealed text with the secret in use; return None if it is already.

        Raises:
            UnsealFailed: none of the site's secrets fits.
        """
        text, cipher = self._open(owner, sealed)
        return None if cipher is self._cipher else self.seal(owner, text)

    def _open(self, owner: UUID, sealed: str) -> tuple[str, AESGCM]:
        """Return the text and the cipher that fits."""
        for cipher in (self._cipher, *self._former):
            try:
                data = base64.b64decode(sealed, validate=True)
                nonce, ciphertext = data[:_NONCE_BYTES], data[_NONCE_BYTES:]
                return cipher.decrypt(nonce, ciphertext, owner.bytes).decode(), cipher
            except (InvalidTag, ValueError):
                continue
        raise UnsealFailed


def _cipher_of(secret: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret))
