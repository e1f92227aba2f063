"""The credential of a connection that stays open, checked again for as long as it does."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

from gateway.auth.viewer import Viewer
from gateway.errors import DomainError, ErrorCode
from gateway.execution.error_bodies import error_body
from gateway.execution.operations import new_request_id
from gateway.http.graphql_service import GraphQLService


class CredentialRefused(Exception):
    """Raised when a connection must end because of its credential."""


class LiveCredential:
    """The credential of a WebSocket or event stream, as in an Authorization header.

    `viewer` is its viewer, if it was authenticated just now.
    """

    def __init__(
        self, service: GraphQLService, authorization: str | None, viewer: Viewer | None = None
    ) -> None:
        self._service = service
        self._authorization = authorization
        self._viewer = viewer
        self._checked_at = monotonic()

    async def authenticate(self) -> Viewer:
        """Return the viewer.

        Raises:
            CredentialRefused: the credential is missing, invalid, expired or revoked, or the role
                of its user has changed since the connection was opened.
        """
        self._checked_at = monotonic()
        try:
            viewer = await self._service.authenticate(self._authorization)
        except DomainError as error:
            if error.code is not ErrorCode.UNAUTHENTICATED:
                raise
            message = "The credential is missing, invalid, expired or revoked"
            raise CredentialRefused(message) from None
        if self._viewer not in (None, viewer):
            raise CredentialRefused("The role of the user has changed: connect again")
        self._viewer = viewer
        return viewer

    async def recheck(self) -> None:
        """Authenticate again if the last time is too long ago.

        If the check itself fails, the connection stays open until the next one.
        """
        if monotonic() - self._checked_at < self._service.timeouts.recheck:
            return
        try:
            await self.authenticate()
        except CredentialRefused:
            raise
        except Exception as error:
            error_body(error, new_request_id())  # logs it

    async def keep_alive(self, ping: Callable[[], Awaitable[None]]) -> None:
        """Ping the client and recheck the credential, each at its interval, until it is refused."""
        timeouts = self._service.timeouts
        pinged_at = monotonic()
        while True:
            await asyncio.sleep(min(timeouts.recheck, timeouts.ping))
            await self.recheck()
            if monotonic() - pinged_at >= timeouts.ping:
                await ping()
                pinged_at = monotonic()
