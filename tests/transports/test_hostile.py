"""Hostile bodies and documents: each is refused with a specific error and delays no other request."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from structlog.typing import EventDict

from gateway.limits import Limits
from tests.transports.serving import ADA, JSON, http_client, serve
from tests.transports.toy import Stage

BODIES = {
    "null": b"null",
    "number": b"1",
    "string": b'"x"',
    "true": b"true",
    "nothing": b"",
    "whitespace": b" ",
    "cut short": b'{"query": "{ hel',
    "trailing text": b'{"query": "{ hello }"} {}',
    "invalid UTF-8": b'{"query": "\xff\xfe"}',
    "overlong UTF-8": b'{"query": "\xc0\x80"}',
    "UTF-16": '{"query": "{ hello }"}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"query": "{ hello }"}',
    "nested lists": b"[" * 100_000 + b"]" * 100_000,
    "nested objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "nested below the reader's limit": b'{"query":"{ hello }","query":' + b"[" * 1_020 + b"]" * 1_020 + b"}",
    "surrogate in operationName": b'{"query": "{ hello }", "operationName": "\\ud800"}',
    "surrogate in query": b'{"query": "{ hello(name: \\"\\udc00\\") }"}',
    "NaN": b'{"query": "{ hello }", "variables": {"a": NaN}}',
    "infinity": b'{"query": "{ hello }", "variables": {"a": -Infinity}}',
    "empty batch": b"[]",
    "batch of numbers": b"[1]",
    "batch of nulls": b"[null]",
    "batch of batches": b'[[{"query": "{ hello }"}]]',
    "NUL in JSON": b'{"query": "{ hello }\x00"}',
    "form": b"query=%7Bhello%7D",
}

DOCUMENTS = {
    "unknown operation type": "explode { hello }",
    "SDL": "type Query { a: Int }",
    "unknown fragment": "{ ...F }",
    "fragment on itself": "{ ...F } fragment F on Query { ...F }",
    "fragments in a circle": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "twice the same fragment": "{ ...F } fragment F on Query { hello } fragment F on Query { viewer }",
    "undefined variable": "{ hello(name: $x) }",
    "undefined variable in oneOf": "{ find(key: {id: $x}) }",
    "oneOf with two keys": '{ find(key: {id: 1, path: "a"}) }',
    "oneOf with null": "{ find(key: {id: null}) }",
    "huge integer": f"{{ count(numbers: [{'9' * 5_000}]) }}",
    "nested lists": f"{{ count(numbers: {'[' * 150}1{']' * 150}) }}",
    "lists nested beyond the reader": f"{{ count(numbers: {'[' * 5_000}) }}",
    "long name": f"{{ {'a' * 100_000} }}",
    "@defer": "{ ... @defer { hello } }",
    "skip without if": "{ hello @skip }",
    "variable of an output type": "query ($f: Folder) { hello }",
    "unclosed string": '{ hello(name: "a) }',
    "control characters": "{ hello \x01 }",
    "two anonymous operations": "{ hello } { viewer }",
    "subscription with two roots": "subscription { stumble forbidden }",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_malformed_bodies_are_bad_requests(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post("/graphql", content=body, headers={"content-type": JSON})
    assert response.status_code == 400
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == ["BAD_REQUEST"]


@pytest.mark.parametrize("document", DOCUMENTS.values(), ids=DOCUMENTS)
async def test_malformed_documents_are_refused(client: httpx.AsyncClient, document: str) -> None:
    response = await client.post("/graphql", json={"query": document})
    body = response.json()
    assert response.status_code == 200
    assert "data" not in body
    known = {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"}
    assert {error["extensions"]["code"] for error in body["errors"]} <= known
    assert len(body["errors"]) <= 10
    assert all(len(error["message"]) <= 1_001 for error in body["errors"])


async def test_one_of_is_enforced_for_variables_in_fragments(client: httpx.AsyncClient) -> None:
    document = "fragment F on Query { find(key: {id: $x}) } query ($x: Int) { ...F }"
    (error,) = (await client.post("/graphql", json={"query": document})).json()["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["find"], "BAD_USER_INPUT")


@pytest.mark.parametrize(
    ("variables", "code", "path"),
    [
        ({"value": {"a": ["x", "\0"]}}, "BAD_USER_INPUT", ["value", "a", 1]),
        ({"value": {"a\0": 1}}, "BAD_USER_INPUT", ["value"]),
        ({"unused": "\0"}, "BAD_USER_INPUT", ["unused"]),
    ],
)
async def test_text_that_cannot_be_stored_is_named(
    client: httpx.AsyncClient, variables: dict[str, Any], code: str, path: list[object]
) -> None:
    body = {"query": "query ($value: JSON) { hello }", "variables": variables}
    (error,) = (await client.post("/graphql", json=body)).json()["errors"]
    assert (error["extensions"]["code"], error["extensions"]["inputPath"]) == (code, path)


async def test_deep_variables_are_refused(client: httpx.AsyncClient) -> None:
    deep: object = 1
    for _ in range(65):
        deep = [deep]
    body = {"query": "query ($v: JSON!) { echo(value: $v) }", "variables": {"v": deep}}
    (error,) = (await client.post("/graphql", json=body)).json()["errors"]
    assert error["extensions"].items() >= {"code": "LIMIT_EXCEEDED", "limit": "nesting", "allowed": 64}.items()


async def test_too_many_values_are_refused(stage: Stage) -> None:
    async with http_client(stage, Limits(values=1_000)) as client:
        body = {"query": "query ($v: [Int!]!) { count(numbers: $v) }", "variables": {"v": [1] * 999}}
        assert (await client.post("/graphql", json=body)).json() == {"data": {"count": 999}}
        body["variables"] = {"v": [1] * 1_001}
        (error,) = (await client.post("/graphql", json=body)).json()["errors"]
    assert error["extensions"].items() >= {"limit": "values", "allowed": 1_000, "found": 1_002}.items()


async def test_many_values_within_the_limit_are_coerced(client: httpx.AsyncClient) -> None:
    body = {"query": "query ($v: [Int!]!) { count(numbers: $v) }", "variables": {"v": [1] * 20_000}}
    assert (await client.post("/graphql", json=body)).json() == {"data": {"count": 20_000}}


@pytest.mark.parametrize("declared", [True, False])
async def test_a_long_body_is_refused_while_it_arrives(stage: Stage, declared: bool) -> None:
    """The body is refused before all of it has arrived (ENC-ERR-07, AMB-ERR-19)."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b" " * 100_000

    headers = {"content-type": JSON} | ({"content-length": "20000000"} if declared else {})
    async with serve(stage) as address, httpx.AsyncClient(headers=ADA) as client:
        response = await client.post(f"http://{address}", content=chunks(), headers=headers)
    assert response.status_code == 413
    (error,) = response.json()["errors"]
    assert error["extensions"].items() >= {"code": "LIMIT_EXCEEDED", "limit": "bodyBytes"}.items()
    assert error["extensions"]["found"] < 20_000_000 or declared


