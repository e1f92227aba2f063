"""Query plans of searches: each condition has an index, which serves an order, and no search walks all items."""

import re
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from gateway.auth.viewer import Viewer
from gateway.clock import now
from gateway.database.engine import Database
from gateway.database.searches import description_contains, name_contains
from gateway.execution import keysets, statements
from gateway.execution.compiled.statement_cache import StatementCache
from gateway.execution.declarations import Direction, EdgeQuery, ToMany
from gateway.execution.pagination import read_page_arguments
from gateway.execution.statements import FacetColumn
from gateway.kinds.enums import MetadataFieldType, SiteRole
from gateway.kinds.item_kinds import StorageItemType
from gateway.lucene.parser import parse
from gateway.models.items import items
from gateway.scalars import BigInt
from resolvers.folders import items_below
from resolvers.inputs.item_filters import BigIntRange, DateTimeRange, FloatRange, IntRange, StorageItemFilter
from resolvers.inputs.lists import StorageItemOrder, StorageItemOrderField, StorageScope
from resolvers.inputs.metadata_filters import (
    DateTimeMatch,
    MetadataCondition,
    MetadataMatch,
    NearMatch,
    NumberMatch,
    TextMatch,
)
from resolvers.item_queries import PreparedQuery, advanced_search
from resolvers.items import item_search
from resolvers.metadata_keys import IndexedKey, PreparedMetadata

KEY = UUID(int=7)
SERVED: list[tuple[str, dict[str, Any], str, str]] = [
    ("exact name", {"exact_name": "a"}, "NAME", "ix_items_name_key"),
    ("kind", {"item_types": [StorageItemType.IMAGE]}, "NAME", "ix_items_item_type_name_key"),
    ("created", {"created_at": DateTimeRange(from_=now())}, "CREATED_AT", "ix_items_created_at"),
    ("edited", {"last_edited_at": DateTimeRange(to=now())}, "LAST_EDITED_AT", "ix_items_last_edited_at"),
    ("size", {"file_size": BigIntRange(from_=BigInt(1))}, "SIZE", "ix_items_file_size"),
    ("duration", {"duration": FloatRange(from_=1.0, to=2.0)}, "DURATION", "ix_items_duration"),
    ("width", {"width": IntRange(from_=1)}, "WIDTH", "ix_items_width"),
    ("height", {"height": IntRange(from_=1)}, "HEIGHT", "ix_items_height"),
    ("media type", {"mime_type": "image/png"}, "NAME", "ix_items_mime_type"),
    ("media types", {"mime_type": "image"}, "NAME", "ix_items_first_half"),
    ("owner", {"owner_uuid": KEY}, "NAME", "ix_items_owner_uuid"),
    ("study", {"dicom_study_uid": "1.2"}, "NAME", "ix_items_dicom_study_uid"),
    ("series", {"dicom_series_uid": "1.2"}, "NAME", "ix_items_dicom_series_uid"),
    ("instance", {"dicom_instance_uid": "1.2"}, "NAME", "ix_items_dicom_instance_uid"),
    ("orientation", {"orientation": 6}, "NAME", "ix_items_orientation"),
    ("placeholders", {"only_placeholders": True}, "NAME", "ix_items_is_placeholder"),
    ("tombstones", {"only_tombstones": True}, "NAME", "ix_items_is_tombstone"),
]
NUMBER, TIME = MetadataFieldType.NUMBER, MetadataFieldType.DATETIME
TEXT, POINT = MetadataFieldType.VARCHAR, MetadataFieldType.GEOSPATIAL
METADATA: list[tuple[MetadataFieldType, MetadataMatch, str]] = [
    (NUMBER, MetadataMatch(number=NumberMatch(from_=1.0)), "ix_metadata_values_number"),
    (NUMBER, MetadataMatch(number=NumberMatch(eq=1.0)), "ix_metadata_values_number"),
    (TIME, MetadataMatch(date_time=DateTimeMatch(to=now())), "ix_metadata_values_moment"),
    (TEXT, MetadataMatch(text=TextMatch(eq="a")), "ix_metadata_values_text_key"),
]
FEW: list[tuple[str, dict[str, Any]]] = [
    ("digest", {"sha256": "a" * 64}),
    ("dataset", {"dataset_uuid": KEY}),
    ("tags", {"organisation_tags_all_of": ["a"]}),
    ("text", {"search": "abc"}),
]


