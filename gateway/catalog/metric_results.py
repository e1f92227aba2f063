"""Results of tests that communities keep: producers, trends and submissions are made as needed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

import orjson
import sqlalchemy as sa

from gateway.database.dialects import in_keys, upsert
from gateway.database.engine import Transaction
from gateway.errors import conflict
from gateway.ids import uuid7
from gateway.models.base import new_row
from gateway.models.metric_results import (
    MetricLinkRecord,
    MetricProducerRecord,
    MetricScalarRecord,
    MetricSubmissionRecord,
    MetricTrendRecord,
    metric_links,
    metric_producers,
    metric_scalars,
    metric_submissions,
    metric_trends,
)


class TrendKey(NamedTuple):
    """The values by which the trends of a producer are told apart."""

    metric_name: str
    unit: str
    config_item_uuid: UUID | None
    test_item_uuid: UUID | None
    truth_item_uuid: UUID | None

    @property
    def digest(self) -> str:
        """The digest under which the trend is found."""
        return hashlib.sha256(orjson.dumps([str(part or "") for part in self])).hexdigest()


@dataclass(frozen=True, slots=True)
class NewScalar:
    """A value to add to a trend, and its other columns."""

    trend: TrendKey
    columns: dict[str, Any]


async def produce(
    transaction: Transaction, community_uuid: UUID, display_name: str, repository: str | None
) -> UUID:
    """Return the producer of a community with a name, and create it if there is none.

    Args:
        repository: its new repository; None if that stays as it is.
    """
    row = new_row(
        MetricProducerRecord,
        community_uuid=community_uuid,
        display_name=display_name,
        repository=repository or "",
    )
    # Of two requests at the same time, the second waits here until the first has committed.
    insert = upsert(transaction.connection, metric_producers).values(row).on_conflict_do_nothing()
    await transaction.execute(insert)
    mine = sa.and_(
        metric_producers.c.community_uuid == community_uuid,
        metric_producers.c.display_name == display_name,
    )
    producer = await transaction.single(
        sa.select(metric_producers).where(mine), MetricProducerRecord
    )
    if repository is not None and producer.repository != repository:
        changed = sa.update(metric_producers).where(mine).values(repository=repository)
        await transaction.execute(changed)
    return producer.uuid


async def submit(
    transaction: Transaction,
    user_uuid: UUID,
    community_uuid: UUID,
    uuid: UUID | None,
    name: str,
    *path: str,
) -> UUID:
    """Return the submission with a UUID, and create it if there is none.

    Raises:
        DomainError: `CONFLICT` at `path`: a submission to another community has the UUID.
    """
    row = new_row(
        MetricSubmissionRecord,
        uuid=uuid or uuid7(),
        community_uuid=community_uuid,
        name=name,
        user_uuid=user_uuid,
    )
    insert = upsert(transaction.connection, metric_submissions).values(row)
    await transaction.execute(insert.on_conflict_do_nothing())
    chosen = sa.select(metric_submissions).where(metric_submissions.c.uuid == row["uuid"])
    submission = await transaction.single(chosen, MetricSubmissionRecord)
    if submission.community_uuid != community_uuid:
        raise conflict("Another submission has this UUID.", *path)
    return submission.uuid


async def add_scalars(
    transaction: Transaction,
    user_uuid: UUID,
    producer_uuid: UUID,
    submission_uuid: UUID | None,
    scalars: Sequence[NewScalar],
) -> list[UUID]:
    """Add values to the trends of a producer, which are created as needed; return their UUIDs."""
    trends = await _trends_of(transaction, producer_uuid, [each.trend for each in scalars])
    rows = [
        new_row(
            MetricScalarRecord,
            trend_uuid=trends[each.trend.digest],
            submission_uuid=submission_uuid,
            user_uuid=user_uuid,
            **each.columns,
        )
        for each in scalars
    ]
    if rows:
        await transaction.execute(sa.insert(metric_scalars), rows)
    return [row["uuid"] for row in rows]


async def link_item(
    transaction: Transaction, scalar_uuid: UUID, item_uuid: UUID, label: str
) -> UUID:
    """Link an item to a value, unless it is linked with this label already."""
    row = new_row(MetricLinkRecord, scalar_uuid=scalar_uuid, item_uuid=item_uuid, label=label)
    insert = upsert(transaction.connection, metric_links).values(row).on_conflict_do_nothing()
    await transaction.execute(insert)
    chosen = sa.select(metric_links).where(
        metric_links.c.scalar_uuid == scalar_uuid,
        metric_links.c.item_uuid == item_uuid,
        metric_links.c.label == label,
    )
    return (await transaction.single(chosen, MetricLinkRecord)).uuid


async def _trends_of(
    transaction: Transaction, producer_uuid: UUID, keys: Sequence[TrendKey]
) -> dict[str, UUID]:
    """Return the trends of a producer by their digests, and create those that are missing."""
    wanted = {key.digest: key for key in keys}
    rows = [
        new_row(
            MetricTrendRecord,
            producer_uuid=producer_uuid,
            digest=digest,
            **wanted[digest]._asdict(),
        )
        for digest in sorted(wanted)
    ]
    if rows:
        insert = upsert(transaction.connection, metric_trends).on_conflict_do_nothing()
        await transaction.execute(insert, rows)
    chosen = sa.select(metric_trends).where(
        metric_trends.c.producer_uuid == producer_uuid, in_keys(metric_trends.c.digest, wanted)
    )
    return {row.digest: row.uuid for row in await transaction.rows(chosen, MetricTrendRecord)}
