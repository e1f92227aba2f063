"""The graphql-transport-ws specification: every message, and the close code of every violation."""

import asyncio
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from gateway.http.graphql_service import SocketTimeouts
from gateway.limits import Limits
from tests.transports.serving import serve, socket_to
from tests.transports.toy import SECRET, Stage

SUBSCRIBE = {"id": "1", "type": "subscribe", "payload": {"query": "{ hello }"}}

INVALID = {
    "not JSON": "nonsense",
    "list": "[]",
    "null": "null",
    "number": "1",
    "string": '"x"',
    "empty": "",
    "no type": "{}",
    "number as type": '{"type": 1}',
    "unknown type": '{"type": "explode"}',
    "message of the server": '{"type": "next", "id": "1", "payload": {}}',
    "nested too deeply": '{"type": "ping", "payload": ' + '{"a": ' * 5_000 + "1" + "}" * 5_000 + "}",
    "nested too deeply to send back": '{"type": "ping", "payload": ' + '{"a": ' * 500 + "1" + "}" * 500 + "}",
    "list in ping": '{"type": "ping", "payload": []}',
    "string in pong": '{"type": "pong", "payload": "x"}',
    "subscribe without id": '{"type": "subscribe", "payload": {"query": "{ hello }"}}',
    "number as id": '{"type": "subscribe", "id": 1, "payload": {"query": "{ hello }"}}',
    "empty id": '{"type": "subscribe", "id": "", "payload": {"query": "{ hello }"}}',
    "list as id": '{"type": "subscribe", "id": [1], "payload": {"query": "{ hello }"}}',
    "long id": '{"type": "subscribe", "id": "%s", "payload": {"query": "{ hello }"}}' % ("x" * 300),
    "subscribe without payload": '{"type": "subscribe", "id": "1"}',
    "null payload": '{"type": "subscribe", "id": "1", "payload": null}',
    "list payload": '{"type": "subscribe", "id": "1", "payload": []}',
    "no query": '{"type": "subscribe", "id": "1", "payload": {}}',
    "number as query": '{"type": "subscribe", "id": "1", "payload": {"query": 1}}',
    "list as variables": '{"type": "subscribe", "id": "1", "payload": {"query": "{ hello }", "variables": []}}',
    "number as name": '{"type": "subscribe", "id": "1", "payload": {"query": "{ hello }", "operationName": 1}}',
    "list as extensions": '{"type": "subscribe", "id": "1", "payload": {"query": "{ hello }", "extensions": []}}',
    "complete without id": '{"type": "complete"}',
    "complete with a list as id": '{"type": "complete", "id": []}',
}


@pytest.mark.parametrize("frame", INVALID.values(), ids=INVALID)
async def test_an_invalid_message_ends_the_socket(stage: Stage, frame: str) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        await socket.send_text(frame)
        code, reason = await socket.read_until_closed()
    assert code == 4400
    assert "object" in reason or reason.startswith(("A message", "Unknown", "An id", "`", "The payload"))


@pytest.mark.parametrize("payload", ["[]", '"x"', "1"])
async def test_the_first_message_may_be_invalid_too(stage: Stage, payload: str) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.send_text(f'{{"type": "connection_init", "payload": {payload}}}')
        assert (await socket.read_until_closed())[0] == 4400


