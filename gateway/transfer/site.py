"""A Storegraph site as a client sees it. Requests are repeated while the site is busy."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Self

import httpx

_BUSY = frozenset({429, 502, 503, 504})
LONGEST_PAUSE = 20.0
"""Seconds between two attempts at most."""


class SiteError(Exception):
    """The site cannot be reached, or has refused a request; the message says why.

    Attributes:
        code: the code of the first error of the answer, such as "NOT_FOUND"; None without one.
    """

    def __init__(self, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.code = code


class RefusedError(SiteError):
    """The site has refused a mutation.

    Attributes:
        refusals: the user errors, each with `code`, `message` and `path`.
    """

    def __init__(self, refusals: Sequence[Mapping[str, Any]]) -> None:
        first = refusals[0]
        where = ".".join(str(each) for each in first["path"] or ())
        message = f"{where}: {first['message']}" if where else first["message"]
        super().__init__(message, first["code"])
        self.refusals = refusals

    def is_about(self, field: str) -> bool:
        """Return whether what a field of the input names is not there."""
        first = self.refusals[0]
        return (first["code"], first["path"]) == ("NOT_FOUND", ["input", field])

    def messages_of(self, field: str) -> dict[int, str]:
        """Return the messages about entries of a list of the input, by the entries' positions."""
        return {
            int(each["path"][2]): each["message"]
            for each in self.refusals
            if each["path"][:2] == ["input", field] and len(each["path"]) > 2
        }


class Site:
    """A client of one site, which signs in with an API key.

    Use it as an async context manager.

    Args:
        url: where the site is, without `/graphql`.
        key: an API key, or the token of a session.
        transfers: how many files are sent or fetched at once.
        attempts: how often a request is sent if the site cannot be reached or refuses it for the
            moment.
    """

    def __init__(self, url: str, key: str, transfers: int = 8, attempts: int = 6) -> None:
        self.url = url.rstrip("/")
        self.transfers = transfers
        self.attempts = attempts
        self._headers = {"Authorization": f"Bearer {key}"}
        limits = httpx.Limits(max_connections=transfers + 4, max_keepalive_connections=transfers)
        self.http = httpx.AsyncClient(timeout=httpx.Timeout(60, pool=None), limits=limits)
        self.requests_count = 0

    async def __aenter__(self) -> Self:
        await self.http.__aenter__()
        return self

    async def __aexit__(self, *reason: object) -> None:
        await self.http.aclose()

    async def query(self, document: str, **variables: Any) -> dict[str, Any]:
        """Return the data of an operation that can safely be repeated.

        Mutations are safe to repeat if they have an idempotency key.

        Raises:
            SiteError: the site cannot be reached, or it answers with errors.
        """
        body = {"query": document, "variables": variables}
        answer = await self._answer(body)
        if errors := answer.get("errors"):
            raise SiteError(errors[0]["message"], (errors[0].get("extensions") or {}).get("code"))
        data: dict[str, Any] = answer["data"]
        return data

    async def mutate(self, mutation: str, selection: str, **input: Any) -> dict[str, Any]:
        """Return the payload of a mutation.

        Raises:
            RefusedError: the mutation is refused.
            SiteError: as above.
        """
        type_name = f"{mutation[0].upper()}{mutation[1:]}Input"
        document = (
            f"mutation ($input: {type_name}!) {{ {mutation}(input: $input) "
            f"{{ {selection} userErrors {{ code message path }} }} }}"
        )
        payload: dict[str, Any] = (await self.query(document, input=input))[mutation]
        if refusals := payload["userErrors"]:
            raise RefusedError(refusals)
        return payload

    async def _answer(self, body: dict[str, Any]) -> dict[str, Any]:
        endpoint = f"{self.url}/graphql"
        for attempt in range(1, self.attempts + 1):
            pause = pause_after(attempt)
            try:
                self.requests_count += 1
                response = await self.http.post(endpoint, json=body, headers=self._headers)
                if response.status_code not in _BUSY:
                    answer = response.json()
                    if isinstance(answer, dict) and ("data" in answer or "errors" in answer):
                        return answer
                    raise SiteError(f"{endpoint} is not a GraphQL endpoint.")
                answer = f"it answers with HTTP {response.status_code}"
                failure = f"The site at {self.url} is not ready: {answer}. Try again later."
                pause = pause_of(response) or pause
            except httpx.TransportError as error:
                reason = str(error) or type(error).__name__
                failure = f"No Storegraph site answers at {endpoint}: {reason}"
            except ValueError:
                raise SiteError(f"{endpoint} is not a GraphQL endpoint.") from None
            if attempt < self.attempts:
                await asyncio.sleep(pause)
        raise SiteError(failure)


def pause_after(attempt: int) -> float:
    """Return how many seconds to wait after so many attempts, the first of which is 1."""
    return min(0.25 * 2.0**attempt, LONGEST_PAUSE)


def pause_of(response: httpx.Response) -> float | None:
    """Return how many seconds a response asks to wait; None if it does not say."""
    text = response.headers.get("Retry-After", "")
    return min(float(text), LONGEST_PAUSE) if text.isdigit() else None
