"""Series: rows that follow from their instances, and the instance that counts of each SOP UID."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger.dicom_studies import merge_headers
from gateway.catalog.ledger.row_edits import changed_values, set_columns
from gateway.clock import now
from gateway.database.dialects import in_keys, upsert
from gateway.database.engine import Transaction
from gateway.kinds.dicom_object import SERIES_TAGS
from gateway.models.base import new_row
from gateway.models.dicom import (
    DicomHeaderRecord,
    DicomSeriesRecord,
    dicom_headers,
    dicom_instances,
    dicom_series,
)
from gateway.models.items import items

_COLUMNS = {
    "modality": "modality",
    "series_number": "number",
    "series_description": "description",
    "body_part": "body_part",
}
"""The columns of the attributes in headers."""


class SeriesKey(NamedTuple):
    """The identity of a series, as far as it lies in one folder."""

    study_uuid: UUID
    folder_uuid: UUID
    series_uid: str


class SopKey(NamedTuple):
    """A SOP instance UID in a series."""

    series_uuid: UUID
    sop_instance_uid: str


class _VersionRow(NamedTuple):
    item_uuid: UUID
    series_uuid: UUID
    sop_instance_uid: str
    is_current: bool
    sha256: str | None


class HeaderTotals(NamedTuple):
    """The instances of a series with one header."""

    series_uuid: UUID
    header_digest: str
    first_item_uuid: UUID | None
    instances: int
    superseded: int
    frames: int
    file_size: int


async def ensure_series(
    transaction: Transaction, keys: Collection[SeriesKey]
) -> dict[SeriesKey, UUID]:
    """Return the series of locked studies, created where they are missing."""
    rows = [new_row(DicomSeriesRecord, **key._asdict()) for key in sorted(keys)]
    insert = upsert(transaction.connection, dicom_series).on_conflict_do_nothing()
    await transaction.execute(insert, rows)
    wanted = sa.select(dicom_series).where(
        in_keys(dicom_series.c.study_uuid, {key.study_uuid for key in keys}),
        in_keys(dicom_series.c.series_uid, {key.series_uid for key in keys}),
    )
    uuids = {
        SeriesKey(row.study_uuid, row.folder_uuid, row.series_uid): row.uuid
        for row in await transaction.rows(wanted, DicomSeriesRecord)
    }
    return {key: uuids[key] for key in keys}


async def refresh_series(transaction: Transaction, changed: Collection[SopKey]) -> None:
    """Derive series of locked studies from their instances again; those without any are deleted.

    Args:
        changed: the SOP instance UIDs of which an instance arrived, left or changed.
    """
    await _choose_current(transaction, changed)
    uuids = {key.series_uuid for key in changed}
    totals: dict[UUID, list[HeaderTotals]] = defaultdict(list)
    for row in await transaction.rows(header_totals(uuids), HeaderTotals):
        totals[row.series_uuid].append(row)
    if empty := uuids - totals.keys():
        await transaction.execute(
            sa.delete(dicom_series).where(in_keys(dicom_series.c.uuid, empty))
        )
    headers = await _keep_headers(transaction, totals)
    stored = await transaction.rows(
        sa.select(dicom_series).where(in_keys(dicom_series.c.uuid, totals)), DicomSeriesRecord
    )
    values = {row.uuid: _values(totals[row.uuid], headers[row.uuid]) for row in stored}
    edits = changed_values(values, {row.uuid: row for row in stored})
    moment = now()
    await set_columns(
        transaction,
        dicom_series,
        {uuid: {**new, "last_edited_at": moment} for uuid, new in edits.items()},
    )


async def _choose_current(transaction: Transaction, changed: Collection[SopKey]) -> None:
    """Mark, for each SOP instance UID of a series, the instance that counts.

    It is that of the latest content; of items with equal bytes, the earliest stands for all.
    """
    statement = (
        sa.select(
            dicom_instances.c.item_uuid,
            dicom_instances.c.series_uuid,
            dicom_instances.c.sop_instance_uid,
            dicom_instances.c.is_current,
            items.c.sha256,
        )
        .join(items, items.c.uuid == dicom_instances.c.item_uuid)
        .where(
            in_keys(dicom_instances.c.series_uuid, {key.series_uuid for key in changed}),
            in_keys(dicom_instances.c.sop_instance_uid, {key.sop_instance_uid for key in changed}),
            dicom_instances.c.is_live,
        )
        .order_by(dicom_instances.c.item_uuid)
    )
    rows = await transaction.rows(statement, _VersionRow)
    first_with: dict[tuple[SopKey, str], UUID] = {}
    current: dict[SopKey, UUID] = {}
    for row in rows:
        key = SopKey(row.series_uuid, row.sop_instance_uid)
        if row.sha256 is None or first_with.setdefault((key, row.sha256), row.item_uuid) == (
            row.item_uuid
        ):
            current[key] = row.item_uuid
    chosen = set(current.values())
    for is_current in (True, False):
        uuids = [
            row.item_uuid
            for row in rows
            if row.is_current is not is_current and (row.item_uuid in chosen) is is_current
        ]
        if uuids:
            mine = in_keys(dicom_instances.c.item_uuid, uuids)
            update = sa.update(dicom_instances).where(mine).values(is_current=is_current)
            await transaction.execute(update)


def header_totals(uuids: Collection[UUID]) -> sa.Select[Any]:
    """Select `HeaderTotals` of all headers of series, which an index alone has."""
    mine, first = dicom_instances, dicom_instances.alias()
    earliest = (
        sa.select(first.c.item_uuid)
        .where(
            first.c.series_uuid == mine.c.series_uuid,
            first.c.header_digest == mine.c.header_digest,
            first.c.is_live,
        )
        .order_by(first.c.item_uuid)
        .limit(1)
        .scalar_subquery()
    )
    is_superseded = mine.c.is_live & ~mine.c.is_current

    def total(condition: sa.ColumnElement[bool], value: Any) -> sa.ColumnElement[int]:
        return sa.cast(sa.func.coalesce(sa.func.sum(sa.case((condition, value))), 0), sa.BigInteger)

    return (
        sa.select(
            mine.c.series_uuid,
            mine.c.header_digest,
            earliest.label("first_item_uuid"),
            total(mine.c.is_current, 1).label("instances"),
            total(is_superseded, 1).label("superseded"),
            total(mine.c.is_current, mine.c.frames).label("frames"),
            total(mine.c.is_current, mine.c.file_size).label("file_size"),
        )
        .where(in_keys(mine.c.series_uuid, uuids))
        .group_by(mine.c.series_uuid, mine.c.header_digest)
    )


async def _keep_headers(
    transaction: Transaction, totals: Mapping[UUID, Sequence[HeaderTotals]]
) -> dict[UUID, list[tuple[UUID, dict[str, Any]]]]:
    """Keep the headers of series, and return their earliest items and attributes, by series.

    Headers that no instance has are deleted.
    """
    firsts = {
        (row.series_uuid, row.header_digest): row.first_item_uuid
        for rows in totals.values()
        for row in rows
    }
    stored = await transaction.rows(
        sa.select(dicom_headers).where(in_keys(dicom_headers.c.series_uuid, totals)),
        DicomHeaderRecord,
    )
    kept: dict[UUID, list[tuple[UUID, dict[str, Any]]]] = defaultdict(list)
    for row in stored:
        key = row.series_uuid, row.digest
        mine = (dicom_headers.c.series_uuid == key[0]) & (dicom_headers.c.digest == key[1])
        if key not in firsts:
            await transaction.execute(sa.delete(dicom_headers).where(mine))
            continue
        if row.first_item_uuid != firsts[key]:
            update = sa.update(dicom_headers).where(mine).values(first_item_uuid=firsts[key])
            await transaction.execute(update)
        if (first := firsts[key]) is not None:
            kept[row.series_uuid].append((first, row.attributes))
    return kept


def _values(
    totals: Sequence[HeaderTotals], headers: Sequence[tuple[UUID, dict[str, Any]]]
) -> dict[str, Any]:
    """Return the columns of a series; without headers, its attributes stay as they are."""
    counts = {
        name: sum(getattr(row, name) for row in totals)
        for name in ("instances", "superseded", "frames", "file_size")
    }
    if not headers:
        return counts
    attributes, conflicts = merge_headers(headers, SERIES_TAGS)
    return {
        **counts,
        **{_COLUMNS[name]: value for name, value in attributes.items()},
        "conflicts": conflicts,
    }
