"""An operation that may return too many objects is refused before it runs, by the size of its pages."""

from typing import Any

import pytest
from graphql import parse

from gateway.execution.cost import Costs, cost_of
from gateway.execution.documents import Documents
from gateway.execution.limits import LimitExceeded
from gateway.execution.private_apis import core_schema
from gateway.limits import Limits
from schema.api import api
from tests.house.sources import ROOT

NESTED = "{ storageFolders%s { nodes { subfolders%s { nodes { items%s { edges { node { name } } } } } } } }"


def cost(document: str, variables: dict[str, Any] | None = None) -> int:
    """Return the cost of a document."""
    ast = parse(document)
    return cost_of(core_schema(api), ast, ast.definitions[0], variables or {})  # type: ignore[arg-type]  # the first is an operation


def test_each_object_costs_one_point() -> None:
    assert cost("{ viewer { user { email } } }") == 2
    assert cost("{ storageFolders(first: 7) { totalCount nodes { name summary { files } } } }") == 7 * 2
    assert cost("{ storageFolders(last: 3) { edges { cursor node { name } } pageInfo { endCursor } } }") == 3


def test_page_sizes_multiply_and_default_to_100() -> None:
    assert cost(NESTED % ("(first: 2)", "(first: 3)", "(first: 4)")) == 2 * (1 + 3 * (1 + 4))
    assert cost(NESTED % ("", "", "")) == 100 * (1 + 100 * (1 + 100))


@pytest.mark.parametrize(("given", "points"), [({"n": 5}, 5), ({}, 9), ({"n": None}, 100), ({"n": 10**9}, 1000)])
def test_page_sizes_can_be_variables(given: dict[str, Any], points: int) -> None:
    assert cost("query ($n: Int = 9) { storageFolders(first: $n) { nodes { name } } }", given) == points


def test_lists_of_ids_cost_their_length() -> None:
    document = "query ($ids: [UUID!]!) { storageItems(uuids: $ids) { __typename } }"
    assert cost(document, {"ids": ["a", "b", "c"]}) == 3


def test_fragments_count_once_for_each_spread() -> None:
    spread = "fragment F on StorageFolder { subfolders(first: 10) { nodes { name } } }"
    assert cost("{ storageFolders(first: 2) { nodes { ...F ... on Node { id } } } }" + spread) == 2 * (1 + 10)


def test_fragments_that_double_are_computed_once() -> None:
    chain = "".join(
        f"fragment F{n} on StorageFolder {{ parent {{ ...F{n + 1} }} other: parent {{ ...F{n + 1} }} }}"
        for n in range(40)
    )
    assert (
        cost("{ storageFolders(first: 1) { nodes { ...F0 } } }" + chain + "fragment F40 on StorageFolder { name }")
        > 2**40
    )


def test_introspection_is_free_and_the_example_documents_are_cheap() -> None:
    assert cost("{ __schema { types { fields { name } } } }") == 0
    for file in (ROOT / "tests" / "queries").glob("*.graphql"):
        assert cost(file.read_text(), {"items": ["x"] * 100}) <= Limits().cost, file.name


async def test_three_nested_lists_without_page_sizes_exceed_the_limit() -> None:
    document = await Documents(core_schema(api), Limits()).get(NESTED % ("", "", ""))
    with pytest.raises(LimitExceeded, match=r"1,010,100 objects; at most 100,000 are allowed \(limit: cost\)"):
        Costs(core_schema(api), Limits()).check(document, document.operation(None), {})


async def test_costs_are_cached_by_page_size() -> None:
    text = "query ($n: Int = 9, $x: UUID!) { storageFolder(uuid: $x) { items(first: $n) { nodes { name } } } }"
    document, costs = (await Documents(core_schema(api), Limits()).get(text), Costs(core_schema(api), Limits(cost=10)))
    sizes: list[dict[str, int | None]] = [{}, {"n": 8}, {"n": 9}]
    for given in sizes:
        costs.check(document, document.operation(None), given)
    sizes = [{"n": None}, {"n": 10}, {"n": 1000}]
    for given in sizes:
        with pytest.raises(LimitExceeded):
            costs.check(document, document.operation(None), given)
