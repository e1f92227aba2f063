"""Conditions on items that a `StorageItemFilter` stands for."""

import string
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from gateway.auth.visibility import (
    NEVER,
    in_visible_folder,
    is_staying_dataset,
    is_staying_tag,
    sees_dataset,
    sees_folder,
)
from gateway.catalog.rules.names import MAX_NAME
from gateway.database.dialects import in_few
from gateway.database.searches import first_half, has_text_as_name, name_contains
from gateway.error_texts import between, sized
from gateway.errors import Path, bad_input
from gateway.execution.declarations import EdgeQuery
from gateway.models.base import fold
from gateway.models.datasets import data_rows, datasets
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.shares import item_shares
from gateway.models.tags import folder_tags, organisation_tags
from resolvers.inputs.item_filters import (
    BigIntRange,
    DateTimeRange,
    FloatRange,
    IntRange,
    StorageItemConditions,
    StorageItemFilter,
)
from resolvers.metadata_conditions import metadata_conditions

Condition = sa.ColumnElement[bool]
MAX_SEARCH, MAX_TAGS, MAX_ALTERNATIVES = 1000, 100, 20
MAX_MIME_TYPE, MAX_DICOM_UID = 255, 64
_OF_FEW = (
    *("exact_name", "folder_name", "sha256", "dataset_uuid", "organisation_tags_all_of"),
    *("dicom_study_uid", "dicom_series_uid", "dicom_instance_uid", "metadata"),
)
"""Conditions of a filter that few items meet, which an index finds."""


def item_conditions(query: EdgeQuery) -> list[Condition]:
    """Return the conditions of a `StorageItemFilter`.

    Tombstones and placeholders are left out unless the filter includes or requires them.
    """
    filter: StorageItemFilter = query.filter or StorageItemFilter()
    conditions = narrowing_conditions(query)
    if filter.only_tombstones:
        conditions.append(items.c.is_tombstone.is_(True))
    elif not filter.include_tombstones:
        conditions.append(items.c.is_tombstone.is_(False))
    if filter.only_placeholders:
        conditions.append(items.c.is_placeholder.is_(True))
    elif not filter.include_placeholders:
        conditions.append(items.c.is_placeholder.is_(False))
    return conditions


def is_narrowing(query: EdgeQuery) -> bool:
    """Return whether the filter has a condition, besides what it includes."""
    filter: StorageItemFilter | None = query.filter
    if filter is None:
        return False
    has_flag = filter.only_placeholders or filter.only_tombstones
    return has_flag or bool(narrowing_conditions(query))


def narrowing_conditions(query: EdgeQuery) -> list[Condition]:
    """Return the conditions of a filter, without those on tombstones and placeholders."""
    filter: StorageItemFilter | None = query.filter
    if filter is None:
        return []
    conditions = _conditions(filter, query, ("filter",))
    nested = query._replace(joined=None)
    alternatives = filter.any or []
    if len(alternatives) > MAX_ALTERNATIVES:
        message = sized("any", 0, MAX_ALTERNATIVES, len(alternatives), "entries")
        raise bad_input(message, "filter", "any")
    if alternatives:
        conditions.append(
            sa.or_(
                *(
                    sa.and_(*_required_conditions(each, nested, ("filter", "any", index)))
                    for index, each in enumerate(alternatives)
                )
            )
        )
    if filter.not_ is not None:
        unwanted = sa.and_(*_required_conditions(filter.not_, nested, ("filter", "not")))
        # An item without a value does not match a condition on it, so it matches the negation.
        conditions.append(unwanted.is_not(sa.true()))
    return conditions


def is_compared(query: EdgeQuery) -> bool:
    """Return whether conditions are tested on each row, rather than by an index."""
    return query.is_narrow or query.is_walked


def is_broad(query: EdgeQuery) -> bool:
    """Return whether many items may match a filter, as no index finds the few that do."""
    return not any(getattr(query.filter, name, None) for name in _OF_FEW)


