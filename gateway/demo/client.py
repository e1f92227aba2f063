"""A GraphQL client of a Storegraph site, which also sends files to their upload targets."""

from typing import Any

import httpx


class DemoError(Exception):
    """The demo could not be created; the message contains the site's answer."""


class DemoClient:
    """A client that authenticates with one user's API key.

    Where the site signs URLs for `public_url`, the client uses `url` instead, as the proxy that
    serves the public URL may not be there yet, or not be reachable from the server.
    """

    def __init__(self, http: httpx.AsyncClient, url: str, key: str, public_url: str = "") -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._public_url = public_url or self._url
        self._endpoint = f"{self._url}/graphql"
        self._headers = {"Authorization": f"Bearer {key}"}

    async def query(self, document: str, **variables: Any) -> dict[str, Any]:
        """Return the data of an operation.

        Raises:
            DemoError: the site cannot be reached, or it answers with errors.
        """
        body = {"query": document, "variables": variables}
        try:
            response = await self._http.post(self._endpoint, json=body, headers=self._headers)
            answer: dict[str, Any] = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise DemoError(f"No Storegraph site answers at {self._endpoint}: {error}") from error
        if answer.get("errors"):
            raise DemoError(answer["errors"][0]["message"])
        data: dict[str, Any] = answer["data"]
        return data

    async def mutate(self, mutation: str, selection: str, **input: Any) -> dict[str, Any]:
        """Return the payload of a mutation.

        Raises:
            DemoError: the mutation is refused.
        """
        type_name = f"{mutation[0].upper()}{mutation[1:]}Input"
        document = (
            f"mutation ($input: {type_name}!) "
            f"{{ {mutation}(input: $input) {{ {selection} userErrors {{ message }} }} }}"
        )
        payload: dict[str, Any] = (await self.query(document, input=input))[mutation]
        if payload["userErrors"]:
            raise DemoError(f"{mutation}: {payload['userErrors'][0]['message']}")
        return payload

    async def upload(self, target: dict[str, Any], data: bytes) -> None:
        """Send the bytes of a file to its signed target, without the API key.

        Raises:
            DemoError: the store refuses them.
        """
        headers, url = target["uploadHeaders"], target["url"]
        if url.startswith(f"{self._public_url}/"):
            url = self._url + url.removeprefix(self._public_url)
        try:
            response = await self._http.request(
                target["method"], url, content=data, headers=headers
            )
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise DemoError(f"The upload was refused: {error}") from error
