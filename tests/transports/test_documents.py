"""Documents are parsed once, limited in size, and refused with codes and locations."""

import httpx
import pytest
from graphql import GraphQLSchema

from gateway.execution import documents as module
from gateway.execution.documents import Document, DocumentErrors, Documents
from gateway.execution.private_apis import core_schema
from gateway.settings import Limits
from tests.transports.toy import SCHEMA


def documents(entries: int = 3, size: int = 4_000) -> Documents:
    return Documents(core_schema(SCHEMA), Limits(), entries, size)


async def refused(source: str) -> list[str]:
    with pytest.raises(DocumentErrors) as refusal:
        await documents().get(source)
    return [error.message for error in refusal.value.errors]


async def test_a_document_is_read_once() -> None:
    kept = documents()
    first = await kept.get("{ hello }")
    assert await kept.get("{ hello }") is first
    assert await kept.get("{ hello } ") is not first


async def test_the_latest_documents_are_kept() -> None:
    kept = documents(entries=2)
    first = await kept.get("{ hello }")
    await kept.get("{ viewer }")
    await kept.get("{ hello }")
    await kept.get("{ requestId }")
    assert await kept.get("{ hello }") is first


async def test_documents_are_kept_while_their_texts_are_short() -> None:
    kept = documents(entries=100, size=4_000)
    texts = [f"{{ hello }} # {'x' * 900} {n}" for n in range(5)]
    read = [await kept.get(text) for text in texts]
    assert await kept.get(texts[4]) is read[4]
    assert await kept.get(texts[0]) is not read[0]


async def test_a_long_document_is_not_kept() -> None:
    kept = documents(size=4_000)
    long = f"{{ hello }} # {'x' * 1_000}"
    assert await kept.get(long) is not await kept.get(long)


async def test_refusals_are_kept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = documents()
    for _ in range(2):
        with pytest.raises(DocumentErrors):
            await kept.get("{ missing }")
        monkeypatch.setattr(module, "validate", None)  # a second validation would fail


async def test_the_operations_are_found_by_name() -> None:
    document = await documents().get("query A { hello } query B { viewer }")
    assert isinstance(document, Document)
    assert sorted(document.operations) == ["A", "B"]


async def test_names_of_the_schema_are_not_suggested() -> None:
    assert await refused("{ helo }") == ["Cannot query field 'helo' on type 'Query'."]


async def test_a_complaint_is_made_once_with_all_its_places(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": "{ hello @aa @aa @aa @aa @aa @aa @aa @aa @aa @aa }"})
    (error,) = response.json()["errors"]
    assert error["message"] == "Unknown directive '@aa'."
    assert len(error["locations"]) == 10


async def test_there_are_at_most_ten_complaints() -> None:
    assert len(await refused(f"{{ {' '.join(f'x{n}' for n in range(20))} }}")) == 10


async def test_what_scalars_raise_is_not_quoted(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": f"{{ count(numbers: [{'9' * 4_301}]) }}"})
    (error,) = response.json()["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert error["message"].startswith("Expected value of type 'Int', found: 9999")


@pytest.mark.parametrize(
    ("document", "place"),
    [
        (r'{ hello(name: "a\u0000") }', ["name"]),
        ('{ hello(name: "a\0") }', ["name"]),
        ('{ hello(name: """a\0""") }', ["name"]),
        (r'{ echo(value: {a: [1, {b: "\u{0}"}]}) }', ["value", "a", 1, "b"]),
        (r'query ($name: String = "\u0000") { hello(name: $name) }', ["name"]),
    ],
)
async def test_text_that_cannot_be_stored_is_refused(
    client: httpx.AsyncClient, document: str, place: list[object]
) -> None:
    response = await client.post("/graphql", json={"query": document})
    (error,) = response.json()["errors"]
    assert (error["extensions"]["code"], error["extensions"]["inputPath"]) == ("BAD_USER_INPUT", place)


def test_one_of_is_told_to_the_executor() -> None:
    assert isinstance(core_schema(SCHEMA), GraphQLSchema)
    documents()
    assert core_schema(SCHEMA).type_map["Key"].is_one_of  # type: ignore[attr-defined]  # it is an input object
