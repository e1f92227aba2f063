"""No kind of item and no media fact is half added: each row has everything that `docs/adding.md` asks for."""

from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module
from pathlib import Path
from typing import Any, Optional, get_args, get_origin, get_type_hints

import pytest
from graphql import GraphQLEnumType, GraphQLInterfaceType, GraphQLObjectType, GraphQLUnionType

from gateway.catalog.ingestion.entries import DataUploadItemsInput
from gateway.catalog.ingestion.entry_plans import SECTIONS
from gateway.generate.kinds import KINDS as GENERATED
from gateway.json_values import camel_case
from gateway.kinds.enums import JobKind, SceneFormat
from gateway.kinds.item_kinds import FILE_GROUPS, ITEM_KINDS, ItemKind, StorageItemType, item_type_of_file
from gateway.kinds.job_kinds import JOB_TYPES
from gateway.kinds.media_facts import INPUT_FACTS, MEDIA_FACTS, MediaFact
from gateway.media.probe import probe
from gateway.models.folders import folder_counters
from gateway.models.items import ItemRecord, items
from schema.api import api
from tests.fixtures.jobs import KINDS as JOBS
from tests.fixtures.kinds import CONTENT, SCENES

TYPES: dict[str, Any] = dict(api._schema.type_map)
ROWS = [pytest.param(kind, id=item_type) for item_type, kind in ITEM_KINDS.items()]
FACTS = [pytest.param(fact, id=name) for name, fact in MEDIA_FACTS.items()]
NUMBERS = (int, float)


def test_each_kind_of_job_has_its_type() -> None:
    """It has the fields of all jobs, and tests know it."""
    assert set(JOB_TYPES) == set(JobKind)
    assert {kind.value: name for kind, name in JOB_TYPES.items()} == JOBS
    for name in JOB_TYPES.values():
        assert TYPES["Job"] in TYPES[name].interfaces


def entry_class(section: str) -> type:
    """Return the class of the entries of a section."""
    [entry] = get_args(get_type_hints(DataUploadItemsInput)[section])
    return entry  # type: ignore[no-any-return]  # it is that of a type hint


def metadata_inputs() -> Iterator[type]:
    """Yield the classes by which clients provide facts, but for DICOM tags."""
    for kind in ITEM_KINDS.values():
        if kind.section and kind.facts_field and kind.item_type != "DICOM_FILE":
            yield get_args(get_type_hints(entry_class(kind.section))[kind.facts_field])[0]


def test_every_kind_has_a_row() -> None:
    assert set(ITEM_KINDS) == set(StorageItemType)
    assert len({kind.counter for kind in ITEM_KINDS.values()}) == len(ITEM_KINDS)


@pytest.mark.parametrize("kind", ROWS)
def test_a_kind_has_a_type(kind: ItemKind) -> None:
    item_type, enum, union = TYPES[kind.graphql_type], TYPES["StorageItemType"], TYPES["StorageItemResult"]
    assert isinstance(item_type, GraphQLObjectType)
    assert isinstance(enum, GraphQLEnumType)
    assert isinstance(union, GraphQLUnionType)
    assert TYPES["StorageItem"] in item_type.interfaces
    assert item_type in union.types
    assert item_type.description == enum.values[kind.item_type].description == kind.description


@pytest.mark.parametrize("kind", ROWS)
def test_a_kind_has_a_counter(kind: ItemKind) -> None:
    assert kind.counter in folder_counters.c
    assert camel_case(kind.counter) in TYPES["StorageFolderSummary"].fields


@pytest.mark.parametrize("kind", ROWS)
def test_a_kind_is_a_file_or_a_group(kind: ItemKind) -> None:
    """A file has a prober, and all that uploads and syncs of it need; a group has members."""
    if kind.prober is None:
        assert not (kind.noun or kind.mime_types or kind.extensions or kind.entry_is_file or kind.facts_field)
        assert kind.member_type or not kind.always_has_object
    else:
        assert callable(import_module(f"gateway.media.{kind.prober}").probe)
        assert kind.noun
        assert kind.mime_types
        assert kind.section
        assert f"`{kind.item_type}`" in TYPES["UploadFileInput"].fields["itemType"].description
    if kind.member_type:
        assert ITEM_KINDS[kind.member_type].prober
        assert kind.item_type in FILE_GROUPS