def leaves_most(query: EdgeQuery) -> bool:
    """Return whether a filter may leave most items: it has conditions on kinds and use at most."""
    filter: StorageItemFilter = query.filter or StorageItemFilter()
    narrow = replace(filter, item_types=None, is_in_dataset=None, not_=None)
    return not is_narrowing(query._replace(filter=narrow))


def leaves_many(query: EdgeQuery) -> bool:
    """Return whether a filter may leave many items below a folder, with a text that is not rare."""
    filter: StorageItemFilter = query.filter or StorageItemFilter()
    return leaves_most(
        query._replace(filter=replace(filter, search=None)) if query.is_narrow else query
    )


def ranged_columns(filter: StorageItemFilter | None) -> set[sa.ColumnElement[Any]]:
    """Return the columns that cannot be null in items that match a filter, due to its ranges."""
    if filter is None:
        return set()
    return {
        column
        for span, column in _ranges(filter)
        if span and (span.from_ is not None or span.to is not None)
    }


def _required_conditions(
    filter: StorageItemConditions, query: EdgeQuery, path: Path
) -> list[Condition]:
    """Return the conditions of an entry of `any`, or of `not`; it must have some."""
    conditions = _conditions(filter, query, path)
    if not conditions:
        raise bad_input("Set at least one condition.", *path)
    return conditions


def _conditions(filter: StorageItemConditions, query: EdgeQuery, path: Path) -> list[Condition]:
    """Return the conditions of the fields that are set."""
    conditions = [
        *_name_conditions(filter, query, path),
        *_range_conditions(filter),
        *_fact_conditions(filter, path),
        *metadata_conditions(filter.metadata or [], query, path),
    ]
    if filter.item_types:
        conditions.append(items.c.item_type.in_(filter.item_types))
    if filter.owner_uuid is not None:
        owns = items.c.owner_uuid == filter.owner_uuid
        conditions.append(NEVER if query.viewer.is_anonymous else owns)
    if filter.dataset_uuid is not None:
        visible = sa.exists().where(
            datasets.c.uuid == filter.dataset_uuid, sees_dataset(query.viewer)
        )
        used = sa.select(data_rows.c.item_uuid).where(
            data_rows.c.dataset_uuid == filter.dataset_uuid
        )
        is_used: Condition
        if is_compared(query):
            is_used = used.where(data_rows.c.item_uuid == items.c.uuid).exists()
        else:
            is_used = items.c.uuid.in_(used)
        conditions.append(sa.and_(is_used, visible))
    if filter.is_in_dataset is not None:
        any_use = sa.exists().where(
            data_rows.c.item_uuid == items.c.uuid, is_staying_dataset(data_rows.c.dataset_uuid)
        )
        conditions.append(any_use if filter.is_in_dataset else ~any_use)
    if tags := filter.organisation_tags_all_of:
        # Who sees an item elsewhere only must not learn the tags of its own folder.
        sees_home = in_visible_folder(query.viewer, items.c.folder_uuid)
        conditions.append(sa.or_(~items.c.is_shared, sees_home))
        conditions += tag_conditions(items.c.folder_uuid, tags, path)
    return conditions


def _name_conditions(
    filter: StorageItemConditions, query: EdgeQuery, path: Path
) -> list[Condition]:
    conditions: list[Condition] = []
    if filter.search:
        text = folded(filter.search, *path, "search")
        conditions.append(name_contains(items.c.name_key, text, is_compared(query)))
    if filter.exact_name is not None:
        _check_length(filter.exact_name, MAX_NAME, *path, "exactName")
        conditions.append(has_text_as_name(items, filter.exact_name))
    if filter.folder_name is not None:
        _check_length(filter.folder_name, MAX_NAME, *path, "folderName")
        named = sa.select(folders.c.uuid).where(
            has_text_as_name(folders, filter.folder_name), sees_folder(query.viewer)
        )
        shared = sa.select(item_shares.c.item_uuid).where(item_shares.c.folder_uuid.in_(named))
        is_shared_in = sa.and_(items.c.is_shared, in_few(items.c.uuid, shared))
        conditions.append(sa.or_(in_few(items.c.folder_uuid, named), is_shared_in))
    return conditions


