"""The GraphQL-over-HTTP specification: media types, methods, members, and statuses."""

import asyncio
import re
from typing import Any

import httpx
import pytest

from tests.transports.serving import GRAPHQL_JSON, JSON, http_client
from tests.transports.toy import SECRET, Stage

HELLO = {"query": "{ hello }"}
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


async def post(client: httpx.AsyncClient, body: Any, accept: str = GRAPHQL_JSON) -> httpx.Response:
    return await client.post("/graphql", json=body, headers={"accept": accept})


def codes(response: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in response.json()["errors"]]


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        (GRAPHQL_JSON, GRAPHQL_JSON),
        (JSON, JSON),
        ("*/*", JSON),
        ("", JSON),
        ("application/*", JSON),
        ("APPLICATION/Graphql-Response+JSON", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, {JSON};q=0.9", GRAPHQL_JSON),
        (f"{JSON};q=0.5, {GRAPHQL_JSON};q=0.4", JSON),
        (f"{JSON}; charset=utf-8 ; q=0.1, {GRAPHQL_JSON}; q=0.2", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON}, application/graphql+json, {JSON}, text/event-stream, multipart/mixed", GRAPHQL_JSON),
        (f"*/*, {JSON};q=0", GRAPHQL_JSON),
        (f"{GRAPHQL_JSON};q=nonsense, {JSON};q=0.1", JSON),
    ],
)
async def test_the_preferred_media_type_is_returned(client: httpx.AsyncClient, accept: str, given: str) -> None:
    response = await post(client, HELLO, accept)
    assert response.status_code == 200
    assert response.headers["content-type"] == f"{given}; charset=utf-8"
    assert response.json() == {"data": {"hello": "Hello, world!"}}


async def test_no_acceptable_media_type_is_refused(client: httpx.AsyncClient) -> None:
    """AMB-ERR-06, MID-ERR-07."""
    response = await post(client, HELLO, "text/html, application/xml")
    assert (response.status_code, codes(response)) == (406, ["BAD_REQUEST"])


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("APPLICATION/JSON", 200),
        ("application/json; charset=utf-8", 200),
        ('application/json;Charset="UTF-8"', 200),
        ("application/json; charset=utf-16", 415),
        ("application/jsonp", 415),
        ("application/graphql", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("", 415),
    ],
)
async def test_only_json_in_utf8_is_read(client: httpx.AsyncClient, content_type: str, status: int) -> None:
    headers = {"content-type": content_type} if content_type else {}
    response = await client.post("/graphql", content=b'{"query": "{ hello }"}', headers=headers)
    assert response.status_code == status


async def test_a_compressed_body_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json=HELLO, headers={"content-encoding": "gzip"})
    assert (response.status_code, codes(response)) == (415, ["BAD_REQUEST"])


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_not_allowed(client: httpx.AsyncClient, method: str) -> None:
    """Methods other than GET and POST (ENC-ERR-04, MID-ERR-18)."""
    response = await client.request(method, "/graphql", json=HELLO)
    assert (response.status_code, response.headers["allow"], codes(response)) == (405, "GET, POST", ["BAD_REQUEST"])


async def test_get_runs_queries_with_variables(client: httpx.AsyncClient) -> None:
    document = "query Greeting($name: String!) { hello(name: $name) }"
    given = {"query": document, "variables": '{"name": "Zoë"}', "operationName": "Greeting", "extensions": "{}"}
    response = await client.get("/graphql", params=given)
    assert response.json() == {"data": {"hello": "Hello, Zoë!"}}


@pytest.mark.parametrize(
    "url",
    [
        "/graphql",
        "/graphql?query={hello}&query={viewer}",
        "/graphql?query={hello}&variables=[1]",
        "/graphql?query={hello}&variables=nonsense",
        "/graphql?query={hello}&extensions=1",
        "/graphql?query=%ff%fe",
    ],
)
async def test_get_with_malformed_parameters_is_refused(client: httpx.AsyncClient, url: str) -> None:
    response = await client.get(url)
    assert (response.status_code, codes(response)) == (400, ["BAD_REQUEST"])


