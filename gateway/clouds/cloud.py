"""Read access to one cloud account: the provider signs, the guarded fetcher sends.

Nothing in a customer's cloud is ever changed.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from gateway.clouds.base import CloudAccount, CloudObject, ObjectLocation, ObjectPage, Signer
from gateway.clouds.providers import PROVIDERS
from gateway.clouds.urls import allowed_location
from gateway.clouds.xml import error_code
from gateway.errors import ErrorCode
from gateway.fetching.errors import AccessFault, FetchError, status_error
from gateway.fetching.fetcher import FetchedRange, FetchedResponse, Fetcher, parse_http_date
from gateway.stores.base import ANYONE, SignedRequest, UrlBounds
from gateway.stores.downloads import plan_download

PAGE_SIZE = 1000
"""Objects per page of a listing; no provider gives more."""
_INTERNAL_LIFETIME = timedelta(minutes=15)
"""Lifetime of signatures that never leave the server."""
_MAX_PAGE_BYTES = 16 << 20


class BadCredentials(AccessFault):
    """Raised when the cloud does not know, or no longer accepts, an account's credentials."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.FORBIDDEN, "The cloud rejected the credentials.")


class Cloud:
    """One cloud account.

    Methods raise a `FetchError` whose message is safe to show: it names no keys or signatures.
    """

    def __init__(self, account: CloudAccount, signer: Signer, fetcher: Fetcher) -> None:
        self.account = account
        self._signer = signer
        self._fetcher = fetcher

    def locate(self, url: str) -> ObjectLocation:
        """Return the location that a URL names, which the account must be allowed to touch."""
        try:
            return allowed_location(self.account, url)
        except ValueError as error:
            raise FetchError(ErrorCode.FORBIDDEN, str(error)) from None

    async def head(self, location: ObjectLocation) -> CloudObject:
        """Return the metadata of an object."""
        url = await self._signed(lambda: self._signer.head(location, _INTERNAL_LIFETIME))
        response = await self._fetcher.request(url, method="HEAD")
        if response.status != 200:
            raise status_error(response.status)
        size = response.headers.get("content-length", "")
        if not size.isdecimal():
            raise FetchError(
                ErrorCode.CONFLICT, "The cloud's response does not say how large the object is."
            )
        modified = parse_http_date(response.headers.get("last-modified"))
        return CloudObject(location.key, int(size), response.headers.get("etag"), modified)

    async def read(self, location: ObjectLocation, start: int, stop: int) -> FetchedRange:
        """Return the bytes of an object from `start` up to, not including, `stop`."""
        return await self._fetcher.read_range(await self.internal_url(location), start, stop)

    async def internal_url(self, location: ObjectLocation) -> str:
        """Return a URL of an object that must not be shown to clients."""
        return await self._signed(lambda: self._signer.get(location, _INTERNAL_LIFETIME))

    async def list_objects(
        self, location: ObjectLocation, after: str | None = None, size: int = PAGE_SIZE
    ) -> ObjectPage:
        """Return up to `size` objects whose keys begin with the location's key.

        `after` is the `next` of the previous page.
        """
        url = await self._signed(
            lambda: self._signer.page(location, after, size, _INTERNAL_LIFETIME)
        )
        response = await self._fetcher.request(url, max_bytes=_MAX_PAGE_BYTES)
        if response.status != 200:
            raise self._listing_error(response)
        try:
            return await asyncio.to_thread(self._signer.read_page, response.data)
        except ValueError:
            message = "The response is not an object listing: check the kind and the endpoint."
            raise FetchError(ErrorCode.CONFLICT, message) from None

    async def sign_get(
        self,
        location: ObjectLocation,
        file_name: str,
        content_type: str,
        lifetime: timedelta,
        *,
        is_inline: bool = False,
        bounds: UrlBounds = ANYONE,
    ) -> SignedRequest:
        """Return a request that downloads the object, for clients, as `ObjectStore` does."""
        download = plan_download(
            file_name, content_type, lifetime, bounds.longest, is_inline=is_inline
        )
        url = await self._signed(lambda: self._signer.download(location, download))
        return SignedRequest(url, "GET", download.expires_at)

    async def _signed(self, sign: Callable[[], str]) -> str:
        """Sign, in a thread if the server's own credentials may have to be loaded first."""
        return sign() if self.account.credentials else await asyncio.to_thread(sign)

    def _listing_error(self, response: FetchedResponse) -> FetchError:
        """Return the error for a listing that was refused, as specific as the response allows."""
        codes = PROVIDERS[self.account.kind].credential_error_codes
        if error_code(response.data) in codes:
            return BadCredentials()
        if response.status == 404:
            return FetchError(ErrorCode.NOT_FOUND, "The bucket does not exist.")
        if response.status in (401, 403):
            message = "The credentials do not allow listing this location."
            return FetchError(ErrorCode.FORBIDDEN, message)
        if response.status in (301, 307, 400):
            message = (
                f"The cloud rejected the request (HTTP status {response.status}): check the region and "
                "the endpoint."
            )
            return FetchError(ErrorCode.CONFLICT, message)
        return status_error(response.status)
