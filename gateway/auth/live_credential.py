"""A credential in use: its viewer, until it expires, is revoked, or its user's account changes."""

import asyncio
import time

from gateway.auth.viewer import Viewer
from gateway.clock import SITE_CLOCK
from gateway.errors import DomainError, ErrorCode
from gateway.interruptions import Interruption

INVALID = "This credential is invalid, expired or revoked."
ROLE_CHANGED = "Your role on the site has changed. Send the request again."
GRACE_SECONDS = 0.5
"""Time that running operations have to finish after their credential has ended."""


class LiveCredential:
    """A credential that was valid when it was last checked.

    Whoever keeps a reference is told soon after it has ended: a stream or socket waits for `ended`,
    and what answers a single request runs in `required`.
    """

    __slots__ = (
        "__weakref__",
        "_ended",
        "_reason",
        "_requirements",
        "checked_at",
        "used_at",
        "viewer",
    )

    def __init__(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.checked_at = self.used_at = time.monotonic()
        self._reason: DomainError | None = None
        self._ended = asyncio.Event()
        self._requirements: set[RequiredCredential] = set()

    @property
    def has_ended(self) -> bool:
        """Return whether the credential has ended or expired."""
        expires_at = self.viewer.expires_at
        return self._reason is not None or (
            expires_at is not None and expires_at.timestamp() <= SITE_CLOCK.time()
        )

    def check(self) -> None:
        """Raise why the credential has ended, if it has: `UNAUTHENTICATED` or `FORBIDDEN`."""
        if self.has_ended:
            raise self._reason or DomainError(ErrorCode.UNAUTHENTICATED, INVALID)

    def end(self, reason: DomainError) -> None:
        """End the credential; what runs on its behalf has a moment to finish.

        A mutation that revokes its own key, or changes its own user, is answered in this time.
        """
        if self._reason is None:
            self._reason = reason
            asyncio.get_running_loop().call_later(GRACE_SECONDS, self._stop)

    def _stop(self) -> None:
        self._ended.set()
        for requirement in self._requirements:
            requirement.stop()

    async def ended(self) -> DomainError:
        """Wait until the credential has ended and the grace is over; return why it has."""
        await self._ended.wait()
        return self._reason or DomainError(ErrorCode.UNAUTHENTICATED, INVALID)

    def required(self) -> "RequiredCredential":
        """Run a block while the credential is valid; soon after that, cancel it and raise why.

        Raises:
            DomainError: `UNAUTHENTICATED`, or `FORBIDDEN` if only the user's role has changed.
        """
        return RequiredCredential(self, self._requirements)


class RequiredCredential(Interruption):
    """A block that is cancelled when its credential ends.

    Every request enters one, so that this is no generator, which takes several times longer.
    """

    __slots__ = ("_blocks", "_credential")

    def __init__(self, credential: LiveCredential, blocks: "set[RequiredCredential]") -> None:
        super().__init__()
        self._credential = credential
        self._blocks = blocks

    def __enter__(self) -> None:
        self._credential.check()
        self._blocks.add(self)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._blocks.discard(self)
        if self.end() and kind is asyncio.CancelledError:
            self._credential.check()
