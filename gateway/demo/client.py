"""A client of a Storegraph site that also sends the demo's files to their upload targets."""

from typing import Any

import httpx

from gateway.transfer.site import Site, SiteError


class DemoError(SiteError):
    """The demo could not be created; the message says why."""


class DemoClient(Site):
    """A client that sends each request once, so that a mistake is reported at once.

    Where the site signs URLs for `public_url`, the client uses `url` instead, as the proxy that
    serves the public URL may not be there yet, or not be reachable from the server.
    """

    def __init__(self, url: str, key: str, public_url: str = "") -> None:
        super().__init__(url, key, attempts=1)
        self._public_url = public_url or self.url

    async def upload(self, target: dict[str, Any], data: bytes) -> None:
        """Send the bytes of a file to its signed target, without the API key.

        Raises:
            DemoError: the store refuses them.
        """
        headers, url = target["uploadHeaders"], target["url"]
        if url.startswith(f"{self._public_url}/"):
            url = self.url + url.removeprefix(self._public_url)
        try:
            response = await self.http.request(target["method"], url, content=data, headers=headers)
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise DemoError(f"The upload was refused: {error}") from error
