"""Documents are parsed once, limited in size, and rejected with codes and locations."""

import httpx
import pytest
from graphql import GraphQLSchema

from gateway.execution import documents as module
from gateway.execution.documents import Document, DocumentErrors, Documents
from gateway.execution.private_apis import core_schema
from gateway.limits import Limits
from tests.transports.toy import SCHEMA


def documents(entries: int = 3, size: int = 4_000) -> Documents:
    return Documents(core_schema(SCHEMA), Limits(), entries=entries, size=size)


async def errors_of(source: str) -> list[str]:
    with pytest.raises(DocumentErrors) as refusal:
        await documents().get(source)
    return [error.message for error in refusal.value.errors]


async def test_a_document_is_parsed_once() -> None:
    cache = documents()
    first = await cache.get("{ hello }")
    assert await cache.get("{ hello }") is first
    assert await cache.get("{ hello } ") is not first


async def test_recent_documents_are_cached() -> None:
    cache = documents(entries=2)
    first = await cache.get("{ hello }")
    await cache.get("{ viewer }")
    await cache.get("{ hello }")
    await cache.get("{ requestId }")
    assert await cache.get("{ hello }") is first


async def test_the_cache_is_limited_by_the_length_of_documents() -> None:
    cache = documents(entries=100, size=4_000)
    texts = [f"{{ hello }} # {'x' * 900} {n}" for n in range(5)]
    read = [await cache.get(text) for text in texts]
    assert await cache.get(texts[4]) is read[4]
    assert await cache.get(texts[0]) is not read[0]


async def test_a_long_document_is_not_cached() -> None:
    cache = documents(size=4_000)
    long = f"{{ hello }} # {'x' * 1_000}"
    assert await cache.get(long) is not await cache.get(long)


async def test_errors_are_cached_too(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = documents()
    for _ in range(2):
        with pytest.raises(DocumentErrors):
            await cache.get("{ missing }")
        monkeypatch.setattr(module, "validate", None)  # a second validation would fail


async def test_operations_are_selected_by_name() -> None:
    document = await documents().get("query A { hello } query B { viewer }")
    assert isinstance(document, Document)
    assert sorted(document.operations) == ["A", "B"]


async def test_names_of_the_schema_are_not_suggested() -> None:
    assert await errors_of("{ helo }") == ["Cannot query field 'helo' on type 'Query'."]


async def test_an_error_is_reported_once_with_all_its_locations(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": "{ hello @aa @aa @aa @aa @aa @aa @aa @aa @aa @aa }"})
    (error,) = response.json()["errors"]
    assert error["message"] == "Unknown directive '@aa'."
    assert len(error["locations"]) == 10


async def test_at_most_ten_errors_are_reported() -> None:
    assert len(await errors_of(f"{{ {' '.join(f'x{n}' for n in range(20))} }}")) == 10


async def test_errors_of_scalars_do_not_quote_the_value(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": f"{{ count(numbers: [{'9' * 4_301}]) }}"})
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert error["message"].startswith("Expected value of type 'Int', found: 9999")


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (r'{ hello(name: "a\u0000") }', ["name"]),
        ('{ hello(name: "a\0") }', ["name"]),
        ('{ hello(name: """a\0""") }', ["name"]),
        (r'{ echo(value: {a: [1, {b: "\u{0}"}]}) }', ["value", "a", 1, "b"]),
        (r'query ($name: String = "\u0000") { hello(name: $name) }', ["name"]),
    ],
)
async def test_text_that_cannot_be_stored_is_refused(
    client: httpx.AsyncClient, document: str, path: list[object]
) -> None:
    response = await client.post("/graphql", json={"query": document})
    (error,) = response.json()["errors"]
    assert (error["extensions"]["code"], error["extensions"]["inputPath"]) == ("BAD_USER_INPUT", path)


def test_one_of_inputs_are_known_to_the_executor() -> None:
    assert isinstance(core_schema(SCHEMA), GraphQLSchema)
    documents()
    assert core_schema(SCHEMA).type_map["Key"].is_one_of  # type: ignore[attr-defined]  # it is an input object
