"""Documents by hash: trusted ones, those that clients register as Apollo does, and answers that may be kept."""

import hashlib
from typing import Any

import httpx
import orjson
import pytest

from gateway.execution import persisted_documents as module
from gateway.execution.persisted_documents import PersistedDocuments
from tests.transports.serving import GRAPHQL_JSON, http_client, serve, socket_to
from tests.transports.toy import Stage

HELLO, VIEWER = "{ hello }", "query Viewer { viewer }"
WATCH = "subscription { events(steps: 1) { number } }"
RENAME = 'mutation { rename(input: {name: "x"}) }'
ANSWER = {"data": {"hello": "Hello, world!"}}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def by_hash(text: str, **members: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha256(text)}}, **members}


def trusting(*texts: str, **options: bool) -> PersistedDocuments:
    return PersistedDocuments({sha256(text): text for text in texts}, **options)


async def post(client: httpx.AsyncClient, body: Any, **headers: str) -> Any:
    response = await client.post("/graphql", json=body, headers={"accept": GRAPHQL_JSON, **headers})
    return response.json()


def code_of(body: Any) -> str:
    [error] = body["errors"]
    return str(error["extensions"]["code"])


@pytest.mark.parametrize("id_", [sha256(HELLO), f"sha256:{sha256(HELLO)}"])
async def test_a_trusted_document_is_requested_by_its_id(stage: Stage, id_: str) -> None:
    async with http_client(stage, persisted=trusting(HELLO, VIEWER)) as client:
        assert await post(client, {"documentId": id_}) == ANSWER
        assert await post(client, {"documentId": id_, "query": None, "operationName": None}) == ANSWER
        assert await post(client, by_hash(HELLO)) == ANSWER
        assert await post(client, [by_hash(HELLO), by_hash(VIEWER)]) == [ANSWER, {"data": {"viewer": "ada"}}]
        assert await post(client, {"query": '{ hello(name: "you") }'}) == {"data": {"hello": "Hello, you!"}}
        assert code_of(await post(client, by_hash("{ requestId }"))) == "PERSISTED_QUERY_NOT_FOUND"


async def test_a_site_that_trusts_some_documents_only_runs_no_other(stage: Stage) -> None:
    persisted = trusting(HELLO, 'mutation M { rename(input: {name: "known"}) }', only_trusted=True)
    async with http_client(stage, persisted=persisted) as client:
        assert await post(client, by_hash(HELLO)) == ANSWER
        assert await post(client, {"query": HELLO}) == ANSWER  # the same text
        for body in (
            {"query": VIEWER},
            {"query": "{ __schema { queryType { name } } }"},
            {"query": f"{HELLO} "},
            by_hash(VIEWER),
            by_hash(HELLO, query=VIEWER),  # a known hash does not let another text pass
            {"query": RENAME},
        ):
            assert code_of(await post(client, body)) == "DOCUMENT_NOT_TRUSTED"
    assert stage.renamed == []


async def test_documents_are_requested_by_hash_on_sockets(stage: Stage) -> None:
    async with serve(stage, persisted=trusting(WATCH, only_trusted=True)) as address, socket_to(address) as socket:
        await socket.initialise()
        await socket.send({"type": "subscribe", "id": "1", "payload": by_hash(WATCH)})
        message = await socket.receive()
        assert (message["type"], message["payload"]) == ("next", {"data": {"events": {"number": 0}}})
        assert (await socket.receive())["type"] == "complete"
        await socket.subscribe("2", HELLO)
        refusal = await socket.receive()
        assert (refusal["type"], code_of({"errors": refusal["payload"]})) == ("error", "DOCUMENT_NOT_TRUSTED")


async def test_documents_are_requested_by_hash_as_events(stage: Stage) -> None:
    async with http_client(stage, persisted=trusting(WATCH)) as client:
        accept = {"accept": "text/event-stream"}
        answer = await client.post("/graphql", json=by_hash(WATCH), headers=accept)
        assert '{"data":{"events":{"number":0}}}' in answer.text
        unknown = await client.post("/graphql", json=by_hash(VIEWER), headers=accept)
        assert "PERSISTED_QUERY_NOT_FOUND" in unknown.text
        assert unknown.text.endswith("event: complete\ndata:\n\n")


