"""An operation that may cost too much is refused before it runs, by what its document and variables say."""

from typing import Any
from uuid import UUID

import pytest
from graphql import GraphQLField, parse

from gateway.execution.cost import Costs, cost_of
from gateway.execution.database_work import Reach, reach_of
from gateway.execution.declarations import ToMany, declaration_of
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
    return cost_of(core_schema(api), ast, ast.definitions[0], variables or {}).points  # type: ignore[arg-type]  # the first is an operation


def test_each_object_costs_one_point() -> None:
    assert cost("{ viewer { user { email } } }") == 2
    assert cost("{ storageFolders(first: 7) { nodes { name summary { files } } } }") == 7 * 2
    assert cost("{ storageFolders(last: 3) { edges { cursor node { name } } pageInfo { endCursor } } }") == 3


def test_page_sizes_multiply_and_default_to_100() -> None:
    assert cost(NESTED % ("(first: 2)", "(first: 3)", "(first: 4)")) == 2 * (1 + 3 * (1 + 4))
    assert cost(NESTED % ("", "", "")) == 100 * (1 + 100 * (1 + 100))


@pytest.mark.parametrize(
    ("given", "points"), [({"n": 5}, 5), ({"n": 5.0}, 5), ({}, 9), ({"n": None}, 100), ({"n": 10**9}, 1000)]
)
def test_page_sizes_can_be_variables(given: dict[str, Any], points: int) -> None:
    assert cost("query ($n: Int = 9) { storageFolders(first: $n) { nodes { name } } }", given) == points


def test_lists_of_ids_cost_their_length() -> None:
    document = "query ($ids: [UUID!]!) { storageItems(uuids: $ids) { __typename } }"
    assert cost(document, {"ids": ["a", "b", "c"]}) == 3


def test_a_list_of_keys_is_one_condition() -> None:
    """Whoever looks for a thousand instances by their UIDs is served by an index."""
    document = "query ($f: DicomInstanceFilter!) { dicomInstances(filter: $f, first: 10) { nodes { frames } } }"
    for few in (1, 1000):
        assert cost(document, {"f": {"sopInstanceUids": ["1.2"] * few}}) == 10 + 2 * 1_000


@pytest.mark.parametrize(
    ("filter", "tags"),
    [
        ({"includeTags": ["Rows", "Columns"]}, 2),
        ({"keywords": ["Rows"], "includeTags": ["Rows", "Columns"]}, 1),
        ({"group": 8}, 25),
        (None, 25),
    ],
)
def test_tags_cost_as_many_objects_as_a_filter_names(filter: dict[str, Any] | None, tags: int) -> None:
    """Items of sequences cost five objects each time, and reading the tags five points."""
    page = "dicomInstances(filter: { sopInstanceUids: [] }, first: 10) { nodes { %s } }"
    document = "query ($t: DicomTagFilter) { %s }" % (page % "tags(filter: $t) { tag %s }")
    plain = cost("{ %s }" % (page % "frames"))
    assert cost(document % "", {"t": filter}) == plain + 10 * (tags + 5)
    assert cost(document % "items { tag items { tag } }", {"t": filter}) == plain + 10 * (tags * (1 + 5 * (1 + 5)) + 5)


def test_each_five_further_leaves_cost_a_point() -> None:
    leaves = "uuid name description createdAt lastEditedAt folderType"
    assert cost(f"{{ storageFolders(first: 10) {{ nodes {{ {leaves} }} }} }}") == 10 * 2


@pytest.mark.parametrize(
    ("selection", "points"),
    [
        ("items(first: 1) { nodes { name } }", 1),
        ("items(first: 1) { totalCount }", 1 + 50),
        ("items(first: 1) { ...Count } }", 1 + 50),
        ("items(first: 1, orderBy: {field: SIZE}) { nodes { name } }", 1),
        ("items(first: 1, orderBy: {field: DURATION}) { nodes { name } }", 1),
        ('items(first: 1, filter: {search: "a", includeTombstones: true}) { nodes { name } }', 1 + 2 * 50),
        ('items(first: 1, filter: {search: "a"}) { totalCount }', 1 + 2 * 2 * 50),
        ("descendantItems(first: 1) { nodes { name } }", 1 + 1000),
        ("descendantItems(first: 1) { facets(by: [{attribute: OWNER}, {attribute: ITEM_TYPE}]) { otherCount } }", 3051),
        ("summary { files }", 1),
        ("summary(recursive: false) { files }", 1),
        ("summary(recursive: true) { files }", 1 + 500),
    ],
)
def test_what_the_database_does_for_each_parent_costs_points(selection: str, points: int) -> None:
    fragment = "fragment Count on StorageItemConnection { totalCount }" if "...Count" in selection else ""
    selection = selection.removesuffix(" }") if fragment else selection
    assert cost(f"{{ storageFolders(first: 10) {{ nodes {{ {selection} }} }} }} {fragment}") == 10 * (1 + points)


