"""Server-sent events: answers of any operation as events, for clients that ask for them first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest
from structlog.typing import EventDict

from gateway.http.graphql_service import SocketTimeouts
from gateway.limits import Limits
from tests.transports.serving import ADA, http_client, serve, wait_until
from tests.transports.toy import Stage

EVENTS = {"accept": "text/event-stream"}
FOREVER = "subscription { events(pause: 0.01) { number } }"
SILENT = "subscription { events(pause: 1000) { number } }"


def events_in(text: str) -> list[tuple[str, Any]]:
    """Return the names and data of the events in a stream; comments are left out."""
    events = []
    for block in text.split("\n\n"):
        fields = dict(line.split(":", 1) for line in block.splitlines())
        if "event" in fields:
            data = fields["data"].strip()
            events.append((fields["event"].strip(), orjson.loads(data) if data else None))
    return events


@asynccontextmanager
async def stream_of(address: str, query: str, user: str = "ada") -> AsyncIterator[httpx.Response]:
    headers = {**EVENTS, "authorization": f"Bearer {user}"}
    client = httpx.AsyncClient(timeout=5, trust_env=False)
    request = client.stream("POST", f"http://{address}", json={"query": query}, headers=headers)
    async with client, request as response:
        yield response


async def test_a_subscription_is_a_stream_of_events(client: httpx.AsyncClient) -> None:
    query = {"query": "subscription { events(steps: 2) { number } }"}
    answer = await client.post("/graphql", json=query, headers={**EVENTS, "accept-encoding": "gzip"})
    assert answer.status_code == 200
    assert events_in(answer.text) == [
        ("next", {"data": {"events": {"number": 0}}}),
        ("next", {"data": {"events": {"number": 1}}}),
        ("complete", None),
    ]
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in answer.headers
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("accept", "streams"),
    [
        ("text/event-stream", True),
        ("text/event-stream, application/json", True),
        ("application/json;q=0.5, text/event-stream", True),
        ("text/event-stream, */*;q=0.1", True),
        ("application/json, text/event-stream", False),
        ("text/event-stream;q=0.9, application/json", False),
        ("application/graphql-response+json, application/json, text/event-stream, multipart/mixed", False),
        ("*/*", False),
    ],
)
async def test_events_are_sent_only_to_clients_that_prefer_them(
    client: httpx.AsyncClient, accept: str, streams: bool
) -> None:
    answer = await client.post("/graphql", json={"query": "{ hello }"}, headers={"accept": accept})
    assert answer.headers["content-type"].startswith("text/event-stream") is streams
    hello = {"data": {"hello": "Hello, world!"}}
    assert (events_in(answer.text)[0][1] if streams else answer.json()) == hello


async def test_get_runs_queries_and_subscriptions(client: httpx.AsyncClient, stage: Stage) -> None:
    query = {"query": "subscription { events(steps: 1) { number } }"}
    answer = await client.get("/graphql", params=query, headers=EVENTS)
    assert [name for name, _ in events_in(answer.text)] == ["next", "complete"]
    mutation = {"query": 'mutation { rename(input: {name: "x"}) }'}
    refused = await client.get("/graphql", params=mutation, headers=EVENTS)
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert stage.renamed == []
    await client.post("/graphql", json=mutation, headers=EVENTS)
    assert stage.renamed == ["x"]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ missing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { forbidden }", "FORBIDDEN"),
        ("subscription { events(steps: 1) { payload(size: 1) ", "GRAPHQL_PARSE_FAILED"),
    ],
)
async def test_a_refused_operation_has_one_event(client: httpx.AsyncClient, query: str, code: str) -> None:
    answer = await client.post("/graphql", json={"query": query}, headers=EVENTS)
    (_, body), last = events_in(answer.text)
    assert (answer.status_code, body["errors"][0]["extensions"]["code"]) == (200, code)
    assert "data" not in body
    assert last == ("complete", None)


async def test_a_failure_of_the_source_is_an_event(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": "subscription { stumble }"}, headers=EVENTS)
    first, failure, last = events_in(answer.text)
    assert (first[1], last) == ({"data": {"stumble": 1}}, ("complete", None))
    assert failure[1]["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


async def test_an_answer_that_is_no_json_is_an_event(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json={"query": "{ unencodable }"}, headers=EVENTS)
    failure, last = events_in(answer.text)
    assert failure[1]["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert last == ("complete", None)


async def test_a_request_without_credential_or_in_a_batch_is_refused_as_json(client: httpx.AsyncClient) -> None:
    anonymous = await client.post(
        "/graphql", json={"query": "{ hello }"}, headers={**EVENTS, "authorization": "Bearer eve"}
    )
    assert (anonymous.status_code, anonymous.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    batch = await client.post("/graphql", json=[{"query": "{ hello }"}], headers=EVENTS)
    [error] = batch.json()["errors"]
    assert (batch.status_code, error["extensions"]["code"]) == (400, "BAD_REQUEST")
    assert error["message"].startswith("A batch cannot be answered with events")


@pytest.mark.parametrize("query", [FOREVER, SILENT])
async def test_a_client_that_goes_frees_the_source(stage: Stage, query: str, logs: list[EventDict]) -> None:
    async with serve(stage) as address:
        async with stream_of(address, query):
            await wait_until(lambda: len(stage.live) == 1)
        await wait_until(lambda: not stage.live)
    assert logs == []


async def test_a_revoked_credential_ends_the_stream(stage: Stage) -> None:
    async with serve(stage) as address, stream_of(address, SILENT) as response:
        await wait_until(lambda: len(stage.live) == 1)
        stage.revoke("ada")
        (_, body), last = events_in((await response.aread()).decode())
        assert body["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
        assert last == ("complete", None)
        await wait_until(lambda: not stage.live)


async def test_comments_keep_the_connection_in_use(stage: Stage) -> None:
    timeouts = SocketTimeouts(ping=0.05)
    async with serve(stage, timeouts=timeouts) as address, stream_of(address, SILENT) as response:
        received = b""
        async for chunk in response.aiter_bytes():
            received += chunk
            if len(received) >= 9:
                break
    assert received == b":\n\n" * (len(received) // 3)


async def test_streams_count_with_the_sockets_of_a_user(stage: Stage) -> None:
    async with serve(stage, Limits(sockets_per_viewer=2)) as address, AsyncExitStack() as stack:
        for _ in range(2):
            await stack.enter_async_context(stream_of(address, SILENT))
        async with stream_of(address, "{ hello }") as third:
            error = orjson.loads(await third.aread())["errors"][0]
        assert (third.status_code, error["extensions"]["limit"]) == (429, "socketsPerViewer")
        async with stream_of(address, "{ hello }", "bob") as other:
            assert other.status_code == 200
        await stack.aclose()
        await wait_until(lambda: not stage.live)
        async with stream_of(address, "{ hello }") as again:
            assert again.status_code == 200


async def test_streams_end_when_the_server_stops(stage: Stage) -> None:
    """Without `complete`, so that their clients connect again."""
    async with serve(stage) as address, stream_of(address, SILENT) as response:
        await wait_until(lambda: len(stage.live) == 1)
        stage.closing.set()
        async with asyncio.timeout(1):
            assert events_in((await response.aread()).decode()) == []
        await wait_until(lambda: not stage.live)


async def test_a_client_that_never_reads_stalls_its_stream(stage: Stage) -> None:
    async with serve(stage) as address:
        async with stream_of(address, "subscription { events { payload(size: 1000000) } }"):
            await wait_until(lambda: stage.produced > 0)
            produced = -1
            async with asyncio.timeout(5):  # until the buffers are full
                while produced != stage.produced:
                    produced = stage.produced
                    await asyncio.sleep(0.3)
            assert produced < 100
        await wait_until(lambda: not stage.live)


async def test_each_event_has_a_time_limit(stage: Stage) -> None:
    async with http_client(stage, Limits(seconds=0.1)) as client:
        query = {"query": "subscription { events { nap(seconds: 5) } }"}
        answer = await client.post("/graphql", json=query, headers={**ADA, **EVENTS})
    assert events_in(answer.text)[0][1]["errors"][0]["extensions"]["code"] == "TIMEOUT"
