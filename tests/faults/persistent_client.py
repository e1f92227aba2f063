"""A client that lives through faults: it tries again, and looks first whether it has succeeded already."""

import asyncio
import json
import random
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx

PASSING = {"UNAVAILABLE", "TIMEOUT", "RATE_LIMITED", "COMMIT_UNKNOWN", "INSUFFICIENT_STORAGE"}
"""Codes of errors after which the client tries again."""
REPEATABLE = (408, 425, 429, 502, 503, 504, 507)
"""HTTP status codes after which it does."""


class PersistentClient:
    """A client of the API as one user. What it is told, and what surprises it, is written to a file of JSON lines."""

    def __init__(self, url: str, key: str, file: Path, chance: random.Random) -> None:
        self._url = f"{url}/graphql"
        self._headers = {"Authorization": f"Bearer {key}"}
        self._http = httpx.AsyncClient(verify=False, trust_env=False, timeout=httpx.Timeout(20, connect=5))
        self._file = file
        self._chance = chance

    def note(self, event: str, **values: Any) -> None:
        """Write an event to the file."""
        with self._file.open("a") as file:
            file.write(json.dumps({"event": event, "at": round(time.time(), 1), **values}, default=str) + "\n")

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def ask(
        self, document: str, variables: dict[str, Any], is_done: Callable[[], Awaitable[bool]] | None = None
    ) -> dict[str, Any] | None:
        """Return the data of an operation, however often it has to be sent.

        After an answer that says nothing about the outcome, None is returned if `is_done` says that there is
        nothing left to do.
        """
        while True:
            answer = await self._answer(document, variables)
            if answer is not None:
                return answer
            await self.pause()
            if is_done and await is_done():
                return None

    async def _answer(self, document: str, variables: dict[str, Any]) -> dict[str, Any] | None:
        """Return the data of one answer, or None without one or after an error that passes."""
        body = {"query": document, "variables": variables}
        try:
            response = await self._http.post(self._url, json=body, headers=self._headers)
        except httpx.TransportError:
            return None
        if response.status_code in REPEATABLE:
            return None
        try:
            answer = response.json()
        except ValueError:
            self.note("surprise", status=response.status_code, text=response.text[:500], document=document[:120])
            return None
        errors = [*answer.get("errors", ()), *_user_errors(answer.get("data"))]
        codes = {error.get("code") or error["extensions"]["code"] for error in errors}
        if answer.get("errors") and not codes <= PASSING:
            self.note("surprise", errors=errors, document=document[:120])
            return None
        return None if codes & PASSING else answer["data"]

    async def mutate(
        self,
        name: str,
        input: dict[str, Any],
        selection: str,
        is_done: Callable[[], Awaitable[bool]] | None = None,
    ) -> dict[str, Any] | None:
        """Return the payload of a mutation, None if it was done although its answer was lost.

        Without `is_done`, the mutation gets an idempotency key.
        """
        if is_done is None:
            input = {**input, "idempotencyKey": secrets.token_hex(8)}
        kind = name[0].upper() + name[1:] + "Input"
        chosen = f"{selection} userErrors {{ code message path }}"
        document = f"mutation($input: {kind}!) {{ {name}(input: $input) {{ {chosen} }} }}"
        data = await self.ask(document, {"input": input}, is_done)
        return data and data[name]

    async def see(self, field: str, uuid: str, selection: str) -> Any:
        """Return an object; None if there is none."""
        data = await self.ask(f"query($uuid: UUID!) {{ {field}(uuid: $uuid) {{ {selection} }} }}", {"uuid": uuid})
        return data and data[field]

    async def send(self, target: dict[str, Any], data: bytes) -> bool:
        """Send the bytes of a file; return False if the store refuses them for good."""
        while True:
            try:
                response = await self._http.request(
                    target["method"], target["url"], content=data, headers=target["uploadHeaders"]
                )
            except httpx.TransportError:
                await self.pause()
                continue
            # The store has them already if an answer was lost.
            if response.is_success or response.status_code in (409, 412):
                return True
            if response.status_code not in (*REPEATABLE, 500):  # a store that stops answers with 500
                self.note("refused", status=response.status_code, text=response.text[:300])
                return False
            if response.status_code == 500 and target["url"].startswith(self._url.removesuffix("graphql")):
                self.note("surprise", status=500, text=response.text[:500], document="PUT")
            await self.pause()

    async def wait_while_pending(self, field: str, uuid: str, selection: str, seconds: float = 300) -> Any:
        """Return a job once it has ended; None if it is gone."""
        deadline = time.monotonic() + seconds
        while (job := await self.see(field, uuid, f"status {selection}")) and job["status"] == "PENDING":
            if time.monotonic() > deadline:
                self.note("surprise", errors=f"{field} {uuid} is pending after {seconds} s", job=job)
                deadline += seconds
            await asyncio.sleep(0.5)
        return job

    async def pause(self) -> None:
        """Wait before the next attempt."""
        await asyncio.sleep(self._chance.uniform(0.2, 1.0))


def _user_errors(data: dict[str, Any] | None) -> list[dict[str, Any]]:
    payloads = [payload for payload in (data or {}).values() if isinstance(payload, dict)]
    return [error for payload in payloads for error in payload.get("userErrors", ())]
