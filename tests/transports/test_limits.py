"""Limits of documents: errors name the limit and its value, and checks take linear time."""

import time

import httpx
import pytest
from graphql import get_introspection_query, parse

from gateway.execution.limits import LimitExceeded, exceeded
from gateway.limits import Limits
from tests.transports.serving import http_client
from tests.transports.toy import Stage

WIDE = Limits(depth=10_000, aliases=10_000, root_fields=10_000, directives=10_000)


def exceeded_limits(document: str, limits: Limits | None = None) -> dict[str, float]:
    """Return the actual value of each limit that a document exceeds."""
    causes = [error.original_error for error in exceeded(parse(document), limits or Limits())]
    return {cause.limit: cause.actual for cause in causes if isinstance(cause, LimitExceeded)}


def nested(levels: int, leaf: str = "name") -> str:
    return f"{'{ parent ' * (levels - 1)}{{ {leaf} }}{' }' * (levels - 1)}"


def doubling(fragments: int) -> str:
    """Return a document whose last fragment is spread in 2 to the power of `fragments` ways."""
    chain = (
        f"fragment F{n} on Folder {{ a: parent {{ ...F{n + 1} }} b: parent {{ ...F{n + 1} }} }}"
        for n in range(fragments)
    )
    return f"{{ folder {{ ...F0 }} }} {' '.join(chain)} fragment F{fragments} on Folder {{ name }}"


@pytest.mark.parametrize(
    ("within", "beyond", "report"),
    [
        (nested(15), nested(16), {"depth": 16}),
        ("{" + "a: b " * 20 + "}", "{ x {" + "a: b " * 31 + "} }", {"aliases": 31}),
        ("{" + "a " * 20 + "}", "{" + "a " * 21 + "}", {"rootFields": 21}),
        ("{ a " + "@x " * 50 + "}", "{ a " + "@x " * 51 + "}", {"directives": 51}),
        ("query @x { a }", "query ($v: Int @x) @x { a " + "@x " * 49 + "}", {"directives": 51}),
    ],
)
def test_each_limit_accepts_its_exact_value(within: str, beyond: str, report: dict[str, int]) -> None:
    assert exceeded_limits(within) == {}
    assert exceeded_limits(beyond) == report


def test_fragments_count_where_they_are_spread() -> None:
    fragment = "fragment F on Folder { a: name b: name ... { c: name } }"
    document = f"{{ x {{ {'...F ' * 10} }} y {{ z {{ ...F }} }} }} {fragment}"
    assert exceeded_limits(document, Limits(depth=2)) == {"depth": 3, "aliases": 33}


def test_each_operation_is_measured_by_itself() -> None:
    fields = "{" + "a: b " * 20 + "}"
    assert exceeded_limits(f"query A {fields} query B {fields}") == {}


def test_introspection_has_a_depth_rule_of_its_own() -> None:
    assert exceeded_limits(get_introspection_query(), Limits(depth=3)) == {}


@pytest.mark.parametrize(
    "document", ["{ ...F } fragment F on Query { ...F }", "{ ...F }", "{ ...F } fragment G on Q { ...H }"]
)
def test_invalid_fragments_are_left_to_validation(document: str) -> None:
    assert exceeded_limits(document) == {}


@pytest.mark.parametrize("fragments", [60, 300])
def test_fragments_that_double_cost_no_more_than_their_length(fragments: int) -> None:
    document = parse(doubling(fragments))
    started = time.perf_counter()
    errors = exceeded(document, WIDE)
    assert time.perf_counter() - started < 0.5
    assert [error.message for error in errors] == [
        "The operation has 2,147,483,647 aliases; at most 10,000 are allowed (limit: aliases)."
    ]


async def test_the_error_names_the_limit_and_both_values(client: httpx.AsyncClient) -> None:
    response = await client.post("/graphql", json={"query": f"{{ folder {nested(16)} }}"})
    (error,) = response.json()["errors"]
    request_id = error["extensions"].pop("requestId")
    assert request_id == response.headers["x-request-id"]
    assert error == {
        "message": "The operation is 17 levels deep; at most 15 are allowed (limit: depth).",
        "locations": [{"line": 1, "column": 1}],
        "extensions": {"code": "LIMIT_EXCEEDED", "limit": "depth", "allowed": 15, "found": 17},
    }


async def test_fragments_that_double_are_answered_at_once(client: httpx.AsyncClient) -> None:
    started = time.perf_counter()
    response = await client.post("/graphql", json={"query": doubling(60)})
    assert time.perf_counter() - started < 0.5
    assert {error["extensions"]["limit"] for error in response.json()["errors"]} == {"depth", "aliases"}


@pytest.mark.parametrize("filler", ["hello ", "#\n"])
async def test_tokens_and_comments_are_limited(stage: Stage, filler: str) -> None:
    async with http_client(stage, Limits(tokens=100)) as client:
        within = await client.post("/graphql", json={"query": f"{{ hello {filler * 15} }}"})
        beyond = await client.post("/graphql", json={"query": f"{{ hello {filler * 101} }}"})
    assert within.json() == {"data": {"hello": "Hello, world!"}}
    (error,) = beyond.json()["errors"]
    assert error["message"] == "The document has more than 100 tokens (limit: tokens)."
    assert error["extensions"].items() >= {"code": "LIMIT_EXCEEDED", "limit": "tokens", "allowed": 100}.items()


async def test_time_is_limited(stage: Stage) -> None:
    async with http_client(stage, Limits(seconds=1)) as client:
        await client.post("/graphql", json={"query": "{ sleep(seconds: 0) }"})  # warm up
        response = await client.post("/graphql", json={"query": "{ sleep(seconds: 10) }"})
    (error,) = response.json()["errors"]
    assert (response.status_code, error["extensions"]["code"]) == (504, "TIMEOUT")
    assert stage.stopped == ["sleep"]