async def test_mutations_are_not_run_by_get(client: httpx.AsyncClient, stage: Stage) -> None:
    """SUB-097."""
    response = await client.get("/graphql", params={"query": 'mutation { rename(input: {name: "x"}) }'})
    assert (response.status_code, response.headers["allow"], codes(response)) == (405, "POST", ["BAD_REQUEST"])
    assert stage.renamed == []


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_JSON])
async def test_subscriptions_are_not_run_over_http(client: httpx.AsyncClient, accept: str) -> None:
    response = await post(client, {"query": "subscription { stumble }"}, accept)
    assert (response.status_code, codes(response)) == (400, ["BAD_REQUEST"])
    assert "graphql-transport-ws" in response.text


@pytest.mark.parametrize("member", ["query", "operationName", "variables", "extensions"])
@pytest.mark.parametrize("value", [{"obj": "ect"}, "string", 0, False, ["array"]])
async def test_members_of_the_wrong_type_are_refused(client: httpx.AsyncClient, member: str, value: Any) -> None:
    """AMB-ERR-08."""
    right = isinstance(value, dict if member in {"variables", "extensions"} else str)
    body = {**HELLO, member: value} if not right else {member: value}
    response = await post(client, body)
    assert (response.status_code, codes(response)) == (
        400,
        ["BAD_REQUEST" if not right or member != "query" else "GRAPHQL_PARSE_FAILED"],
    )


@pytest.mark.parametrize("member", ["operationName", "variables", "extensions"])
async def test_members_may_be_null(client: httpx.AsyncClient, member: str) -> None:
    response = await post(client, {**HELLO, member: None})
    assert response.json() == {"data": {"hello": "Hello, world!"}}


@pytest.mark.parametrize(
    "body",
    [
        b'{"query": "{ hello }", "query": "{ viewer }"}',
        b'{"query": "{ hello }", "qu\\u0065ry": "{ viewer }"}',
        b'{"variables": {}, "query": "{ hello }", "variables": {"query": 1}}',
    ],
)
async def test_a_duplicate_member_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    response = await client.post("/graphql", content=body, headers={"content-type": JSON})
    assert (response.status_code, codes(response)) == (400, ["BAD_REQUEST"])


async def test_nested_objects_may_repeat_names(client: httpx.AsyncClient) -> None:
    value = {"query": "\u0000"[:0], "variables": [{"query": 1}, {"query": 2}]}
    response = await post(client, {"query": "query($v: JSON!) { echo(value: $v) }", "variables": {"v": value}})
    assert response.json() == {"data": {"echo": value}}


