"""A client of a Storegraph like any other: it speaks GraphQL, and sends bytes to the targets that it is given."""

from typing import Any

import httpx


class DemoError(Exception):
    """The demo could not be made; the message says what the site answered."""


class DemoClient:
    """Somebody at a running site, by his key."""

    def __init__(self, http: httpx.AsyncClient, url: str, key: str) -> None:
        self._http = http
        self._endpoint = f"{url.rstrip('/')}/graphql"
        self._headers = {"Authorization": f"Bearer {key}"}

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an operation; raises `DemoError` if the site cannot be reached or answers with errors."""
        body = {"query": document, "variables": variables}
        try:
            response = await self._http.post(self._endpoint, json=body, headers=self._headers)
            answer: dict[str, Any] = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise DemoError(f"No Storegraph answers at {self._endpoint}: {error}") from error
        if answer.get("errors"):
            raise DemoError(answer["errors"][0]["message"])
        data: dict[str, Any] = answer["data"]
        return data

    async def do(self, mutation: str, selection: str, **input: Any) -> dict[str, Any]:
        """The payload of a mutation; raises `DemoError` if it is refused."""
        kind = f"{mutation[0].upper()}{mutation[1:]}Input"
        document = f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ {selection} userErrors {{ message }} }} }}"
        payload: dict[str, Any] = (await self.ask(document, input=input))[mutation]
        if payload["userErrors"]:
            raise DemoError(f"{mutation}: {payload['userErrors'][0]['message']}")
        return payload

    async def send(self, target: dict[str, Any], data: bytes) -> None:
        """Send the bytes of a file to its signed target, without our key; raises `DemoError` if they are refused."""
        headers = target["uploadHeaders"]
        try:
            response = await self._http.request(
                target["method"], target["url"], content=data, headers=headers
            )
            response.raise_for_status()
        except httpx.HTTPError as error:
            raise DemoError(f"The bytes were not taken: {error}") from error
