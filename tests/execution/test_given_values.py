"""Values of filters are parameters: other values need no new statement, and find what they should."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

import resolvers
from gateway.auth.viewer import Viewer
from gateway.database.sqlalchemy_apis import statement_key
from gateway.execution import statements
from gateway.execution.bound_values import bound_value_of
from gateway.execution.compiled.placeholders import generalized, placeholder_viewer, source_of
from gateway.execution.compiled.statement_cache import StatementCache
from gateway.execution.declarations import EdgeQuery, ToMany
from gateway.execution.operations import Operations
from gateway.execution.pagination import read_page_arguments
from gateway.kinds.enums import SiteRole
from gateway.limits import Limits
from gateway.models.items import items
from gateway.scalars import BigInt
from resolvers.inputs.communities import CommunityFilter
from resolvers.inputs.dicom import DicomStudyFilter
from resolvers.inputs.item_filters import DateTimeRange, FloatRange, IntRange, StorageItemConditions, StorageItemFilter
from resolvers.inputs.lists import DatasetFilter, StorageFolderFilter
from resolvers.inputs.metadata_filters import NumberMatch, TextMatch
from schema.api import api
from tests.execution.world import NAMES, Both

TEXTS = ["alp", "ALP", "bet", "straß", "a%b", "a_b", 'o"t', "mu\u0308n", "%%%"]
STRINGS = ["ab", "x" * 65, "*", "a?", "", "f" * 64, "Straße", str(UUID(int=5)), "ßß", "10 %"]
NUMBERS = [0.0, 1.0, -1e300]
TIMES = ["2020-01-01T00:00:00Z", "2026-01-01T00:00:00+09:00", "2100-01-01T00:00:00Z"]
ITEMS = "query($filter: StorageItemFilter) {{ searchStorageItems(filter: $filter, first: 5 {order}) {{ {fields} }} }}"
FOUND = "totalCount nodes { name } facets(by: [{attribute: ITEM_TYPE}]) { otherCount values { value count } }"
LISTS: dict[str, tuple[str, list[Any]]] = {
    "part": (ITEMS.format(order="", fields=FOUND), [{"search": text} for text in TEXTS]),
    "sized": (
        ITEMS.format(order=", orderBy: {field: SIZE}", fields="nodes { name }"),
        [{"search": text, "itemTypes": ["IMAGE"]} for text in TEXTS],
    ),
    "name": (ITEMS.format(order="", fields=FOUND), [{"exactName": name} for name in (*NAMES[1:6], *TEXTS[3:])]),
    "folder": (ITEMS.format(order="", fields=FOUND), [{"folderName": name} for name in (*NAMES[1:6], *TEXTS[3:])]),
    "digest": (ITEMS.format(order="", fields=FOUND), [{"sha256": digit * 64} for digit in "0aAbBf"]),
    "times": (
        ITEMS.format(order="", fields=FOUND),
        [{"createdAt": {"from": start, "to": end}} for start in TIMES for end in TIMES],
    ),
    "either": (
        ITEMS.format(order="", fields=FOUND),
        [{"any": [{"search": text}, {"exactName": NAMES[2]}], "not": {"search": "zeta"}} for text in TEXTS],
    ),
    "ranges": (
        ITEMS.format(order="", fields=FOUND),
        [
            {name: {"from": least, "to": least + 50}}
            for least in (0, 1, 7, 1000)
            for name in ("fileSize", "duration", "width")
        ],
    ),
    "owner": (ITEMS.format(order="", fields=FOUND), [{"ownerUuid": str(UUID(int=number))} for number in range(3)]),
    "folders": (
        "query($filter: StorageFolderFilter) { searchStorageFolders(filter: $filter, first: 5) "
        "{ totalCount nodes { name } } }",
        [{"search": text} for text in TEXTS],
    ),
    "communities": (
        "query($filter: CommunityFilter) { communities(filter: $filter, first: 5) { totalCount nodes { name } } }",
        [{"search": text} for text in ("ärz", "ÄRZ", "bet", "a_b", "%%%")],
    ),
    "studies": (
        "query($filter: DicomStudyFilter) { dicomStudies(filter: $filter, first: 5) "
        "{ totalCount nodes { studyUid } } }",
        [{"patientId": text} for text in ("P1", "p1", "N0", "N1", "N2", "N3", "%")],
    ),
    "datasets": (
        "query($filter: DatasetFilter) { datasets(filter: $filter, first: 5) { totalCount nodes { title } } }",
        [{"titleEq": text, "createdAfter": TIMES[0]} for text in (*NAMES[1:4], "%")],
    ),
    "journal": (
        "query($filter: DateTime) { storageFolders(first: 3) { nodes { journal(since: $filter, first: 3) "
        "{ totalCount nodes { uuid } } descendantJournal(since: $filter, first: 3) { nodes { uuid } } } } }",
        ["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", *TIMES, "1960-01-01T00:00:00Z", "2026-01-03T00:00:00+05:00"],
    ),
    "units": (
        "query($filter: BigInt) { jobs(first: 9) { nodes { ... on UploadJob { units(changedAfter: $filter, first: 3) "
        "{ totalCount nodes { status } } } } } }",
        ["0", "1", "2", "3", "4", "100", "9223372036854775807"],
    ),
    "tags": (
        "query($filter: String) { organisationTags(search: $filter, first: 5) { totalCount nodes { name } } }",
        [*TEXTS, "tag", "TAG 1", "g 2", "1"],
    ),
    "groups": (
        "query($filter: String) { groups(search: $filter, first: 5) { totalCount nodes { name } } }",
        [*TEXTS, "g"],
    ),
    "search": (
        "query($filter: String!) { search(text: $filter, first: 5) { totalCount edges { cursor } } }",
        TEXTS,
    ),
}


async def test_other_values_need_no_new_statement(pair: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    operations, initialise = Operations(api, Limits(), pair.compiled), sa.Select.__init__
    for name, (text, filters) in LISTS.items():
        for viewer in ("admin", "member"):
            # Rare texts are searched for in another way than others; the site has both.
            for filter in filters[:3]:
                await pair.body(text, {"filter": filter}, viewer, operations)
            built: list[Any] = []

            def count(self: Any, *entities: Any, counted: list[Any] = built) -> None:
                counted.append(entities)
                initialise(self, *entities)

            for filter in filters[3:]:
                with monkeypatch.context() as patch:
                    patch.setattr(sa.Select, "__init__", count)
                    await pair.body(text, {"filter": filter}, viewer, operations)
            assert not built, (name, viewer)
    assert not pair.compiled.reasons


async def test_each_value_finds_what_it_should(pair: Both) -> None:
    for name, (text, filters) in LISTS.items():
        answers = set()
        for viewer in ("admin", "member"):
            for filter in filters:
                compiled, interpreted = await pair.bodies(text, {"filter": filter}, viewer)
                assert compiled == interpreted, (name, viewer, filter)
                answers.add(compiled)
        assert len(answers) > 1 or name in ("digest", "owner"), name  # the site has neither of these


@pytest.mark.parametrize(
    "input_type",
    [
        *(StorageItemConditions, StorageFolderFilter, DatasetFilter, CommunityFilter, DicomStudyFilter),
        *(FloatRange, NumberMatch, TextMatch),
    ],
)
def test_only_suitable_values_have_placeholders(input_type: type[Any]) -> None:
    bound = {field.name: of_field for field in fields(input_type) if (of_field := bound_value_of(field.metadata))}
    assert bound
    for name, of_field in bound.items():
        for value in NUMBERS if input_type in (FloatRange, NumberMatch) else STRINGS:
            query = generalized(EdgeQuery(_VIEWER, input_type(**{name: value})), ())
            suits = isinstance(value, float) or (0 < len(value) <= 64 and of_field.suits(value))
            assert bool(query.given) == suits == (getattr(query.filter, name) != value)
            assert not suits or list(query.given) == [form(value) for form in of_field.forms]


_VIEWER = Viewer(uuid4(), SiteRole.MEMBER)


def test_values_keep_their_positions_in_nested_inputs() -> None:
    start, owner = datetime(2026, 1, 2, tzinfo=UTC), uuid4()
    nested = StorageItemConditions(exact_name="Straße", owner_uuid=owner)
    own = StorageItemFilter(search="ABC", created_at=DateTimeRange(from_=start), any=[nested, nested])
    general = generalized(EdgeQuery(_VIEWER, own), ())
    twice = ["Straße", "strasse", owner] * 2
    assert sorted(map(str, general.given)) == sorted(map(str, ["abc", start, *twice]))
    first, second = general.filter.any
    assert [
        _given(general, value) for value in (first.exact_name, first.exact_name.lower(), first.owner_uuid)
    ] == twice[:3]
    assert first.exact_name != second.exact_name
    assert _given(general, general.filter.created_at.from_) == start
    assert own.search == "ABC"
    assert generalized(EdgeQuery(_VIEWER, own), ()).filter == general.filter


def _given(query: EdgeQuery, placeholder: Any) -> Any:
    source = source_of(placeholder)
    assert source is not None and source.number is not None
    return query.given[source.number]


def test_one_position_can_have_values_of_all_kinds() -> None:
    """They have placeholders of their own, or one statement would take its values from another."""
    filters = [
        StorageItemFilter(exact_name="Straße", sha256="ab" * 32),
        StorageItemFilter(search="Straße", sha256="cd" * 32),
        StorageItemFilter(dicom_study_uid="1.2", owner_uuid=uuid4()),
        StorageItemFilter(sha256="ef" * 32, width=IntRange(from_=7)),
    ]
    queries = [generalized(EdgeQuery(_VIEWER, filter), ()) for filter in filters]
    assert _given(queries[0], queries[0].filter.exact_name) == "Straße"
    assert _given(queries[0], queries[0].filter.exact_name.lower()) == "strasse"
    assert _given(queries[0], queries[0].filter.sha256.lower()) == "ab" * 32
    assert _given(queries[1], queries[1].filter.search.lower()) == "strasse"
    assert _given(queries[1], queries[1].filter.sha256.lower()) == "cd" * 32
    assert _given(queries[2], queries[2].filter.dicom_study_uid) == "1.2"
    assert _given(queries[2], queries[2].filter.owner_uuid) == filters[2].owner_uuid
    assert _given(queries[3], queries[3].filter.sha256.lower()) == "ef" * 32
    assert _given(queries[3], queries[3].filter.width.from_) == 7


def test_placeholders_are_bounded() -> None:
    """Before the number of entries is checked, a request may have any."""
    entry = StorageItemConditions(exact_name="Straße", owner_uuid=uuid4())
    query = generalized(EdgeQuery(_VIEWER, StorageItemFilter(any=[entry] * 10_000)), ())
    assert len(query.given) == 101
    assert query.filter.any[-1] == entry


def test_a_statement_without_a_placeholder_keeps_its_value() -> None:
    """It has the shape of another that has one."""
    cache = StatementCache(sa.create_engine("sqlite://").dialect)
    query = generalized(EdgeQuery(_VIEWER, StorageItemFilter(sha256="ab" * 32)), ())
    own = placeholder_viewer(_VIEWER).user_uuid

    def parameters(name: str, column: str, value: Any, given: Any = ()) -> Any:
        statement = sa.select(items.c.uuid).where(items.c[column] == value)
        return cache.get(name, lambda: statement).parameters(_VIEWER, {}, given)

    digest = query.filter.sha256.lower()
    assert parameters("general", "sha256", digest, query.given) == ("ab" * 32,)
    assert parameters("plain", "sha256", "cd" * 32) == ("cd" * 32,)
    assert parameters("general", "sha256", digest, ["ef" * 32]) == ("ef" * 32,)
    assert parameters("viewer", "owner_uuid", own) == (_VIEWER.user_uuid.hex,)
    other = uuid4()
    assert parameters("other", "owner_uuid", other) == (other.hex,)
    assert parameters("viewer", "owner_uuid", own) == (_VIEWER.user_uuid.hex,)
    assert parameters("suffix", "sha256", digest + "\U0010ffff", query.given) == ("ab" * 32 + "\U0010ffff",)


def test_whatever_depends_on_a_value_is_bound() -> None:
    """Else a condition makes something of the value that is none of its forms."""
    checked = set()
    for edge in EDGES:
        for (label, query), (_, other) in zip(_queries(edge, 0), _queries(edge, 1), strict=True):
            general = generalized(query, edge.arguments)
            if not general.given:
                continue
            for dialect in ("sqlite", "postgresql"):
                values, others, placeholders = (_binds(edge, each, dialect) for each in (query, other, general))
                sources = [source_of(value) for value in placeholders]
                used = {source.number for source in sources if source}
                assert used >= set(range(len(general.given))), (edge.name, label)
                dependent = [own != another for own, another in zip(values, others, strict=True)]
                assert any(dependent), (edge.name, label)
                given = [source is not None and source.number is not None for source in sources]
                assert given == dependent, (edge.name, label)
            checked.add(label)
    assert len(checked) > 40, checked


def _binds(edge: ToMany, query: EdgeQuery, dialect: str) -> list[Any]:
    """Return the values of the parameters of a page's statement."""
    request = read_page_arguments(edge, query, {})
    key = statement_key(statements.page(edge, query, request, [edge.orders.last], dialect, False))
    assert key is not None
    return [None if bind.expanding else bind.value for bind in key.binds]