OWN = replace(item_search, further=None)
"""The search without items that are only shared into its scope: these start from an index of their own."""


def search(
    database: Database, filter: StorageItemFilter, order: StorageItemOrder, prepared: Any = None
) -> sa.Select[Any]:
    """Return the statement of the first page of a search by a site admin."""
    viewer = Viewer(uuid4(), SiteRole.ADMIN)
    query = EdgeQuery(viewer, filter, {"scope": StorageScope.USER}, prepared)
    request = read_page_arguments(OWN, query, {"order_by": order, "first": 100})
    return statements.page(OWN, query, request, [items.c.uuid, items.c.name], database.dialect, False)


async def plan_of(database: Database, statement: sa.Select[Any] | sa.CompoundSelect[Any], *without: str) -> str:
    """Return the plan that the database makes where sorting and whole tables cost too much."""
    key = statements.driver_key(database.dialect, KEY)
    compiled = StatementCache(database.sql_dialect).get("search", lambda: statement)
    parameters = compiled.parameters(Viewer(uuid4(), SiteRole.ADMIN), {keysets.SIZE: 101, keysets.KEY: key})
    async with database.reading() as connection:
        if database.dialect != "sqlite":
            for setting in without or ("enable_seqscan", "enable_sort", "enable_bitmapscan"):
                await connection.exec_driver_sql(f"SET LOCAL {setting} = off")
        explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
        rows = (await connection.exec_driver_sql(explain + compiled.sql, parameters)).all()
    return "\n".join(str(row[-1]) for row in rows)


def ordered(field: str, direction: str, key: str | None = None) -> StorageItemOrder:
    return StorageItemOrder(field=StorageItemOrderField[field], direction=Direction[direction], metadata_key=key)


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_each_condition_is_served_in_an_order(database: Database, direction: str) -> None:
    """The plan starts from the condition's index and sorts nothing."""
    for name, fields, order, index in SERVED:
        plan = await plan_of(database, search(database, StorageItemFilter(**fields), ordered(order, direction)))
        assert index in plan, (name, plan)
        assert "TEMP B-TREE" not in plan and "Sort" not in plan, (name, plan)
        assert "Seq Scan on items" not in plan, (name, plan)


async def test_metadata_is_served_in_the_order_of_its_key(database: Database) -> None:
    for kind, match, index in METADATA:
        filter = StorageItemFilter(metadata=[MetadataCondition(key="k", is_=match)])
        prepared = PreparedMetadata({"k": IndexedKey(KEY, kind)}, "k")
        plan = await plan_of(database, search(database, filter, ordered("METADATA", "ASC", "k"), prepared))
        assert index in plan, (kind, plan)
        assert "TEMP B-TREE" not in plan and "Sort" not in plan, (kind, plan)


async def test_no_search_walks_all_items(database: Database) -> None:
    """In the order of names, whatever the condition: few items are looked up, or sorted."""
    near = MetadataMatch(near=NearMatch(latitude=50.0, longitude=7.0, meters=1000.0))
    located = {"metadata": [MetadataCondition(key="k", is_=near)]}
    for name, fields in [*FEW, ("near", located)]:
        prepared = PreparedMetadata({"k": IndexedKey(KEY, POINT)}, None) if name == "near" else None
        statement = search(database, StorageItemFilter(**fields), ordered("NAME", "ASC"), prepared)
        plan = await plan_of(database, statement)
        # The end of a walk is read from the index of the order alone, and no further.
        others = re.sub(r"MATERIALIZE walk_end\d\nSCAN items USING COVERING INDEX ix_items_name_key\b", "", plan)
        assert not re.search("SCAN items\\b|Seq Scan on items", others), (name, plan)
        assert name != "near" or "ix_metadata_values_cell" in plan, plan


