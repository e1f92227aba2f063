"""Conditions on rows that the filters, searches and scopes of lists stand for."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import sqlalchemy as sa

from gateway.auth.visibility import (
    NEVER,
    in_given_folder,
    in_public_folder,
    is_given_folder,
    is_public_folder,
    is_root,
    is_staying,
    is_staying_dataset,
    is_top_public,
    sees_dataset,
)
from gateway.catalog.rules.names import MAX_DESCRIPTION
from gateway.database.dialects import in_few
from gateway.database.searches import name_contains, unindexed
from gateway.database.substrings import has_part
from gateway.error_texts import sized
from gateway.errors import bad_input, forbidden
from gateway.execution.declarations import Argument, EdgeQuery
from gateway.models.datasets import datasets
from gateway.models.folders import folders
from gateway.models.items import items
from resolvers.given_folders import given_folders, looked_up
from resolvers.inputs.lists import DatasetFilter, StorageScope
from resolvers.item_conditions import (
    folded,
    is_broad,
    is_narrowing,
    item_conditions,
    tag_conditions,
)

Conditions = list[sa.ColumnElement[bool]]
SCOPE = Argument(
    "scope",
    StorageScope,
    StorageScope.USER,
    "`PUBLIC` lists what is public. `ORGANISATION` lists everything in the organisation; only for "
    "site admins.",
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
    tags = filter.organisation_tags_all_of or []
    return [*conditions, *tag_conditions(folders.c.uuid, tags, ("filter",))]


def item_search_conditions(query: EdgeQuery) -> Conditions:
    """Return the conditions of a search for items in all folders of the scope.

    Raises:
        DomainError: `BAD_USER_INPUT`, the filter has no condition on items.
    """
    if not is_narrowing(query):
        raise bad_input("A search across folders requires a condition.", "filter")
    conditions = item_conditions(query)
    if query.is_narrow and is_broad(query):
        conditions = [unindexed(*conditions)]
    return [*conditions, in_scope(query, items.c.folder_uuid)]


def in_scope(query: EdgeQuery, folder_uuid: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    """Return the condition that a folder is in the scope of a search."""
    if covers_organisation(query):
        return is_staying(folder_uuid)
    if covers_public(query):
        return in_public_folder(query.viewer, folder_uuid)
    if query.is_narrow:
        return in_few(folder_uuid, given_folders(query.viewer))
    if query.is_walked or query.is_rare:
        return looked_up(folder_uuid, partial(is_given_folder, query.viewer))
    return in_given_folder(query.viewer, folder_uuid)


def folder_search_conditions(query: EdgeQuery) -> Conditions:
    """Return the conditions of a search for folders in the scope."""
    if covers_organisation(query):
        scope = is_staying(folders.c.uuid)
    elif covers_public(query):
        scope = is_public_folder(query.viewer)
    elif query.is_narrow:
        scope = in_few(folders.c.uuid, given_folders(query.viewer))
    else:
        scope = is_given_folder(query.viewer)
    return [*folder_conditions(query), scope]


def root_folder_conditions(query: EdgeQuery) -> Conditions:
    """Return the conditions of the scope's root folders.

    Those of the viewer are the topmost folders that they were given.
    """
    if covers_organisation(query):
        top = sa.and_(folders.c.parent_uuid.is_(None), is_staying(folders.c.uuid))
    else:
        top = is_top_public(query.viewer) if covers_public(query) else is_root(query.viewer)
    return [*folder_conditions(query), top]


def dataset_conditions(query: EdgeQuery) -> Conditions:
    """Return the conditions of a `DatasetFilter` and the scope."""
    if covers_organisation(query):
        scoped = [is_staying_dataset(datasets.c.uuid)]
    else:
        scoped = [NEVER if covers_public(query) else sees_dataset(query.viewer)]
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


def name_condition(
    column: sa.ColumnElement[Any], name: str = "search"
) -> Callable[[EdgeQuery], Sequence[sa.ColumnElement[bool]]]:
    """Return the conditions of a search argument on a column of case-folded names."""

    def conditions(query: EdgeQuery) -> Sequence[sa.ColumnElement[bool]]:
        text = query.arguments.get(name)
        return [has_part(column, folded(text, name))] if text else []

    return conditions


def _search_conditions(query: EdgeQuery, column: sa.ColumnElement[Any]) -> Conditions:
    text = query.filter.search
    return [name_contains(column, folded(text, "filter", "search"))] if text else []


def _equals(column: sa.ColumnElement[Any], text: str, name: str) -> sa.ColumnElement[bool]:
    if len(text) > MAX_DESCRIPTION:
        raise bad_input(sized(name, 0, MAX_DESCRIPTION, len(text)), "filter", name)
    return sa.and_(column == text)


def _like(key: sa.ColumnElement[Any], pattern: str, name: str) -> sa.ColumnElement[bool]:
    plain = pattern.replace("\\\\", "")
    if plain.endswith("\\"):
        raise bad_input(f"{name} cannot end with a single backslash.", "filter", name)
    return key.like(folded(pattern, "filter", name), escape="\\")


def covers_public(query: EdgeQuery) -> bool:
    """Return whether the scope is what is public."""
    return query.arguments.get("scope") is StorageScope.PUBLIC


def covers_organisation(query: EdgeQuery) -> bool:
    """Return whether the scope is the whole organisation; raise `FORBIDDEN` unless a site admin."""
    if query.arguments.get("scope") is not StorageScope.ORGANISATION:
        return False
    if not query.viewer.administers_site:
        raise forbidden("scope: ORGANISATION requires the site role ADMIN.", "scope")
    return True