async def posting(address: str, start: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Open a connection and send the start of a body of 100 bytes."""
    host, port = address.removesuffix("/graphql").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = b"POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ada\r\nContent-Type: application/json\r\n"
    writer.write(head + b"Content-Length: 100\r\n\r\n" + start)
    await writer.drain()
    return reader, writer


async def test_a_slow_body_is_refused(stage: Stage) -> None:
    async with serve(stage, Limits(seconds=0.2)) as address:
        reader, writer = await posting(address, b"{")
        async with asyncio.timeout(5):
            assert (await reader.readline()).startswith(b"HTTP/1.1 408")
        writer.close()
        await writer.wait_closed()


async def test_a_disconnected_client_is_no_server_error(stage: Stage, logs: list[EventDict]) -> None:
    async with serve(stage) as address:
        _, writer = await posting(address, b"{")
        writer.transport.abort()
        await asyncio.sleep(0.1)
    assert logs == []


async def test_a_hostile_document_delays_no_other_request(stage: Stage) -> None:
    fields = " ".join("folder { parent { name } }" for _ in range(700))
    hostile = {"query": f"{{ folder {{ {fields.replace('folder', 'parent')} }} }}"}
    answered_meanwhile = 0
    async with serve(stage) as address, httpx.AsyncClient(headers=ADA, timeout=20) as client:
        await client.post(f"http://{address}", json={"query": "{ hello }"})
        attack = asyncio.create_task(client.post(f"http://{address}", json=hostile))
        while not attack.done():
            await client.post(f"http://{address}", json={"query": "{ hello }"})
            answered_meanwhile += 1
        assert (await attack).json()["errors"][0]["message"] == "The document takes too much work to validate."
    assert answered_meanwhile > 3, "it would be one or two if it were read on the event loop"
