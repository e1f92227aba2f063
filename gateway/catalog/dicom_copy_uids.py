"""UIDs of copied DICOM instances, which follow from those of the job's units alone.

So a unit that is repeated makes the same copy, and references lead to copies that are not made yet.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.dicom_units import UidRules
from gateway.database.dialects import in_keys
from gateway.database.engine import Database
from gateway.dicom.pseudonyms import Pseudonyms
from gateway.models.dicom import dicom_instances, dicom_series
from gateway.models.dicom_jobs import dicom_job_units

Sources = Mapping[str, set[int]]
"""The positions of the studies that have each UID."""


class _SourceRow(NamedTuple):
    uid: str
    source: int


class _UidRow(NamedTuple):
    uid: str


async def series_of_job(database: Database, job_uuid: UUID) -> Sources:
    """Return the series that are copied."""
    statement = (
        sa.select(dicom_job_units.c.series_uid.label("uid"), dicom_job_units.c.source)
        .where(dicom_job_units.c.job_uuid == job_uuid)
        .distinct()
    )
    return _grouped(await database.rows(statement, _SourceRow))


async def map_uids(
    database: Database,
    job_uuid: UUID,
    source: int,
    uids: Collection[str],
    series: Sources,
    rules: list[UidRules],
    into: UUID | None,
    secret: bytes,
) -> dict[str, str]:
    """Return the new UIDs of those in a file that change, which can belong to several studies.

    Args:
        source: the position of the file's study.
        uids: all UIDs in the file.
        series: see `series_of_job`.
        into: the study that the copies become a part of, unless they are a new one.
    """
    copied = sa.select(
        dicom_job_units.c.sop_instance_uid.label("uid"), dicom_job_units.c.source
    ).where(
        dicom_job_units.c.job_uuid == job_uuid, in_keys(dicom_job_units.c.sop_instance_uid, uids)
    )
    instances = _grouped(await database.rows(copied.distinct(), _SourceRow))
    taken = await _taken(database, job_uuid, into, instances) if into else set()
    pseudonyms = Pseudonyms(secret)
    studies = {rule["study_uid"]: rule["new_study_uid"] for rule in reversed(rules)}
    studies[rules[source]["study_uid"]] = rules[source]["new_study_uid"]
    changes: dict[str, str] = {}
    for uid in uids:
        if uid in instances:
            owner = _owner(instances[uid], source)
            collides = uid in taken or min(instances[uid]) < owner
            if rules[owner]["new_instance_uids"] or collides:
                changes[uid] = pseudonyms.uid(f"{owner}:{uid}")
        elif uid in series:
            owner = _owner(series[uid], source)
            if rules[owner]["new_series_uids"]:
                changes[uid] = pseudonyms.uid(f"{owner}:{uid}")
        elif studies.get(uid, uid) != uid:
            changes[uid] = studies[uid]
    return changes


async def _taken(
    database: Database, job_uuid: UUID, into: UUID, instances: Collection[str]
) -> set[str]:
    """Return the SOP instance UIDs that a study has, but for those of the job's own copies."""
    is_copy = sa.exists().where(
        dicom_job_units.c.copy_uuid == dicom_instances.c.item_uuid,
        dicom_job_units.c.job_uuid == job_uuid,
    )
    statement = (
        sa.select(dicom_instances.c.sop_instance_uid.label("uid"))
        .join(dicom_series, dicom_series.c.uuid == dicom_instances.c.series_uuid)
        .where(
            dicom_series.c.study_uuid == into,
            in_keys(dicom_instances.c.sop_instance_uid, instances),
            ~is_copy,
        )
    )
    return {row.uid for row in await database.rows(statement, _UidRow)}


def _owner(sources: set[int], source: int) -> int:
    """Return the study that a UID is taken to be of: that of the file, or else the first."""
    return source if source in sources else min(sources)


def _grouped(rows: Collection[_SourceRow]) -> dict[str, set[int]]:
    grouped: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        if row.uid is not None:
            grouped[row.uid].add(row.source)
    return grouped
