"""A customer's store as we use it: its kind signs, the guarded fetcher sends, and nothing is ever changed there."""

import asyncio
from collections.abc import Callable
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime

from gateway.clouds.base import CloudAccount, CloudObject, ObjectLocation, ObjectPage, Signer
from gateway.clouds.urls import allowed_location
from gateway.clouds.xml import error_code
from gateway.errors import ErrorCode
from gateway.fetching.errors import FetchError, status_error
from gateway.fetching.fetcher import FetchedRange, FetchedResponse, Fetcher
from gateway.stores.base import SignedRequest, expires_after

PAGE_SIZE = 1000
"""Objects in a page at most: no cloud of ours gives more."""
_OURS = timedelta(minutes=15)
"""How long a signature lives that only we use."""
_LONGEST_PAGE = 16 << 20
_BAD_CREDENTIALS = {
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "AuthenticationFailed",
    "InvalidToken",
    "ExpiredToken",
    "InvalidSecurity",
}


class BadCredentials(FetchError):
    """The cloud does not know our keys."""

    def __init__(self) -> None:
        super().__init__(ErrorCode.FORBIDDEN, "The cloud does not accept the credentials.")


class Cloud:
    """One account. What cannot be had raises a `FetchError` that says why and names neither keys nor signatures."""

    def __init__(self, account: CloudAccount, signer: Signer, fetcher: Fetcher) -> None:
        self.account = account
        self._signer = signer
        self._fetcher = fetcher

    def locate(self, url: str) -> ObjectLocation:
        """What a URL names that this account may touch."""
        try:
            return allowed_location(self.account, url)
        except ValueError as error:
            raise FetchError(ErrorCode.FORBIDDEN, str(error)) from None

    async def head(self, place: ObjectLocation) -> CloudObject:
        """What there is to know of an object."""
        url = await self._signed(lambda: self._signer.head(place, _OURS))
        answer = await self._fetcher.request(url, method="HEAD")
        if answer.status != 200:
            raise status_error(answer.status)
        size, modified = (
            answer.headers.get("content-length", ""),
            answer.headers.get("last-modified"),
        )
        if not size.isdecimal():
            raise FetchError(ErrorCode.CONFLICT, "The cloud does not say how long the object is.")
        try:
            moment = parsedate_to_datetime(modified).astimezone(UTC) if modified else None
        except ValueError:
            moment = None
        return CloudObject(place.key, int(size), answer.headers.get("etag"), moment)

    async def read(self, place: ObjectLocation, start: int, stop: int) -> FetchedRange:
        """The bytes of an object from `start` up to, not including, `stop`, as in a slice."""
        return await self._fetcher.read_range(await self.internal_url(place), start, stop)

    async def internal_url(self, place: ObjectLocation) -> str:
        """A URL of an object, for ourselves."""
        return await self._signed(lambda: self._signer.get(place, _OURS))

    async def list_objects(
        self, place: ObjectLocation, after: str | None = None, size: int = PAGE_SIZE
    ) -> ObjectPage:
        """Up to `size` objects whose keys begin with that of `place`; `after` is the `next` of the page before."""
        url = await self._signed(lambda: self._signer.page(place, after, size, _OURS))
        answer = await self._fetcher.request(url, most=_LONGEST_PAGE)
        if answer.status != 200:
            raise _refused_page(answer)
        try:
            return await asyncio.to_thread(self._signer.read_page, answer.data)
        except ValueError:
            raise FetchError(
                ErrorCode.CONFLICT, "What answers at the endpoint is not such a cloud."
            ) from None

    async def sign_get(
        self, place: ObjectLocation, file_name: str, content_type: str, lifetime: timedelta
    ) -> SignedRequest:
        """A download of the object, by anybody, as an attachment with that name and type."""
        expires_at = expires_after(lifetime)  # before signing, so that nobody is promised too much
        url = await self._signed(
            lambda: self._signer.get(
                place, lifetime, file_name=file_name, content_type=content_type
            )
        )
        return SignedRequest(url, "GET", expires_at)

    async def _signed(self, sign: Callable[[], str]) -> str:
        """In a thread: the server's own credentials may have to be fetched first."""
        return await asyncio.to_thread(sign)


def _refused_page(answer: FetchedResponse) -> FetchError:
    code = error_code(answer.data)
    if code in _BAD_CREDENTIALS:
        return BadCredentials()
    if answer.status == 404:
        return FetchError(ErrorCode.NOT_FOUND, "The cloud has no such bucket.")
    if answer.status in (401, 403):
        return FetchError(ErrorCode.FORBIDDEN, "The cloud does not let us list this.")
    if answer.status in (301, 307, 400):
        return FetchError(
            ErrorCode.CONFLICT, "The cloud does not answer here: see the region and the endpoint."
        )
    return status_error(answer.status)
