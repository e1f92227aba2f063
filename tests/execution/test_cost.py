"""An operation that may return too many objects is refused before it is run, by the size of its pages."""

from typing import Any

import pytest
from graphql import parse

from gateway.execution.cost import check_cost
from gateway.execution.limits import LimitExceeded
from gateway.settings import Limits
from schema.api import api
from tests.house.sources import ROOT

NESTED = "{ storageFolders%s { nodes { subfolders%s { nodes { items%s { edges { node { name } } } } } } } }"


def cost(document: str, variables: dict[str, Any] | None = None) -> float:
    """The points of a document, by what a limit of none says of it."""
    ast = parse(document)
    try:
        check_cost(api._schema, ast, ast.definitions[0], variables or {}, Limits(cost=0))  # type: ignore[arg-type]  # the first is an operation
    except LimitExceeded as refusal:
        return refusal.found
    return 0


def test_a_point_an_object() -> None:
    assert cost("{ viewer { user { email } } }") == 2
    assert cost("{ storageFolders(first: 7) { totalCount nodes { name summary { files } } } }") == 7 * 2
    assert cost("{ storageFolders(last: 3) { edges { cursor node { name } } pageInfo { endCursor } } }") == 3


def test_pages_multiply_and_count_100_if_nothing_is_asked() -> None:
    assert cost(NESTED % ("(first: 2)", "(first: 3)", "(first: 4)")) == 2 * (1 + 3 * (1 + 4))
    assert cost(NESTED % ("", "", "")) == 100 * (1 + 100 * (1 + 100))


@pytest.mark.parametrize(("given", "points"), [({"n": 5}, 5), ({}, 9), ({"n": None}, 100), ({"n": 10**9}, 1000)])
def test_sizes_may_be_variables(given: dict[str, Any], points: int) -> None:
    assert cost("query ($n: Int = 9) { storageFolders(first: $n) { nodes { name } } }", given) == points


def test_lists_of_ids_count_what_they_hold() -> None:
    document = "query ($ids: [UUID!]!) { storageItems(uuids: $ids) { __typename } }"
    assert cost(document, {"ids": ["a", "b", "c"]}) == 3


def test_fragments_count_wherever_they_are_spread() -> None:
    spread = "fragment F on StorageFolder { subfolders(first: 10) { nodes { name } } }"
    assert cost("{ storageFolders(first: 2) { nodes { ...F ... on Node { id } } } }" + spread) == 2 * (1 + 10)


def test_doubling_fragments_are_reckoned_once() -> None:
    chain = "".join(
        f"fragment F{n} on StorageFolder {{ parent {{ ...F{n + 1} }} other: parent {{ ...F{n + 1} }} }}"
        for n in range(40)
    )
    assert (
        cost("{ storageFolders(first: 1) { nodes { ...F0 } } }" + chain + "fragment F40 on StorageFolder { name }")
        > 2**40
    )


def test_introspection_is_free_and_our_own_documents_are_cheap() -> None:
    assert cost("{ __schema { types { fields { name } } } }") == 0
    for file in (ROOT / "tests" / "queries").glob("*.graphql"):
        assert cost(file.read_text(), {"items": ["x"] * 100}) <= Limits().cost, file.name


def test_three_nested_lists_without_sizes_are_too_much() -> None:
    ast = parse(NESTED % ("", "", ""))
    with pytest.raises(LimitExceeded, match=r"1,010,100 objects; give first .*100,000 are allowed \(cost\)"):
        check_cost(api._schema, ast, ast.definitions[0], {}, Limits())  # type: ignore[arg-type]  # the first is an operation