def test_filters_and_orders_in_variables_cost_the_same() -> None:
    text = "query (%s) { storageFolder(uuid: 1) { items(first: 1, filter: %s, orderBy: %s) { nodes { name } } } }"
    literal = cost(text % ("$x: Int", '{search: "a", any: [{}, {}]}', "{field: WIDTH}"))
    variables = {"f": {"search": "a", "any": [{}, {}], "not": None}, "o": {"field": "WIDTH"}}
    assert literal == 2 + 4 * 50
    assert cost(text % ("$f: StorageItemFilter, $o: StorageItemOrder", "$f", "$o"), variables) == literal
    assert cost(text % ("$s: String", "{search: $s}", "null"), {"s": "a"}) == 2 + 2 * 50
    assert cost(text % ("$s: String", "{search: $s}", "null"), {}) == 2


def test_mutations_cost_their_entries() -> None:
    document = "mutation ($i: DeleteStorageItemsInput!) { deleteStorageItems(input: $i) { userErrors { code } } }"
    assert cost(document, {"i": {"itemUuids": ["a"] * 300}}) - cost(document, {"i": {"itemUuids": []}}) == 300


def test_lists_of_all_that_is_below_a_folder_are_told_from_the_lists_of_a_folder() -> None:
    """What lists declare, by name."""
    reaches: dict[Reach, set[str]] = {reach: set() for reach in Reach}
    for type_ in core_schema(api).type_map.values():
        for field in getattr(type_, "fields", {}).values() if type_.name[:2] != "__" else ():
            declaration = declaration_of(field) if isinstance(field, GraphQLField) else None
            if isinstance(declaration, ToMany):
                reaches[reach_of(declaration)].add(declaration.name)
    assert reaches[Reach.SUBTREE] == {"descendantItems", "descendantFolders", "descendantJournal"}
    assert {"searchStorageItems", "searchStorageFolders", "users"} <= reaches[Reach.SITE]


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
        assert cost(file.read_text(), {"items": ["x"] * 100}) <= Limits().cost / 4, file.name


async def test_three_nested_lists_without_page_sizes_exceed_the_limit() -> None:
    document = await Documents(core_schema(api), Limits()).get(NESTED % ("", "", ""))
    with pytest.raises(LimitExceeded, match=r"costs 1,010,100 points; at most 100,000 are allowed \(limit: cost\)"):
        Costs(core_schema(api), Limits()).check(document, document.operation(None), {})


async def test_a_sort_and_a_count_below_each_of_many_folders_exceed_the_limit() -> None:
    items = "descendantItems(filter: {itemTypes: [IMAGE]}, first: 500, orderBy: {field: SIZE})"
    text = f"{{ searchStorageFolders(first: 180) {{ nodes {{ {items} {{ totalCount nodes {{ name }} }} }} }} }}"
    document = await Documents(core_schema(api), Limits()).get(text)
    with pytest.raises(LimitExceeded, match="720,000 of them for sorting, counting and filtering") as refusal:
        Costs(core_schema(api), Limits()).check(document, document.operation(None), {})
    assert (refusal.value.limit, refusal.value.allowed, refusal.value.actual) == ("cost", 100_000, 810_180)


async def test_costs_are_cached_by_what_a_filter_sets() -> None:
    text = "query ($f: StorageItemFilter) { storageFolder(uuid: 1) { items(first: 1, filter: $f) { nodes { name } } } }"
    document = await Documents(core_schema(api), Limits()).get(text.replace("uuid: 1", f'uuid: "{UUID(int=1)}"'))
    costs = Costs(core_schema(api), Limits())
    shapes: list[tuple[Any, int]] = [
        (None, 2),
        ({"search": "a"}, 102),
        ({"search": None}, 2),
        ({"itemTypes": ["A", "B"]}, 152),
    ]
    for given, points in [*shapes, *shapes]:
        assert costs.check(document, document.operation(None), {"f": given}) == points


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
