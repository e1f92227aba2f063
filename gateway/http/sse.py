"""GraphQL over server-sent events: one operation per request, whose answers are sent as they come.

Follows the "distinct connections mode" of graphql-sse: events named `next` hold an answer each, and
`complete` is the last.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.requests import ClientDisconnect
from starlette.types import Receive, Send

from gateway.auth.live_credential import LiveCredential
from gateway.execution.answers import Answer
from gateway.execution.error_bodies import error_body
from gateway.http.graphql_service import GraphQLService
from gateway.http.negotiation import EVENT_STREAM
from gateway.telemetry.metrics import FRAMES

HEADERS = {
    "content-type": f"{EVENT_STREAM}; charset=utf-8",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",  # nginx would collect events before it passes them on
}
_COMPLETE = b"event: complete\ndata:\n\n"
_COMMENT = b":\n\n"
"""A comment, which clients ignore; proxies see that the connection is in use."""


class ServerClosing(Exception):
    """Raised to end a stream as the server closes its connections; the client connects again."""


class EventStream:
    """A response with one operation's answers, written until it ends or the client has gone."""

    def __init__(
        self,
        service: GraphQLService,
        credential: LiveCredential,
        request_id: str,
        receive: Receive,
        send: Send,
    ) -> None:
        self._service = service
        self._credential = credential
        self._request_id = request_id
        self._receive = receive
        self._send = send

    async def serve(self, outcome: AsyncGenerator[Answer] | Answer) -> None:
        """Send the answers to an operation; the last event reports a failure of the stream."""
        fixed = {**HEADERS, "x-request-id": self._request_id}
        headers = [(name.encode(), value.encode()) for name, value in fixed.items()]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        last = _COMPLETE
        try:
            async with asyncio.TaskGroup() as tasks:
                company = [
                    tasks.create_task(self._keep_alive()),
                    tasks.create_task(self._end_with_credential()),
                    tasks.create_task(self._end_with_client()),
                    tasks.create_task(self._end_with_server()),
                ]
                if isinstance(outcome, Answer):
                    await self._write(_next_event(outcome))
                else:
                    async with aclosing(outcome) as answers:
                        async for answer in answers:
                            await self._write(_next_event(answer))
                            del answer  # frees its memory while waiting for the next
                for task in company:
                    task.cancel()
        except* (ClientDisconnect, ServerClosing):
            last = b""  # without `complete`, a client that is still there connects again
        except* Exception as group:
            errors = [error_body(group.exceptions[0], self._request_id)]
            last = _next_event(Answer(errors=errors, executed=False)) + _COMPLETE
        await self._send({"type": "http.response.body", "body": last})

    async def _keep_alive(self) -> None:
        while True:
            await self._write(_COMMENT)  # the first tells the client that it is connected
            await asyncio.sleep(self._service.timeouts.ping)

    async def _end_with_credential(self) -> None:
        raise await self._credential.ended()

    async def _end_with_client(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        raise ClientDisconnect

    async def _end_with_server(self) -> None:
        await self._service.closing.wait()
        raise ServerClosing

    async def _write(self, body: bytes) -> None:
        """Send a part of the body; waits while the client reads slowly."""
        await self._send({"type": "http.response.body", "body": body, "more_body": True})
        FRAMES.add("event_stream")


def _next_event(answer: Answer) -> bytes:
    return b"event: next\ndata: %b\n\n" % answer.shared_json
