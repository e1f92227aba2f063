"""Conditions on DICOM studies that a `DicomStudyFilter` stands for."""

import re
from typing import Any

import sqlalchemy as sa

from gateway.auth.dicom_visibility import sees_study
from gateway.auth.identity import sees_study_identity
from gateway.catalog.rules.dicom_values import check_date, check_uid
from gateway.database.dialects import in_keys
from gateway.database.searches import (
    folded_text,
    key_matches_pattern,
    matches_pattern,
    name_contains,
    part_of,
)
from gateway.error_texts import sized
from gateway.errors import bad_input
from gateway.execution.declarations import EdgeQuery
from gateway.models.base import fold
from gateway.models.dicom import dicom_series, dicom_studies, dicom_study_places
from resolvers.dicom_study_scopes import is_in_scope, is_visible
from resolvers.dicom_tag_matches import matching
from resolvers.inputs.dicom import DicomDateRange, DicomStudyFilter

Condition = sa.ColumnElement[bool]
MAX_TEXT, MAX_UIDS, MAX_MODALITIES = 1000, 1000, 100
_GROUPS = (1, 2, 3)
_INDEXED = 3
"""Characters that an index of names needs."""

_places = dicom_study_places.c
_others = dicom_study_places.alias()


def study_conditions(query: EdgeQuery) -> list[Condition]:
    """Return the conditions on places of studies: each study has one that meets them all."""
    return [is_in_scope(query, _places.folder_uuid), *conditions_in_chosen_folders(query)]


def conditions_in_chosen_folders(query: EdgeQuery) -> list[Condition]:
    """Return the conditions on places of which it is known that their folders are in scope."""
    is_earlier = sa.exists().where(
        _others.c.study_uuid == _places.study_uuid,
        _others.c.folder_uuid < _places.folder_uuid,
        is_in_scope(query, _others.c.folder_uuid),
    )
    return [~is_earlier, *_filter_conditions(query)]


def leaves_most(query: EdgeQuery) -> bool:
    """Return whether a filter may leave most studies: it has no condition that an index serves."""
    filter: DicomStudyFilter = query.filter or DicomStudyFilter()
    return not (
        filter.study_uids is not None
        or _literal(filter.patient_id)
        or _literal(filter.accession_number)
        or filter.search
        or filter.tags
        or len(_longest_literal(filter.patient_name or "")) >= _INDEXED
    )


def dated_columns(filter: DicomStudyFilter | None) -> set[sa.ColumnElement[Any]]:
    """Return the columns of orders that cannot be null in studies that match a filter."""
    span = filter and filter.study_date
    return {_places.study_date} if span and (span.from_ or span.to) else set()


def bounds_of(query: EdgeQuery, column: sa.ColumnElement[Any]) -> list[Condition]:
    """Return the conditions of a filter on the column of an order."""
    filter: DicomStudyFilter = query.filter or DicomStudyFilter()
    if column is _places.study_date and filter.study_date:
        return _span_conditions(filter.study_date, column, "studyDate")
    if column is _places.created_at and filter.created_after:
        return [_places.created_at > filter.created_after]
    return []


def _literal(pattern: str | None) -> str:
    """Return what precedes the first wildcard of a pattern."""
    return re.split("[*?]", pattern or "", maxsplit=1)[0]


def _longest_literal(pattern: str) -> str:
    """Return the longest text in a component of a pattern of names."""
    return max(re.split("[*?=^]", pattern), key=len)


def _filter_conditions(query: EdgeQuery) -> list[Condition]:
    filter: DicomStudyFilter = query.filter or DicomStudyFilter()
    sees_identity = sees_study_identity(query.viewer, _places.study_uuid)
    conditions = [*_text_conditions(filter), *_date_conditions(filter)]
    if conditions:
        conditions.append(sees_identity)
    if filter.search:
        conditions.append(_is_found(_checked(filter.search, "search"), sees_identity))
    if filter.study_uids is not None:
        if len(filter.study_uids) > MAX_UIDS:
            message = sized("studyUids", 0, MAX_UIDS, len(filter.study_uids), "entries")
            raise bad_input(message, "filter", "studyUids")
        for number, uid in enumerate(filter.study_uids):
            check_uid(uid, "filter", "studyUids", number)
        conditions.append(in_keys(dicom_studies.c.study_uid, filter.study_uids))
    if filter.modalities:
        if len(filter.modalities) > MAX_MODALITIES:
            message = sized("modalities", 0, MAX_MODALITIES, len(filter.modalities), "entries")
            raise bad_input(message, "filter", "modalities")
        for number, modality in enumerate(filter.modalities):
            _checked(modality, "modalities", number)
        has_modality = sa.exists().where(
            dicom_series.c.study_uuid == _places.study_uuid,
            in_keys(dicom_series.c.modality, sorted(set(filter.modalities))),
            is_visible(query.viewer, dicom_series.c.folder_uuid),
        )
        conditions.append(has_modality)
    if filter.has_conflicts is not None:
        conflicts = _has_conflicts(query, sees_identity)
        conditions.append(conflicts if filter.has_conflicts else ~conflicts)
    if filter.created_after is not None:
        conditions.append(_places.created_at > filter.created_after)
    spans = query.prepared.tag_spans if query.prepared else ()
    return [*conditions, *matching(query.viewer, spans, _places.study_uuid, "study_uuid")]