def _ranges(
    filter: StorageItemConditions,
) -> list[tuple[BigIntRange | DateTimeRange | FloatRange | IntRange | None, sa.Column[Any]]]:
    """Return the ranges of a filter, each with its column."""
    return [
        (filter.created_at, items.c.created_at),
        (filter.last_edited_at, items.c.last_edited_at),
        (filter.file_size, items.c.file_size),
        (filter.duration, items.c.duration),
        (filter.width, items.c.width),
        (filter.height, items.c.height),
    ]


def _range_conditions(filter: StorageItemConditions) -> list[Condition]:
    conditions: list[Condition] = []
    for span, column in _ranges(filter):
        if span and span.from_ is not None:
            conditions.append(column >= span.from_)
        if span and span.to is not None:
            conditions.append(column <= span.to)
    return conditions


def _fact_conditions(filter: StorageItemConditions, path: Path) -> list[Condition]:
    """Return the conditions on facts that must have one value."""
    conditions: list[Condition] = []
    if filter.mime_type is not None:
        conditions.append(mime_type_condition(filter.mime_type, *path, "mimeType"))
    if filter.sha256 is not None:
        digest = filter.sha256.lower()
        if len(digest) != 64 or not set(digest) <= set(string.hexdigits):
            raise bad_input("Expected a SHA-256 digest: 64 hex digits.", *path, "sha256")
        conditions.append(items.c.sha256 == digest)
    for value, column, name in (
        (filter.dicom_study_uid, items.c.dicom_study_uid, "dicomStudyUid"),
        (filter.dicom_series_uid, items.c.dicom_series_uid, "dicomSeriesUid"),
        (filter.dicom_instance_uid, items.c.dicom_instance_uid, "dicomInstanceUid"),
    ):
        if value is not None:
            _check_length(value, MAX_DICOM_UID, *path, name)
            conditions.append(column == value)
    if filter.orientation is not None:
        if not 1 <= filter.orientation <= 8:
            raise bad_input(between("orientation", 1, 8, filter.orientation), *path, "orientation")
        conditions.append(items.c.orientation == filter.orientation)
    return conditions


def mime_type_condition(text: str, *path: str | int) -> Condition:
    """Return the condition of a media type, or of all types that have the same first half."""
    _check_length(text, MAX_MIME_TYPE, *path)
    kind, _, subtype = text.partition("/")
    if not kind:
        raise bad_input("Expected a media type, such as image/png, or its first half.", *path)
    if subtype not in ("", "*"):
        return sa.and_(items.c.mime_type == text.lower())
    return sa.and_(first_half(items.c.mime_type) == kind.lower())


def tag_conditions(
    folder_uuid: sa.ColumnElement[Any], names: Sequence[str], path: Path
) -> list[Condition]:
    """Return one condition for each tag that a folder must have."""
    path = (*path, "organisationTagsAllOf")
    if len(names) > MAX_TAGS:
        raise bad_input(sized("organisationTagsAllOf", 0, MAX_TAGS, len(names), "entries"), *path)
    for index, name in enumerate(names):
        folded(name, *path, index)
    tagged = sa.select(folder_tags.c.folder_uuid).join(
        organisation_tags, organisation_tags.c.uuid == folder_tags.c.tag_uuid
    )
    return [
        folder_uuid.in_(tagged.where(organisation_tags.c.name == name, is_staying_tag()))
        for name in sorted(set(names))
    ]


def folded(text: str, *path: str | int) -> str:
    """Return the search key of a text; raise `BAD_USER_INPUT` if it is too long."""
    if len(text) > MAX_SEARCH:
        name = next(str(part) for part in reversed(path) if isinstance(part, str))
        raise bad_input(sized(name, 0, MAX_SEARCH, len(text)), *path)
    return fold(text)


def _check_length(text: str, most: int, *path: str | int) -> None:
    if len(text) > most:
        raise bad_input(sized(str(path[-1]), 0, most, len(text)), *path)