async def test_binary_frames_are_invalid(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.connection.send(b'{"type": "ping"}')
        assert await socket.read_until_closed() == (4400, "Only text frames are supported")


async def test_a_message_has_a_limit(stage: Stage) -> None:
    async with serve(stage, Limits(body_bytes=1_000)) as address, socket_to(address) as socket:
        await socket.send({"type": "ping", "payload": {"x": "y" * 1_000}})
        assert await socket.read_until_closed() == (1009, "The message is larger than the limit body_bytes")


@pytest.mark.parametrize("protocol", [None, "graphql-ws", "soap"])
async def test_other_protocols_are_refused(stage: Stage, protocol: str | None) -> None:
    async with serve(stage) as address, socket_to(address, protocol) as socket:
        assert await socket.read_until_closed() == (4406, "Subprotocol not acceptable")


async def test_this_protocol_is_chosen_among_others(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        assert socket.connection.subprotocol == "graphql-transport-ws"


async def test_a_silent_client_is_disconnected(stage: Stage) -> None:
    async with serve(stage, timeouts=SocketTimeouts(initialise=0.1)) as address, socket_to(address) as socket:
        await socket.send({"type": "ping"})
        assert await socket.read_until_closed() == (4408, "Connection initialisation timeout")


async def test_a_client_initialises_once(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        await socket.send({"type": "connection_init", "payload": {"authorization": "Bearer ada"}})
        assert await socket.read_until_closed() == (4429, "Too many initialisation requests")


@pytest.mark.parametrize(
    "payload", [None, {}, {"authorization": None}, {"authorization": "Bearer eve"}, {"authorization": ["Bearer ada"]}]
)
async def test_a_bad_credential_ends_the_socket(stage: Stage, payload: Any) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.send({"type": "connection_init", "payload": payload})
        assert await socket.read_until_closed() == (4403, "The credential is missing, invalid, expired or revoked")


async def test_the_name_of_the_credential_may_be_capitalised(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.send({"type": "connection_init", "payload": {"Authorization": "Bearer ada"}})
        assert await socket.receive() == {"type": "connection_ack"}


async def test_no_operation_runs_before_the_acknowledgement(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.send(SUBSCRIBE)
        assert await socket.read_until_closed() == (4401, "Send connection_init and wait for connection_ack first")


async def test_an_id_is_used_by_one_operation_at_a_time(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        await socket.subscribe("one", "{ sleep(seconds: 5) }")
        await socket.subscribe("one", "{ hello }")
        assert await socket.read_until_closed() == (4409, "Subscriber for one already exists")


async def test_an_id_may_be_used_again(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        for query in ("{ hello }", "{ missing }", "{ hello }"):
            await socket.subscribe("1", query)
            if query == "{ hello }":
                assert await socket.receive() == {
                    "id": "1",
                    "type": "next",
                    "payload": {"data": {"hello": "Hello, world!"}},
                }
                assert await socket.receive() == {"id": "1", "type": "complete"}
            else:
                assert (await socket.receive())["type"] == "error"


@pytest.mark.parametrize("payload", [{"a": [1]}, None])
async def test_a_ping_is_answered_with_its_payload(stage: Stage, payload: Any) -> None:
    message = {"payload": payload} if payload else {}
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.send({"type": "ping", **message})
        assert await socket.receive() == {"type": "pong", **message}
        await socket.send({"type": "pong", **message})
        await socket.initialise()


async def test_the_server_pings(stage: Stage) -> None:
    async with serve(stage, timeouts=SocketTimeouts(ping=0.05)) as address, socket_to(address) as socket:
        await socket.initialise()
        assert [await socket.receive() for _ in range(2)] == [{"type": "ping"}] * 2


async def test_the_server_pings_only_those_to_whom_it_sends_nothing(stage: Stage) -> None:
    async with serve(stage, timeouts=SocketTimeouts(ping=0.5)) as address, socket_to(address) as socket:
        await socket.initialise()
        for _ in range(20):
            await socket.send({"type": "ping"})
            assert await socket.receive() == {"type": "pong"}
            await asyncio.sleep(0.05)
        assert await socket.receive() == {"type": "ping"}


async def test_queries_and_mutations_are_run_too(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        document = "query A { viewer } mutation B($name: String!) { rename(input: {name: $name}) }"
        await socket.subscribe("1", document, operationName="B", variables={"name": "x"}, extensions=None)
        assert await socket.receive() == {"id": "1", "type": "next", "payload": {"data": {"rename": "x"}}}
        assert await socket.receive() == {"id": "1", "type": "complete"}
    assert stage.renamed == ["x"]


async def test_a_subscription_sends_its_events_and_completes(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        await socket.subscribe("1", "subscription { events(steps: 2) { number } }")
        received = [await socket.receive() for _ in range(3)]
    assert [message["type"] for message in received] == ["next", "next", "complete"]
    assert [message["payload"]["data"]["events"]["number"] for message in received[:2]] == [0, 1]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("subscription { missing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { hello } query B { hello }", "OPERATION_RESOLUTION_FAILURE"),
        ("query ($n: Int!) { count(numbers: [$n]) }", "BAD_USER_INPUT"),
        ("subscription { forbidden }", "FORBIDDEN"),
        ("{ unencodable }", "INTERNAL_SERVER_ERROR"),
        (f"{{ {'hello ' * 21} }}", "LIMIT_EXCEEDED"),
    ],
)
async def test_a_refused_operation_leaves_the_others_alone(stage: Stage, query: str, code: str) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        await socket.subscribe("long", "subscription { events(pause: 0.5) { number } }")
        await socket.subscribe("1", query)
        refusal = await socket.receive()
        assert (refusal["id"], refusal["type"]) == ("1", "error")
        assert [error["extensions"]["code"] for error in refusal["payload"]] == [code]
        assert (await socket.receive())["id"] == "long"


async def test_failures_in_a_result_are_part_of_it(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        await socket.subscribe("1", "{ folder { name lost } }")
        payload = (await socket.receive())["payload"]
    assert payload["data"] == {"folder": {"name": "root", "lost": None}}
    assert payload["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_a_stream_that_breaks_ends_with_a_masked_error(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        await socket.subscribe("1", "subscription { stumble }")
        received = [await socket.receive() for _ in range(2)]
    assert [message["type"] for message in received] == ["next", "error"]
    assert received[1]["payload"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert SECRET not in str(received)


async def test_a_completed_operation_sends_nothing_more(stage: Stage) -> None:
    async with serve(stage) as address, socket_to(address) as socket:
        await socket.initialise()
        await socket.subscribe("1", "{ sleep(seconds: 0.2) }")
        await socket.complete("1")
        await socket.complete("1")
        await socket.complete("never there")
        await asyncio.sleep(0.3)
        await socket.send({"type": "ping"})
        assert await socket.receive() == {"type": "pong"}
    assert stage.stopped in ([], ["sleep"])


async def test_operations_of_a_socket_are_limited(stage: Stage) -> None:
    async with serve(stage, Limits(operations_per_socket=3)) as address, socket_to(address) as socket:
        await socket.initialise()
        for number in range(4):
            await socket.subscribe(str(number), "{ sleep(seconds: 5) }")
        refusal = await socket.receive()
        assert (refusal["id"], refusal["type"]) == ("3", "error")
        (error,) = refusal["payload"]
        assert (
            error["extensions"].items()
            >= {"code": "LIMIT_EXCEEDED", "limit": "operationsPerSocket", "allowed": 3, "found": 4}.items()
        )
        await socket.complete("0")
        await socket.subscribe("3", "{ hello }")
        assert (await socket.receive())["type"] == "next"


@pytest.mark.parametrize(
    ("origin", "welcome"),
    [
        (None, True),
        ("http://{host}", True),
        ("https://{host}", True),
        ("https://friend.example", True),
        ("https://evil.example", False),
        ("https://evil.example:{port}", False),
        ("null", False),
        ("http://[", False),
        ("", False),
    ],
)
async def test_pages_of_other_origins_are_refused(
    stage: Stage, origin: str | None, welcome: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """No error is logged: any page could fill the log with them."""
    async with serve(stage) as address:
        host = address.removesuffix("/graphql")
        given = origin.format(host=host, port=host.split(":")[1]) if origin is not None else None
        if welcome:
            async with socket_to(address, origin=given) as socket:
                await socket.initialise()
        else:
            with pytest.raises(InvalidStatus) as refusal:
                async with socket_to(address, origin=given):
                    pass
            assert refusal.value.response.status_code == 403
    assert not caplog.records
