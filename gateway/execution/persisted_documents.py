"""Documents that clients request by an id, usually the hash of the text, instead of the text.

Trusted documents come with the site. Others are registered by clients, in Apollo's protocol of
automatic persisted queries: upon an error for an unknown hash, a client sends hash and text.
"""

import hashlib
from collections.abc import Mapping

from gateway.errors import DomainError, ErrorCode
from gateway.execution.cache import Cache

MAX_REGISTERED = 1_000
MAX_REGISTERED_CHARACTERS = 2_000_000

_NOT_FOUND, _NOT_SUPPORTED = "PersistedQueryNotFound", "PersistedQueryNotSupported"
"""Messages of Apollo's protocol: some clients read only these."""
_NOT_TRUSTED = DomainError(
    ErrorCode.DOCUMENT_NOT_TRUSTED,
    "This site runs trusted documents only, and this is none of them.",
)


class PersistedDocuments:
    """The documents of one site by id.

    Args:
        trusted: the text of each trusted document.
        only_trusted: whether no other document may run.
        registers: whether clients register documents.
    """

    def __init__(
        self,
        trusted: Mapping[str, str] | None = None,
        *,
        only_trusted: bool = False,
        registers: bool = False,
    ) -> None:
        self._trusted = trusted or {}
        self._trusted_texts = frozenset(self._trusted.values())
        self._only_trusted = only_trusted
        self._registers = registers
        self._registered: Cache[str] = Cache(MAX_REGISTERED, MAX_REGISTERED_CHARACTERS)

    def find(self, text: str | None, id_: str | None) -> str:
        """Return the text of the document that a client requests by its text, its id, or both.

        Raises:
            DomainError: `PERSISTED_QUERY_NOT_FOUND`, `PERSISTED_QUERY_NOT_SUPPORTED`,
                `DOCUMENT_NOT_TRUSTED`, or `BAD_REQUEST` for a text with the hash of another.
        """
        if text is None:
            found = self._trusted.get(id_ or "") or self._registered.get(id_)
            if found is not None:
                return found
            if self._only_trusted:
                raise _NOT_TRUSTED
            if self._registers or self._trusted:
                raise DomainError(ErrorCode.PERSISTED_QUERY_NOT_FOUND, _NOT_FOUND)
            raise DomainError(ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED, _NOT_SUPPORTED)
        if self._only_trusted and text not in self._trusted_texts:
            raise _NOT_TRUSTED
        if id_ and self._registers and id_ != hashlib.sha256(text.encode()).hexdigest():
            raise DomainError(ErrorCode.BAD_REQUEST, "The hash is not the document's SHA-256.")
        return text

    def register(self, text: str, id_: str | None) -> None:
        """Keep a valid document under the hash that `find` has checked."""
        if id_ and self._registers:
            self._registered.put(id_, text, len(text))