@pytest.mark.parametrize("kind", [kind for kind in ITEM_KINDS.values() if kind.section], ids=lambda kind: kind.section)
def test_a_section_has_entries(kind: ItemKind) -> None:
    """In GraphQL and in manifests alike."""
    assert kind.section
    names = {field.name for field in fields(entry_class(kind.section))}
    assert kind.section in SECTIONS
    assert camel_case(kind.section) in TYPES["DataUploadItemsInput"].fields
    assert {kind.facts_field, kind.member_field} - {None} <= names
    if kind.entry_is_file:
        assert names & {"url", "object_url"}
        assert {"placeholder_uuid", "title", "client_metadata"} <= names


@pytest.mark.parametrize("kind", ROWS)
def test_extensions_lead_to_their_kind(kind: ItemKind) -> None:
    for extension in kind.extensions:
        assert extension == extension.lower().strip(".")
        assert item_type_of_file(f"a.b.{extension.upper()}") is kind.item_type


def test_every_format_of_a_scene_has_an_extension() -> None:
    formats = {name.lower() for name in SceneFormat}
    assert set(ITEM_KINDS[StorageItemType.SCENE].extensions) == set(SCENES) == formats


def test_every_kind_of_file_has_a_sample() -> None:
    """Kinds without a sample would be left out of the tests of hostile files and of syncs."""
    assert set(CONTENT) == {item_type for item_type, kind in ITEM_KINDS.items() if kind.prober}


def test_every_kind_is_generated() -> None:
    assert sorted(entry.item_type for entry in GENERATED) == sorted(StorageItemType)


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_has_a_column(fact: MediaFact) -> None:
    assert (fact.name in items.c) == fact.is_column
    if fact.is_column:
        is_list = get_origin(fact.type) is list
        assert items.c[fact.name].nullable != is_list
        expected: Any = fact.type if is_list else Optional[fact.type]  # noqa: UP045 (it is computed)
        assert ItemRecord.model_fields[fact.name].annotation == expected


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_has_a_field(fact: MediaFact) -> None:
    interface = TYPES["StorageItem"]
    assert isinstance(interface, GraphQLInterfaceType)
    assert (camel_case(fact.name) in interface.fields) == fact.is_field
    if fact.is_field:
        field = interface.fields[camel_case(fact.name)]
        assert field.description == fact.description
        if fact.type is int and fact.maximum:
            assert str(field.type) == ("Int" if fact.maximum < 2**31 else "BigInt")


@pytest.mark.parametrize("fact", FACTS)
def test_a_fact_has_bounds(fact: MediaFact) -> None:
    assert fact.description
    if fact.type in NUMBERS:
        assert fact.minimum is not None
        assert fact.maximum is not None or fact.type is float
    if fact.type is str:
        assert fact.max_length


def test_input_names_are_unique() -> None:
    """Two facts with the same one would be written to the same column."""
    assert [fact.name for fact in INPUT_FACTS.values()] == [
        fact.name for fact in MEDIA_FACTS.values() if fact.input_name
    ]


def test_inputs_of_facts_are_facts() -> None:
    """Each name by which clients provide a fact occurs, and no other one."""
    names = {field.name for facts in metadata_inputs() for field in fields(facts)}
    assert names == set(INPUT_FACTS)


def test_probing_yields_the_facts_of_each_kind(tmp_path: Path) -> None:
    """Each fact comes from some file, only from those of its kinds, and within its bounds."""
    seen = set()
    for item_type, make in CONTENT.items():
        (tmp_path / "file").write_bytes(make())
        facts = probe(tmp_path / "file", StorageItemType(item_type), "file")
        for name, fact in MEDIA_FACTS.items():
            value = getattr(facts, name)
            if value is not None:
                assert not fact.kinds or item_type in fact.kinds, (item_type, name)
                assert fact.accepts(value), (item_type, name)
                seen.add(name)
    assert seen == set(MEDIA_FACTS)
