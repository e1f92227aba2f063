"""The Python client gql works over both transports in its usual configuration."""

import pytest
from gql import Client, GraphQLRequest, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from tests.transports.serving import ADA, serve
from tests.transports.toy import Stage


def greeting(name: str) -> GraphQLRequest:
    return GraphQLRequest("query ($name: String!) { hello(name: $name) }", variable_values={"name": name})


async def test_gql_over_http(stage: Stage) -> None:
    async with serve(stage) as address:
        transport = HTTPXAsyncTransport(f"http://{address}", headers=ADA)
        async with Client(transport=transport, fetch_schema_from_transport=True) as session:
            assert await session.execute(greeting("gql")) == {"hello": "Hello, gql!"}
            rename = gql('mutation { rename(input: {name: "taken"}) }')
            with pytest.raises(TransportQueryError) as refusal:
                await session.execute(rename)
    assert refusal.value.errors
    assert refusal.value.errors[0]["extensions"]["inputPath"] == ["input", "name"]


async def test_gql_over_websocket(stage: Stage) -> None:
    async with serve(stage) as address:
        transport = WebsocketsTransport(f"ws://{address}", init_payload=ADA)
        async with Client(transport=transport) as session:
            assert await session.execute(greeting("gql")) == {"hello": "Hello, gql!"}
            events = gql("subscription { events(steps: 3) { number } }")
            numbers = [result["events"]["number"] async for result in session.subscribe(events)]
            with pytest.raises(TransportQueryError):
                await session.execute(gql("{ missing }"))
            assert numbers == [0, 1, 2]
            assert await session.execute(greeting("again")) == {"hello": "Hello, again!"}
