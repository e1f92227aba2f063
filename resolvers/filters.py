"""Conditions on rows that the filters, searches and scopes of lists stand for."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from gateway.auth.visibility import in_visible_folder, is_root, sees_dataset, sees_folder, sees_job
from gateway.catalog.rules.names import MAX_DESCRIPTION
from gateway.database.dialects import name_contains
from gateway.error_texts import sized
from gateway.errors import bad_input, forbidden
from gateway.execution.declarations import Argument, EdgeQuery
from gateway.models.base import fold
from gateway.models.datasets import data_rows, datasets
from gateway.models.folders import folders
from gateway.models.items import items
from gateway.models.tags import folder_tags, organisation_tags
from resolvers.inputs.lists import DatasetFilter, StorageItemFilter, StorageScope

Conditions = list[sa.ColumnElement[bool]]
MAX_SEARCH, MAX_TAGS = 1000, 100
SCOPE = Argument(
    "scope",
    StorageScope,
    StorageScope.USER,
    "`ORGANISATION` lists everything in the organisation. Only for site admins.",
)


def folder_conditions(query: EdgeQuery) -> Conditions:
    """Return the conditions of a `StorageFolderFilter`."""
    filter = query.filter
    if filter is None:
        return []
    conditions = _search_conditions(query, folders.c.name_key)
    if filter.dataset_synced is not None:
        mirrored = sa.exists().where(datasets.c.backing_folder_uuid == folders.c.uuid)
        conditions.append(mirrored if filter.dataset_synced else ~mirrored)
    return [*conditions, *_tag_conditions(filter.organisation_tags_all_of or [])]


def item_conditions(query: EdgeQuery) -> Conditions:
    """Return the conditions of a `StorageItemFilter`.

    Tombstones are left out unless the filter includes them; placeholders are included unless it
    leaves them out.
    """
    filter: StorageItemFilter = query.filter or StorageItemFilter()
    conditions = _search_conditions(query, items.c.name_key) if query.filter else []
    if filter.item_types:
        conditions.append(items.c.item_type.in_(filter.item_types))
    if filter.is_in_dataset is not None:
        used = sa.exists().where(data_rows.c.item_uuid == items.c.uuid)
        conditions.append(used if filter.is_in_dataset else ~used)
    if not filter.include_tombstones:
        conditions.append(items.c.is_tombstone.is_(False))
    if not filter.include_placeholders:
        conditions.append(items.c.is_placeholder.is_(False))
    return conditions


def required_search_conditions(query: EdgeQuery) -> Conditions:
    """Return the conditions of an item filter that must have a search text or item types."""
    if not query.filter or not (query.filter.search or query.filter.item_types):
        raise bad_input("A search across folders requires search or itemTypes.", "filter")
    return item_conditions(query)


def item_search_conditions(query: EdgeQuery) -> Conditions:
    """Return the conditions of a search for items in all folders of the scope."""
    scoped = (
        [] if covers_organisation(query) else [in_visible_folder(query.viewer, items.c.folder_uuid)]
    )
    return [*required_search_conditions(query), *scoped]


def folder_search_conditions(query: EdgeQuery) -> Conditions:
    """Return the conditions of a search for folders in the scope."""
    scoped = [] if covers_organisation(query) else [sees_folder(query.viewer)]
    return [*folder_conditions(query), *scoped]


def root_folder_conditions(query: EdgeQuery) -> Conditions:
    """Return the conditions of the scope's root folders.

    Those of the viewer are the topmost folders that they can see.
    """
    top = folders.c.parent_uuid.is_(None) if covers_organisation(query) else is_root(query.viewer)
    return [*folder_conditions(query), top]


def dataset_conditions(query: EdgeQuery) -> Conditions:
    """Return the conditions of a `DatasetFilter` and the scope."""
    scoped = [] if covers_organisation(query) else [sees_dataset(query.viewer)]
    filter: DatasetFilter = query.filter or DatasetFilter()
    conditions: tuple[tuple[Any, Callable[[Any], sa.ColumnElement[bool]]], ...] = (
        (filter.title_eq, lambda text: _equals(datasets.c.title, text, "titleEq")),
        (filter.title_like, lambda text: _like(datasets.c.title_key, text, "titleLike")),
        (
            filter.description_eq,
            lambda text: _equals(datasets.c.description, text, "descriptionEq"),
        ),
        (
            filter.description_like,
            lambda text: _like(datasets.c.description_key, text, "descriptionLike"),
        ),
        (filter.created_before, lambda moment: datasets.c.created_at < moment),
        (filter.created_after, lambda moment: datasets.c.created_at > moment),
        (filter.edited_before, lambda moment: datasets.c.last_edited_at < moment),
        (filter.edited_after, lambda moment: datasets.c.last_edited_at > moment),
    )
    return [*scoped, *(condition(value) for value, condition in conditions if value is not None)]


def job_conditions(query: EdgeQuery) -> Conditions:
    """Return the conditions of the upload jobs that the viewer can see."""
    return [sees_job(query.viewer)]


def name_condition(
    column: sa.ColumnElement[Any], name: str = "search"
) -> Callable[[EdgeQuery], Sequence[sa.ColumnElement[bool]]]:
    """Return the conditions of a search argument on a column of case-folded names."""

    def conditions(query: EdgeQuery) -> Sequence[sa.ColumnElement[bool]]:
        text = query.arguments.get(name)
        return [column.contains(_folded(text, name), autoescape=True)] if text else []

    return conditions


def _tag_conditions(names: list[str]) -> Conditions:
    """Return one condition for each tag that a folder must have."""
    path = "filter", "organisationTagsAllOf"
    if len(names) > MAX_TAGS:
        raise bad_input(sized("organisationTagsAllOf", 0, MAX_TAGS, len(names), "entries"), *path)
    for index, name in enumerate(names):
        _folded(name, *path, index)
    tagged = sa.select(folder_tags.c.folder_uuid).join(
        organisation_tags, organisation_tags.c.uuid == folder_tags.c.tag_uuid
    )
    return [
        folders.c.uuid.in_(tagged.where(organisation_tags.c.name == name))
        for name in sorted(set(names))
    ]


def _search_conditions(query: EdgeQuery, column: sa.ColumnElement[Any]) -> Conditions:
    text = query.filter.search
    return [name_contains(column, _folded(text, "filter", "search"))] if text else []


def _equals(column: sa.ColumnElement[Any], text: str, name: str) -> sa.ColumnElement[bool]:
    if len(text) > MAX_DESCRIPTION:
        raise bad_input(sized(name, 0, MAX_DESCRIPTION, len(text)), "filter", name)
    return sa.and_(column == text)


def _like(key: sa.ColumnElement[Any], pattern: str, name: str) -> sa.ColumnElement[bool]:
    plain = pattern.replace("\\\\", "")
    if plain.endswith("\\"):
        raise bad_input(f"{name} cannot end with a single backslash.", "filter", name)
    return key.like(_folded(pattern, "filter", name), escape="\\")


def _folded(text: str, *path: str | int) -> str:
    if len(text) > MAX_SEARCH:
        name = next(str(part) for part in reversed(path) if isinstance(part, str))
        raise bad_input(sized(name, 0, MAX_SEARCH, len(text)), *path)
    return fold(text)


def covers_organisation(query: EdgeQuery) -> bool:
    """Return whether the scope is the whole organisation; raise `FORBIDDEN` unless a site admin."""
    if query.arguments.get("scope") is not StorageScope.ORGANISATION:
        return False
    if not query.viewer.is_site_admin:
        raise forbidden("scope: ORGANISATION requires the site role ADMIN.", "scope")
    return True
