"""Rows that contradict others, which no reference of the database forbids, and their repair."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from gateway.catalog.ledger.former_places import number_places
from gateway.catalog.ledger.sequences import SequenceName, draw_numbers
from gateway.database.engine import Database, Transaction
from gateway.database.tree import ID_LENGTH
from gateway.maintenance.findings import Fault, Finding
from gateway.models.changes import FORMER_PENDING, former_places
from gateway.models.folders import folders
from gateway.models.metric_results import (
    metric_producers,
    metric_scalars,
    metric_submissions,
    metric_trends,
)


def last_id(path: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """Return the id of the folder that a path leads to."""
    return sa.func.substr(path, sa.func.length(path) - (ID_LENGTH - 1))


_WRONG = {
    Fault.FORMER_PLACE: sa.select(former_places.c.folder_uuid.label("uuid"))
    .join(folders, folders.c.uuid == former_places.c.folder_uuid)
    .where(
        sa.or_(
            former_places.c.sequence == FORMER_PENDING,
            last_id(former_places.c.path) != last_id(folders.c.path),
        )
    )
    .distinct(),
    Fault.METRIC: sa.select(metric_scalars.c.uuid)
    .join(metric_trends, metric_trends.c.uuid == metric_scalars.c.trend_uuid)
    .join(metric_producers, metric_producers.c.uuid == metric_trends.c.producer_uuid)
    .join(metric_submissions, metric_submissions.c.uuid == metric_scalars.c.submission_uuid)
    .where(metric_submissions.c.community_uuid != metric_producers.c.community_uuid),
}
"""Statements for the rows of each fault, by UUID."""


async def row_findings(database: Database) -> AsyncIterator[Finding]:
    """Yield the folders and values of metrics whose rows contradict others."""
    for fault, wrong in _WRONG.items():
        for row in await database.rows(wrong, sa.Row):
            yield Finding(fault, str(row.uuid))


async def repair_rows(transaction: Transaction, finding: Finding) -> None:
    """Repair what a folder or a value has; nobody sees more by this than before.

    A place of another folder becomes one that only those with a role on the folder itself saw.
    """
    uuid = UUID(finding.subject)
    if finding.fault is Fault.METRIC:
        changed = sa.update(metric_scalars).where(metric_scalars.c.uuid == uuid)
        await transaction.execute(changed.values(submission_uuid=None))
        return
    own = sa.select(last_id(folders.c.path)).where(folders.c.uuid == uuid).scalar_subquery()
    misplaced = former_places.c.folder_uuid == uuid, last_id(former_places.c.path) != own
    await transaction.execute(
        sa.update(former_places).where(*misplaced).values(path=own, is_public=False)
    )
    numbers = await draw_numbers(transaction, SequenceName.CHANGES, 1)
    await number_places(transaction, numbers.start)