def _text_conditions(filter: DicomStudyFilter) -> list[Condition]:
    """Return the conditions on texts and names that are set."""
    conditions = [
        key_matches_pattern(column, _checked(text, name))
        for text, column, name in (
            (filter.patient_id, dicom_studies.c.patient_id, "patientId"),
            (filter.patient_id_issuer, dicom_studies.c.patient_id_issuer, "patientIdIssuer"),
            (filter.accession_number, dicom_studies.c.accession_number, "accessionNumber"),
            (filter.study_id, dicom_studies.c.study_id, "studyId"),
        )
        if text is not None
    ]
    if filter.description is not None:
        pattern = _checked(filter.description, "description")
        conditions.append(matches_pattern(dicom_studies.c.description, pattern))
    if filter.patient_name is not None:
        pattern = fold(_checked(filter.patient_name, "patientName"))
        conditions.append(_name_matches(dicom_studies.c.name_key, pattern))
        conditions.extend(_with_literal(pattern))
    if filter.referring_physician_name is not None:
        pattern = fold(_checked(filter.referring_physician_name, "referringPhysicianName"))
        physician = folded_text(dicom_studies.c.referring_physician_name)
        conditions.append(_name_matches(physician, pattern))
    return conditions


def _is_found(text: str, sees_identity: Condition) -> Condition:
    """Return the condition that a search finds a study; masked ones are found by their UIDs."""
    pattern = fold(text)
    is_named = _name_matches(dicom_studies.c.name_key, f"*{pattern}*")
    ids = (dicom_studies.c.patient_id, dicom_studies.c.accession_number)
    by_identity = sa.or_(
        sa.and_(is_named, *_with_literal(pattern)), *(key_matches_pattern(id, text) for id in ids)
    )
    by_uid = key_matches_pattern(dicom_studies.c.study_uid, text)
    return sa.or_(sa.and_(by_identity, sees_identity), by_uid)


def _checked(text: str, name: str, *path: int) -> str:
    """Return a text of the filter; raise `BAD_USER_INPUT` if it is too long."""
    if len(text) > MAX_TEXT:
        raise bad_input(sized(name, 0, MAX_TEXT, len(text)), "filter", name, *path)
    return text


def _with_literal(pattern: str) -> list[Condition]:
    """Return the condition by which an index finds the names that a pattern can match."""
    literal = _longest_literal(pattern)
    return [name_contains(dicom_studies.c.name_key, literal)] if len(literal) >= _INDEXED else []


def _name_matches(name: sa.ColumnElement[Any], pattern: str) -> Condition:
    """Return the condition that a folded name matches a pattern.

    One group of the name has to match, or those that the pattern has if `=` divides it.
    """
    if not pattern:
        return name == ""
    if re.fullmatch(r"\*[^*?=^]+\*", pattern):
        # The text is in one component, if anywhere: the name need not be divided.
        return matches_pattern(name, pattern)
    if "=" not in pattern:
        return sa.or_(*(_group_matches(part_of(name, "=", number), pattern) for number in _GROUPS))
    wanted = enumerate(pattern.split("="), 1)
    groups = [(part_of(name, "=", number), each) for number, each in wanted if each]
    return sa.and_(sa.true(), *(_group_matches(group, each) for group, each in groups))


def _group_matches(group: sa.ColumnElement[str], pattern: str) -> Condition:
    """Return the condition that a group of a name matches a pattern, component by component.

    Components that the pattern lacks match any. A pattern without `^` matches the whole group,
    too, so that `*` in it covers several components.
    """
    components = pattern.rstrip("^").split("^")
    wanted = [
        matches_pattern(part_of(group, "^", number), component)
        for number, component in enumerate(components, 1)
        if component
    ]
    is_whole = [matches_pattern(group, pattern)] if len(components) == 1 else []
    return sa.and_(group != "", sa.or_(sa.and_(sa.true(), *wanted), *is_whole))


def _date_conditions(filter: DicomStudyFilter) -> list[Condition]:
    birth_date = dicom_studies.c.patient_birth_date
    return [
        *_span_conditions(filter.patient_birth_date, birth_date, "patientBirthDate"),
        *_span_conditions(filter.study_date, _places.study_date, "studyDate"),
    ]


def _span_conditions(
    span: DicomDateRange | None, column: sa.ColumnElement[Any], name: str
) -> list[Condition]:
    """Return the conditions of a range of dates; raise `BAD_USER_INPUT` for malformed ones."""
    conditions: list[Condition] = []
    if span and span.from_ is not None:
        conditions.append(column >= check_date(span.from_, "filter", name, "from"))
    if span and span.to is not None:
        conditions.append(column <= check_date(span.to, "filter", name, "to"))
    return conditions


def _has_conflicts(query: EdgeQuery, sees_identity: Condition) -> Condition:
    """Return the condition that tags of a study differ, or that others have its UID.

    The tags of a masked study never differ for the viewer.
    """
    other = dicom_studies.alias()
    tags_differ = sa.or_(
        _is_filled(dicom_studies.c.conflicts),
        sa.exists().where(
            dicom_series.c.study_uuid == _places.study_uuid,
            _is_filled(dicom_series.c.conflicts),
            is_visible(query.viewer, dicom_series.c.folder_uuid),
        ),
    )
    return sa.or_(
        sa.and_(tags_differ, sees_identity),
        sa.exists().where(
            other.c.root_folder_uuid == dicom_studies.c.root_folder_uuid,
            other.c.study_uid == dicom_studies.c.study_uid,
            other.c.uuid != dicom_studies.c.uuid,
            sees_study(query.viewer, other),
        ),
    )


def _is_filled(tags: sa.ColumnElement[Any]) -> Condition:
    """Return the condition that a list of tags has any."""
    return sa.cast(tags, sa.Text) != "[]"