async def test_clients_register_documents_as_apollo_does(stage: Stage) -> None:
    async with http_client(stage, persisted=PersistedDocuments(registers=True)) as client:
        response = await client.post("/graphql", json=by_hash(HELLO), headers={"accept": GRAPHQL_JSON})
        assert response.status_code == 200
        [error] = response.json()["errors"]
        assert error["message"] == "PersistedQueryNotFound"
        assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"
        assert await post(client, by_hash(HELLO, query=HELLO)) == ANSWER
        assert await post(client, by_hash(HELLO)) == ANSWER


async def test_a_document_is_registered_only_under_its_own_hash_and_only_if_it_is_valid(stage: Stage) -> None:
    async with http_client(stage, persisted=PersistedDocuments(registers=True)) as client:
        assert code_of(await post(client, by_hash(HELLO, query=VIEWER))) == "BAD_REQUEST"
        assert code_of(await post(client, by_hash(HELLO))) == "PERSISTED_QUERY_NOT_FOUND"
        bad = "{ missing }"
        assert code_of(await post(client, by_hash(bad, query=bad))) == "GRAPHQL_VALIDATION_FAILED"
        assert code_of(await post(client, by_hash(bad))) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(("bound", "most"), [("MAX_REGISTERED", 4), ("MAX_REGISTERED_CHARACTERS", 80)])
async def test_the_registered_documents_are_bounded(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    monkeypatch.setattr(module, bound, most)
    texts = [f"query Q{number} {{ hello }}" for number in range(5)]
    async with http_client(stage, persisted=PersistedDocuments(registers=True)) as client:
        for text in texts:
            assert await post(client, by_hash(text, query=text)) == ANSWER
        assert code_of(await post(client, by_hash(texts[0]))) == "PERSISTED_QUERY_NOT_FOUND"
        assert await post(client, by_hash(texts[4])) == ANSWER


@pytest.mark.parametrize("extension", [None, 1, {}, {"sha256Hash": 7}])
async def test_a_malformed_hash_is_a_bad_request(client: httpx.AsyncClient, extension: Any) -> None:
    assert code_of(await post(client, {"extensions": {"persistedQuery": extension}})) == "BAD_REQUEST"


async def get(client: httpx.AsyncClient, text: str, **headers: str) -> httpx.Response:
    params = {"extensions": orjson.dumps(by_hash(text)["extensions"]).decode()}
    return await client.get("/graphql", params=params, headers={"accept": GRAPHQL_JSON, **headers})


async def test_answers_to_get_by_hash_may_be_kept(stage: Stage) -> None:
    async with http_client(stage, persisted=trusting(HELLO, VIEWER, RENAME, "{ folder { lost } }")) as client:
        first = await get(client, HELLO)
        assert first.json() == ANSWER
        assert first.headers["cache-control"] == "private, no-cache"
        assert first.headers["vary"] == "accept, accept-encoding, authorization"
        again = await get(client, HELLO, **{"if-none-match": first.headers["etag"]})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
        mine, other = await get(client, VIEWER), await get(client, VIEWER, authorization="Bearer bob")
        assert mine.headers["etag"] != other.headers["etag"]
        by_id = await client.get("/graphql", params={"documentId": sha256(HELLO)})
        assert by_id.headers["etag"]
        assert (await get(client, RENAME)).status_code == 405


async def test_no_other_answer_may_be_kept(stage: Stage) -> None:
    broken = "{ folder { lost } }"
    async with http_client(stage, persisted=trusting(HELLO, broken)) as client:
        for answer in (
            await client.get("/graphql", params={"query": HELLO}),
            await client.post("/graphql", json=by_hash(HELLO)),
            await get(client, broken),
            await get(client, VIEWER),
            await get(client, HELLO, authorization="Bearer eve"),
        ):
            assert answer.headers["cache-control"] == "no-store"
            assert "etag" not in answer.headers