def _queries(edge: ToMany, sample: int) -> Iterator[tuple[str, EdgeQuery]]:
    """Yield queries of an edge, each with one value in its filter or arguments."""
    viewer = placeholder_viewer(_VIEWER)
    defaults = {argument.name: argument.default for argument in edge.arguments}
    defaults |= {name: None for name, default in defaults.items() if default is inspect.Parameter.empty}
    for argument in edge.arguments:
        if argument.bound:
            [values] = [SAMPLES[kind] for kind in SAMPLES if kind.__name__ in str(argument.type)]
            yield argument.name, EdgeQuery(viewer, None, defaults | {argument.name: values[sample]})
    for name, filter in _inputs(edge.filter_type, sample) if edge.filter_type else ():
        yield f"{edge.name}.filter.{name}", EdgeQuery(viewer, filter, defaults)


def _inputs(input_type: Any, sample: int) -> Iterator[tuple[str, Any]]:
    """Yield input objects, each with one value; those on metadata keys need what is known of the key."""
    for name, hint in get_type_hints(input_type).items():
        for kind in (hint, *get_args(hint)):
            is_list = get_origin(kind) is list
            [inner] = get_args(kind) if is_list else [kind]
            if inner in SAMPLES and not is_list:
                value = SAMPLES[inner][sample]
                yield name, input_type(**{name: f"{sample}" * 64 if name == "sha256" else value})
            elif is_dataclass(inner) and name not in ("metadata", "tags"):
                for field, value in _inputs(inner, sample):
                    yield f"{name}.{field}", input_type(**{name: [value] if is_list else value})


SAMPLES: dict[Any, tuple[Any, Any]] = {
    str: ("A text", "Another text"),
    int: (5, 6),
    BigInt: (5, 6),
    float: (5.0, 6.0),
    UUID: (UUID(int=5), UUID(int=6)),
    datetime: (datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 4, tzinfo=UTC)),
}
EDGES = [
    value
    for module in pkgutil.iter_modules(resolvers.__path__, "resolvers.")
    for value in vars(importlib.import_module(module.name)).values()
    if isinstance(value, ToMany)
]
