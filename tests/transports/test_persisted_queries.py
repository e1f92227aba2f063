"""Hashes of persisted queries are refused in Apollo's words, so that clients send the document instead."""

from typing import Any

import httpx
import orjson
import pytest

from tests.transports.serving import GRAPHQL_JSON, JSON, serve, socket_to
from tests.transports.toy import Stage

EXTENSIONS = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
HASH = {"extensions": EXTENSIONS, "variables": {}}


def check(error: dict[str, Any]) -> None:
    """Check an error for what Apollo Client and urql look at."""
    assert error["message"] == "PersistedQueryNotSupported"
    assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_SUPPORTED"


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON, "*/*"])
@pytest.mark.parametrize("body", [HASH, {**HASH, "query": None}, {**HASH, "query": ""}])
async def test_a_posted_hash(client: httpx.AsyncClient, accept: str, body: dict[str, Any]) -> None:
    answer = await client.post("/graphql", json=body, headers={"accept": accept})
    assert answer.status_code == 200
    [error] = answer.json()["errors"]
    check(error)


async def test_a_hash_in_the_query_string(client: httpx.AsyncClient) -> None:
    answer = await client.get("/graphql", params={"extensions": orjson.dumps(EXTENSIONS).decode()})
    assert answer.status_code == 200
    check(answer.json()["errors"][0])


async def test_hashes_in_a_batch(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json=[HASH, {"query": "{ hello }"}])
    refused, executed = answer.json()
    check(refused["errors"][0])
    assert executed == {"data": {"hello": "Hello, world!"}}


async def test_a_document_is_executed_whether_or_not_its_hash_is_sent(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json={**HASH, "query": "{ hello }"})
    assert answer.json() == {"data": {"hello": "Hello, world!"}}
    again = await client.post("/graphql", json=HASH)
    check(again.json()["errors"][0])  # nothing is registered unless the site lets clients do so


async def test_a_hash_over_a_socket_ends_only_its_operation(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        await socket.send({"type": "subscribe", "id": "1", "payload": HASH})
        message = await socket.receive()
        assert (message["type"], message["id"]) == ("error", "1")
        check(message["payload"][0])
        await socket.subscribe("1", "{ hello }")
        assert (await socket.receive())["type"] == "next"
