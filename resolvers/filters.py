"""The filters of lists as conditions on rows."""

from collections.abc import Callable, Sequence
from typing import Any

import sqlalchemy as sa

from gateway.auth.visibility import in_visible_folder, is_root, sees_dataset, sees_folder, sees_job
from gateway.catalog.rules.names import MAX_DESCRIPTION
from gateway.database.dialects import name_contains
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
    "What you were given, or, for admins of the site, all.",
)


def folder_conditions(asked: EdgeQuery) -> Conditions:
    """What a `StorageFolderFilter` asks of folders."""
    wanted = asked.filter
    if wanted is None:
        return []
    conditions = _named(asked, folders.c.name_key)
    if wanted.dataset_synced is not None:
        mirrored = sa.exists().where(datasets.c.backing_folder_uuid == folders.c.uuid)
        conditions.append(mirrored if wanted.dataset_synced else ~mirrored)
    return [*conditions, *_tagged(wanted.organisation_tags_all_of or [])]


def item_conditions(asked: EdgeQuery) -> Conditions:
    """What a `StorageItemFilter` asks of items; tombstones are left out unless it asks for them."""
    wanted: StorageItemFilter = asked.filter or StorageItemFilter()
    conditions = _named(asked, items.c.name_key) if asked.filter else []
    if wanted.item_types:
        conditions.append(items.c.item_type.in_(wanted.item_types))
    if wanted.is_in_dataset is not None:
        used = sa.exists().where(data_rows.c.item_uuid == items.c.uuid)
        conditions.append(used if wanted.is_in_dataset else ~used)
    if not wanted.include_tombstones:
        conditions.append(items.c.is_tombstone.is_(False))
    if not wanted.include_placeholders:
        conditions.append(items.c.is_placeholder.is_(False))
    return conditions


def required_search_conditions(asked: EdgeQuery) -> Conditions:
    """The same for searches across folders, which need a text or item types (SUB-001)."""
    if not asked.filter or not (asked.filter.search or asked.filter.item_types):
        raise bad_input("A search across folders needs a search text or item types.", "filter")
    return item_conditions(asked)


def item_search_conditions(asked: EdgeQuery) -> Conditions:
    """Items anywhere: those in folders that the viewer was given, or all of the organisation (ENC-QITEM-05)."""
    scoped = (
        [] if covers_organisation(asked) else [in_visible_folder(asked.viewer, items.c.folder_uuid)]
    )
    return [*required_search_conditions(asked), *scoped]


def folder_search_conditions(asked: EdgeQuery) -> Conditions:
    """Folders anywhere: those that the viewer was given, or all of the organisation."""
    scoped = [] if covers_organisation(asked) else [sees_folder(asked.viewer)]
    return [*folder_conditions(asked), *scoped]


def root_folder_conditions(asked: EdgeQuery) -> Conditions:
    """The topmost folders that the viewer was given, or all roots of the organisation (SUB-010)."""
    top = folders.c.parent_uuid.is_(None) if covers_organisation(asked) else is_root(asked.viewer)
    return [*folder_conditions(asked), top]


def dataset_conditions(asked: EdgeQuery) -> Conditions:
    """What a `DatasetFilter` asks of the datasets that the viewer was given, or of all of the organisation."""
    scoped = [] if covers_organisation(asked) else [sees_dataset(asked.viewer)]
    wanted: DatasetFilter = asked.filter or DatasetFilter()
    conditions: tuple[tuple[Any, Callable[[Any], sa.ColumnElement[bool]]], ...] = (
        (wanted.title_eq, lambda text: _equals(datasets.c.title, text, "titleEq")),
        (wanted.title_like, lambda text: _like(datasets.c.title_key, text, "titleLike")),
        (
            wanted.description_eq,
            lambda text: _equals(datasets.c.description, text, "descriptionEq"),
        ),
        (
            wanted.description_like,
            lambda text: _like(datasets.c.description_key, text, "descriptionLike"),
        ),
        (wanted.created_before, lambda moment: datasets.c.created_at < moment),
        (wanted.created_after, lambda moment: datasets.c.created_at > moment),
        (wanted.edited_before, lambda moment: datasets.c.last_edited_at < moment),
        (wanted.edited_after, lambda moment: datasets.c.last_edited_at > moment),
    )
    return [*scoped, *(condition(value) for value, condition in conditions if value is not None)]


def job_conditions(asked: EdgeQuery) -> Conditions:
    """The upload jobs that the viewer may watch."""
    return [sees_job(asked.viewer)]


def name_condition(column: sa.ColumnElement[Any], name: str = "search") -> Any:
    """A condition from a plain `search` argument on a column of folded names."""

    def conditions(asked: EdgeQuery) -> Sequence[sa.ColumnElement[bool]]:
        text = asked.arguments.get(name)
        return [column.contains(_checked(text, name), autoescape=True)] if text else []

    return conditions


def _tagged(names: list[str]) -> Conditions:
    path = "filter", "organisationTagsAllOf"
    if len(names) > MAX_TAGS:
        raise bad_input(f"At most {MAX_TAGS} tags can be asked for at once.", *path)
    for place, name in enumerate(names):
        _checked(name, *path, place)
    having = sa.select(folder_tags.c.folder_uuid).join(
        organisation_tags, organisation_tags.c.uuid == folder_tags.c.tag_uuid
    )
    return [
        folders.c.uuid.in_(having.where(organisation_tags.c.name == name))
        for name in sorted(set(names))
    ]


def _named(asked: EdgeQuery, column: sa.ColumnElement[Any]) -> Conditions:
    text = asked.filter.search
    return [name_contains(column, _checked(text, "filter", "search"))] if text else []


def _equals(column: sa.ColumnElement[Any], text: str, name: str) -> sa.ColumnElement[bool]:
    if len(text) > MAX_DESCRIPTION:
        raise bad_input(
            f"A text that is looked for has at most {MAX_DESCRIPTION:,} characters.", "filter", name
        )
    return sa.and_(column == text)


def _like(key: sa.ColumnElement[Any], pattern: str, name: str) -> sa.ColumnElement[bool]:
    plain = pattern.replace("\\\\", "")
    if plain.endswith("\\"):
        raise bad_input("A pattern does not end with a single backslash.", "filter", name)
    return key.like(_checked(pattern, "filter", name), escape="\\")


def _checked(text: str, *path: str | int) -> str:
    if len(text) > MAX_SEARCH:
        raise bad_input(f"A search text has at most {MAX_SEARCH:,} characters.", *path)
    return fold(text)


def covers_organisation(asked: EdgeQuery) -> bool:
    """Whether everything is asked for, which raises `FORBIDDEN` for those who are no admins of the site."""
    if asked.arguments.get("scope") is not StorageScope.ORGANISATION:
        return False
    if not asked.viewer.is_site_admin:
        raise forbidden("Only admins of the site list the whole organisation.", "scope")
    return True
