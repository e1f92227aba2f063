"""Clients that spend too much are refused for a while, and clients that hang up cost nothing more."""

import asyncio

import httpx
import pytest

from gateway.limits import Limits
from tests.transports.serving import GRAPHQL_JSON, JSON, http_client, serve, socket_to, wait_until
from tests.transports.toy import Stage

TWO_A_MINUTE = Limits(cost_per_minute=2)


@pytest.mark.parametrize("accepted", [JSON, GRAPHQL_JSON])
async def test_a_full_bucket_is_told_by_http(stage: Stage, accepted: str) -> None:
    """ENC-ERR-08."""
    async with http_client(stage, TWO_A_MINUTE) as client:
        answers = [
            await client.post("/graphql", json={"query": "{ hello }"}, headers={"accept": accepted}) for _ in range(3)
        ]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    (error,) = answers[2].json()["errors"]
    assert 25 <= int(answers[2].headers["retry-after"]) == error["extensions"]["retryAfter"] <= 30
    assert error["extensions"].items() >= {"code": "RATE_LIMITED", "limit": "costPerMinute", "allowed": 2}.items()
    assert error["message"].startswith("You may spend 2 points a minute (limit: cost_per_minute). Retry in ")


async def test_each_operation_of_a_batch_is_charged(stage: Stage) -> None:
    async with http_client(stage, TWO_A_MINUTE) as client:
        response = await client.post("/graphql", json=[{"query": "{ hello }"}] * 3)
    assert ["errors" in answer for answer in response.json()] == [False, False, True]


async def test_a_full_bucket_is_told_on_sockets(stage: Stage) -> None:
    async with serve(stage, TWO_A_MINUTE) as address, socket_to(address) as socket:
        await socket.initialise()
        for number in ("1", "2"):
            await socket.subscribe(number, "{ hello }")
            assert [(await socket.receive())["type"] for _ in range(2)] == ["next", "complete"]
        await socket.subscribe("3", "subscription { events(pause: 1) { number } }")
        refusal = await socket.receive()
    assert (refusal["type"], refusal["id"]) == ("error", "3")
    assert refusal["payload"][0]["extensions"].items() >= {"code": "RATE_LIMITED"}.items()
    assert 25 <= refusal["payload"][0]["extensions"]["retryAfter"] <= 30


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_query_ends_when_its_client_hangs_up(stage: Stage, method: str) -> None:
    query = {"query": "{ sleep(seconds: 60) }"}
    async with serve(stage) as address, httpx.AsyncClient(trust_env=False) as client:
        body = {"params": query} if method == "GET" else {"json": query}
        headers = {"authorization": "Bearer ada"}
        request = asyncio.create_task(client.request(method, f"http://{address}", headers=headers, **body))  # type: ignore[arg-type]  # by keyword
        await wait_until(lambda: stage.started == ["sleep"], seconds=5)
        request.cancel()
        await wait_until(lambda: stage.stopped == ["sleep"], seconds=5)