@pytest.mark.parametrize(
    ("query", "variables", "code"),
    [
        ("{", {}, "GRAPHQL_PARSE_FAILED"),
        ("", {}, "GRAPHQL_PARSE_FAILED"),
        ("{ missing }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("fragment F on Query { hello }", {}, "GRAPHQL_VALIDATION_FAILED"),
        ("query($n: Int!) { count(numbers: [$n]) }", {"n": "one"}, "BAD_USER_INPUT"),
        ("query A { hello } query B { hello }", {}, "OPERATION_RESOLUTION_FAILURE"),
    ],
)
async def test_a_refused_document_has_no_data(
    client: httpx.AsyncClient, query: str, variables: dict[str, Any], code: str
) -> None:
    """Variables of the wrong type are refused too (ENC-ERR-16)."""
    for accept, status in ((GRAPHQL_JSON, 400), (JSON, 200)):
        response = await post(client, {"query": query, "variables": variables}, accept)
        assert (response.status_code, codes(response)) == (status, [code])
        assert "data" not in response.json()


async def test_partial_data_has_status_200(client: httpx.AsyncClient) -> None:
    response = await post(client, {"query": "{ folder { name broken } }"})
    assert (response.status_code, codes(response)) == (200, ["INTERNAL_SERVER_ERROR"])
    assert response.json()["data"] == {"folder": {"name": "root", "broken": None}}


async def test_an_operation_of_several_is_chosen_by_name(client: httpx.AsyncClient) -> None:
    document = "query A { hello } query B { viewer }"
    chosen = await post(client, {"query": document, "operationName": "B"})
    assert chosen.json() == {"data": {"viewer": "ada"}}
    unknown = await post(client, {"query": document, "operationName": "C"})
    assert codes(unknown) == ["OPERATION_RESOLUTION_FAILURE"]


@pytest.mark.parametrize(("credential", "challenge"), [("", "Bearer"), ("Bearer eve", 'Bearer error="invalid_token"')])
async def test_a_request_without_a_credential_gets_no_data(
    client: httpx.AsyncClient, credential: str, challenge: str
) -> None:
    client.headers.pop("authorization")
    headers = {"authorization": credential} if credential else {}
    response = await client.post("/graphql", json=HELLO, headers=headers)
    assert (response.status_code, codes(response)) == (401, ["UNAUTHENTICATED"])
    assert response.headers["www-authenticate"] == challenge


async def test_a_request_ends_with_its_credential(client: httpx.AsyncClient, stage: Stage) -> None:
    """A running operation is stopped, and its data not returned (AMB-ERR-07)."""
    response = asyncio.create_task(post(client, {"query": "{ sleep(seconds: 30) }"}))
    while not stage.credentials:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    stage.revoke("ada")
    async with asyncio.timeout(3):
        refused = await response
    assert (refused.status_code, codes(refused)) == (401, ["UNAUTHENTICATED"])
    assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert stage.stopped == ["sleep"]


async def test_internal_errors_are_masked(client: httpx.AsyncClient, stage: Stage) -> None:
    """The message of an internal error is not returned (ENC-ERR-09, AMB-ERR-01, MID-ERR-08)."""
    unencodable = await post(client, {"query": "{ unencodable }"})
    stage.broken = True
    broken = await post(client, HELLO)
    for response in (unencodable, broken):
        assert (response.status_code, codes(response)) == (500, ["INTERNAL_SERVER_ERROR"])
        assert SECRET not in response.text


async def test_a_valid_request_id_is_kept(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": "{ requestId }"}, headers={"x-request-id": "abc-1.2:3"})
    assert response.json() == {"data": {"requestId": "abc-1.2:3"}}
    assert response.headers["x-request-id"] == "abc-1.2:3"


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "é", '"}', "a\tb"])
async def test_any_other_request_id_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    headers = [(b"x-request-id", given.encode())]
    response = await client.post("/graphql", json={"query": "{ missing }"}, headers=headers)
    (error,) = response.json()["errors"]
    assert error["extensions"]["requestId"] == response.headers["x-request-id"] != given
    assert len(response.headers["x-request-id"]) == 32


async def test_a_batch_is_answered_in_order(client: httpx.AsyncClient, stage: Stage) -> None:
    batch = [
        HELLO,
        {"query": 'mutation { rename(input: {name: "x"}) }'},
        {"query": "{"},
        {"query": "subscription { stumble }"},
    ]
    response = await post(client, batch)
    hello, rename, broken, subscription = response.json()
    assert response.status_code == 200
    assert (hello, rename) == ({"data": {"hello": "Hello, world!"}}, {"data": {"rename": "x"}})
    assert broken["errors"][0]["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"
    assert subscription["errors"][0]["extensions"]["code"] == "BAD_REQUEST"
    assert stage.renamed == ["x"]


async def test_a_batch_has_a_limit(client: httpx.AsyncClient) -> None:
    response = await post(client, [HELLO] * 11)
    (error,) = response.json()["errors"]
    assert error["message"] == "The batch contains 11 requests; at most 10 are allowed (limit: batch)."
    assert (
        error["extensions"].items() >= {"code": "LIMIT_EXCEEDED", "limit": "batch", "allowed": 10, "found": 11}.items()
    )


async def test_browsers_without_a_query_get_the_page(stage: Stage) -> None:
    async with http_client(stage) as client:
        client.headers.pop("authorization")
        page = await client.get("/graphql", headers={"accept": BROWSER})
        query = await client.get("/graphql", params=HELLO, headers={"accept": BROWSER})
        tool = await client.get("/graphql", headers={"accept": "*/*"})
    assert page.headers["content-type"].startswith("text/html")
    assert (query.status_code, tool.status_code) == (401, 401)


async def test_server_timing_is_reported(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": "{ hello }"})
    assert re.fullmatch(r"prepare;dur=\d+\.\d\d, interpreted;dur=\d+\.\d\d", response.headers["server-timing"])
    two = await client.post("/graphql", json=[{"query": "{ hello }"}, {"query": "{ hello }"}])
    assert two.headers["server-timing"].count("interpreted") == 1
    refused = await client.post("/graphql", json={"query": "{ nonsense }"})
    assert "server-timing" not in refused.headers
