"""The statements of searches (QIDO-RS)."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from gateway.auth.visibility import Condition
from gateway.database.dialects import in_keys
from gateway.database.searches import folded_text, matches_pattern
from gateway.database.wildcards import matches_name
from gateway.dicom.profile import is_identifying
from gateway.dicomweb.attributes import ATTRIBUTES, Attribute, Matching, SearchLevel
from gateway.dicomweb.scope import Scope, Target
from gateway.dicomweb.search_parameters import EVERYTHING, Search, Span, Wanted
from gateway.models.dicom import dicom_instances, dicom_series, dicom_studies

_SERIES_OF_STUDY = dicom_series.join(
    dicom_studies, dicom_studies.c.uuid == dicom_series.c.study_uuid
)
_INSTANCES_OF_SERIES = dicom_instances.join(
    dicom_series, dicom_series.c.uuid == dicom_instances.c.series_uuid
).join(dicom_studies, dicom_studies.c.uuid == dicom_series.c.study_uuid)
_COLUMNS: Mapping[str, sa.Column[Any]] = {
    **{
        each.column: dicom_studies.c[each.column]
        for each in ATTRIBUTES
        if each.level is SearchLevel.STUDY and each.column
    },
    "modality": dicom_series.c.modality,
    "series_description": dicom_series.c.description,
    "body_part": dicom_series.c.body_part,
    "series_uid": dicom_series.c.series_uid,
    "series_number": dicom_series.c.number,
    "instance_number": dicom_instances.c.number,
    **{
        name: dicom_instances.c[name]
        for name in (
            "sop_class_uid",
            "sop_instance_uid",
            "transfer_syntax_uid",
            "frames",
            "rows",
            "columns",
        )
    },
}


def search_statement(
    scope: Scope, target: Target, search: Search, level: SearchLevel
) -> sa.Select[Any]:
    """Return the statement of a search. It selects one row more than the limit, if there is one.

    Rows have the columns of attributes, `study_uuid`, `shows_study` and, from series on,
    `shows_series`: whether the viewer sees what identifies patients in them.
    """
    matched = [
        wanted_condition(scope, attribute, wanted) for attribute, wanted in search.matches.items()
    ]
    build = {
        SearchLevel.STUDY: select_studies,
        SearchLevel.SERIES: select_series,
        SearchLevel.INSTANCE: select_instances,
    }[level]
    statement = build(scope, [*target.conditions(), *matched])
    return statement.limit(search.limit + 1).offset(search.offset)


def related_counts(scope: Scope, study_uuids: list[Any]) -> sa.Select[Any]:
    """Return the statement of how many series and instances of studies lie in the folder."""
    return (
        sa.select(
            dicom_series.c.study_uuid,
            sa.func.count(sa.distinct(dicom_series.c.series_uid)).label("series"),
            sa.cast(sa.func.sum(dicom_series.c.instances), sa.BigInteger).label("instances"),
        )
        .where(*_parts_of(scope, study_uuids))
        .group_by(dicom_series.c.study_uuid)
    )


def modalities(scope: Scope, study_uuids: list[Any]) -> sa.Select[Any]:
    """Return the statement of the modalities of studies in the folder."""
    columns = dicom_series.c.study_uuid, dicom_series.c.modality
    return (
        sa.select(*columns)
        .where(*_parts_of(scope, study_uuids), dicom_series.c.modality.is_not(None))
        .distinct()
        .order_by(*columns)
    )


def _parts_of(scope: Scope, study_uuids: list[Any]) -> list[Condition]:
    return [
        in_keys(dicom_series.c.study_uuid, study_uuids),
        dicom_series.c.instances > 0,
        scope.holds(dicom_series.c.folder_uuid),
    ]


def _study_columns(scope: Scope) -> list[sa.ColumnElement[Any]]:
    """Return the columns of the study, which rows of all levels have."""
    own = [
        _COLUMNS[each.column]
        for each in ATTRIBUTES
        if each.level is SearchLevel.STUDY and each.column is not None
    ]
    return [
        dicom_studies.c.uuid.label("study_uuid"),
        scope.shows_study().label("shows_study"),
        *own,
    ]


def select_studies(scope: Scope, conditions: list[Condition]) -> sa.Select[Any]:
    """Return the studies, newest first, those without a date last."""
    return (
        sa.select(*_study_columns(scope))
        .where(*scope.holds_study(), *conditions)
        .order_by(*_newest_first(scope))
    )


def select_series(scope: Scope, conditions: list[Condition]) -> sa.Select[Any]:
    """Return the series; one that lies in several folders is one row, of its earliest part."""
    whole = [dicom_series.c.study_uuid, dicom_series.c.series_uid]
    parts = (
        sa.select(
            dicom_series.c.uuid,
            sa.func.row_number()
            .over(partition_by=whole, order_by=dicom_series.c.uuid)
            .label("rank"),
            sa.func.sum(dicom_series.c.instances).over(partition_by=whole).label("instances"),
        )
        .select_from(_SERIES_OF_STUDY)
        .where(dicom_series.c.instances > 0, scope.holds(dicom_series.c.folder_uuid), *conditions)
        .subquery()
    )
    own = [
        _COLUMNS[name].label(name)
        for name in ("modality", "series_description", "body_part", "series_uid", "series_number")
    ]
    return (
        sa.select(
            *_study_columns(scope),
            *own,
            scope.shows_series().label("shows_series"),
            sa.cast(parts.c.instances, sa.BigInteger).label("instances"),
        )
        .select_from(_SERIES_OF_STUDY.join(parts, parts.c.uuid == dicom_series.c.uuid))
        .where(parts.c.rank == 1)
        .order_by(
            *_newest_first(scope),
            dicom_series.c.number.asc().nulls_last(),
            dicom_series.c.series_uid,
        )
    )


def select_instances(scope: Scope, conditions: list[Condition]) -> sa.Select[Any]:
    """Return the current instances, series by series, each by number."""
    own = [
        column.label(name)
        for name, column in _COLUMNS.items()
        if column.table is dicom_instances or name in ("series_uid", "modality")
    ]
    order = ("series_uuid", "number", "sop_instance_uid", "item_uuid")
    return (
        sa.select(
            dicom_instances.c.item_uuid,
            *_study_columns(scope),
            *own,
            *[_COLUMNS[n].label(n) for n in ("series_description", "body_part", "series_number")],
            scope.shows_series().label("shows_series"),
        )
        .select_from(_INSTANCES_OF_SERIES)
        .where(dicom_instances.c.is_current, scope.holds(dicom_series.c.folder_uuid), *conditions)
        .order_by(*[dicom_instances.c[name] for name in order])
    )


def _newest_first(scope: Scope) -> list[sa.ColumnElement[Any]]:
    """Return the order of studies; masked dates sort like missing ones."""
    day: sa.ColumnElement[Any] = dicom_studies.c.study_date
    if scope.has_masked:
        day = sa.case((scope.shows_study(), day))
    return [day.desc().nulls_last(), dicom_studies.c.uuid.desc()]


def wanted_condition(scope: Scope, attribute: Attribute, wanted: Wanted) -> Condition:
    """Return the condition that an attribute has one of the wanted values, and is not masked."""
    if attribute.column is None and wanted is not EVERYTHING:
        part = dicom_series.alias()
        return sa.exists().where(
            part.c.study_uuid == dicom_studies.c.uuid,
            part.c.instances > 0,
            scope.holds(part.c.folder_uuid),
            _any_text(part.c.modality, wanted),
        )
    if attribute.column is None or wanted is EVERYTHING:
        condition: Condition = sa.true()
    else:
        condition = matches_value(_COLUMNS[attribute.column], attribute.matching, wanted)
    if scope.has_masked and is_identifying(int(attribute.tag, 16)):
        shown = (
            scope.shows_study() if attribute.level is SearchLevel.STUDY else scope.shows_series()
        )
        return sa.and_(condition, shown)
    return condition


def matches_value(
    column: sa.ColumnElement[Any], matching: Matching | None, wanted: Wanted
) -> Condition:
    """Return the condition that a column has one of the wanted values."""
    if isinstance(wanted, Span):
        bounds = [column >= wanted.first] if wanted.first is not None else []
        if wanted.last is not None:
            bounds.append(column <= wanted.last)
        return sa.and_(*bounds)
    if isinstance(wanted, int):
        return column == wanted
    if matching is Matching.UID:
        return column.in_(wanted)
    if matching is not Matching.NAME:
        return _any_text(column, wanted)
    if column is dicom_studies.c.patient_name:
        return matches_name(dicom_studies.c.name_key, wanted[0])
    return matches_name(folded_text(column), wanted[0])


def _any_text(column: sa.ColumnElement[Any], wanted: Wanted) -> Condition:
    texts = wanted if not isinstance(wanted, Span | int) else ()
    return sa.or_(*[matches_pattern(column, text) for text in texts])