async def test_items_of_narrow_viewers_are_found_by_folder(database: Database) -> None:
    """They are sorted then, also by what few items have."""
    filter = StorageItemFilter(item_types=[StorageItemType.IMAGE], search="abc")
    viewer = Viewer(uuid4(), SiteRole.MEMBER)
    query = EdgeQuery(viewer, filter, {"scope": StorageScope.USER}, is_narrow=True)
    for order in ("NAME", "CREATED_AT", "SIZE", "DURATION", "WIDTH", "HEIGHT"):
        given = {"order_by": ordered(order, "DESC"), "first": 100}
        request = read_page_arguments(OWN, query, given)
        columns = [items.c.uuid, items.c.name]
        statement = statements.page(OWN, query, request, columns, database.dialect, False)
        plan = await plan_of(database, statement, "enable_seqscan")
        assert "items_folder_uuid" in plan, (order, plan)
        others = re.sub("ix_items_folder_uuid_\\w+", "", plan)
        assert "ix_items_" not in others, (order, plan)


async def test_items_below_a_small_folder_are_found_by_folder(database: Database) -> None:
    """SQLite, which has no statistics, would look for all items of the site with a media type."""
    viewer = Viewer(uuid4(), SiteRole.MEMBER)
    query = EdgeQuery(viewer, StorageItemFilter(mime_type="image/jpeg"))
    request = read_page_arguments(items_below, query, {"order_by": ordered("SIZE", "DESC"), "first": 100})
    page = statements.page(items_below, query, request, [items.c.uuid], database.dialect, False)
    count = statements.count(items_below, query, False, 10_000, database.dialect)
    kinds = [FacetColumn(items.c.item_type, None)]
    facets = statements.facets(items_below, query, False, kinds, 10, database.dialect)
    for statement in (page, count, facets):
        plan = await plan_of(database, statement, "enable_seqscan")
        assert database.dialect != "sqlite" or "ix_items_folder_uuid_" in plan, plan


async def test_items_of_some_kinds_below_a_folder_are_not_read_to_count_them(database: Database) -> None:
    filter = StorageItemFilter(item_types=[StorageItemType.IMAGE, StorageItemType.PDF])
    query = EdgeQuery(Viewer(uuid4(), SiteRole.MEMBER), filter)
    plan = await plan_of(database, statements.count(items_below, query, False, 10_000, database.dialect))
    assert "folder_counters" in plan, plan
    assert not re.search(r"\bitems\b", plan), plan


@pytest.mark.parametrize("edge", [item_search, advanced_search], ids=["plain", "advanced"])
async def test_access_is_not_tested_on_all_names_with_a_text(database: Database, edge: ToMany) -> None:
    """Those who see much see the first of them."""
    arguments = {"scope": StorageScope.USER, "query": "name:abc"}
    filter = StorageItemFilter(search="abc") if edge is item_search else None
    prepared = PreparedQuery({}, None, parse("name:abc"), {}) if filter is None else None
    query = EdgeQuery(Viewer(uuid4(), SiteRole.MEMBER), filter, arguments, prepared)
    request = read_page_arguments(edge, query, {"order_by": ordered("NAME", "DESC"), "first": 100})
    statement = statements.page(edge, query, request, [items.c.uuid], database.dialect, False)
    plan = await plan_of(database, statement, "enable_seqscan")
    matching = plan.split("matching0")[1]
    assert "items_names" in matching, plan
    assert "folders" not in matching, plan


async def test_descriptions_are_indexed_like_names(database: Database) -> None:
    """Any part of three characters, also with names, as for terms without a field; shorter ones at the start."""
    either = sa.or_(name_contains(items.c.name_key, "abc"), description_contains(items, "abc"))
    for condition in (description_contains(items, "abc"), either, description_contains(items, "ab")):
        plan = await plan_of(database, sa.select(items.c.uuid).where(condition), "enable_seqscan")
        assert not re.search("SCAN items\\b|Seq Scan on items", plan), plan
        assert "items_descriptions" in plan, plan
