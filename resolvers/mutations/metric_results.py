"""Mutations that add results of tests to communities, and link items to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict
from uuid import UUID

import sqlalchemy as sa

from gateway.auth.metric_results import sees_scalar
from gateway.auth.visibility import sees_item
from gateway.catalog.metric_results import add_scalars, link_item, produce, submit
from gateway.catalog.rules.names import validate_name
from gateway.context import Context
from gateway.database.dialects import in_keys
from gateway.database.engine import Transaction
from gateway.errors import Path, not_found
from gateway.models.communities import communities
from gateway.models.items import ItemRecord, items
from gateway.models.metric_results import (
    metric_producers,
    metric_scalars,
    metric_trends,
)
from resolvers.id_lists import check_list_size
from resolvers.idempotency import run_once
from resolvers.inputs.metric_results import (
    AddMetricScalarsInput,
    ImportMetricResultsInput,
    LinkItemToMetricInput,
)
from resolvers.mutations.metric_values import (
    ReadScalar,
    numbers_in,
    read_scalar,
    text_of,
)
from resolvers.outcomes import Outcome
from resolvers.permissions import Permissions, requires
from resolvers.requirements import USER, VIEWER


class StoredScalars(TypedDict):
    """Data that is stored of a request with an idempotency key."""

    producer: str
    submission: str | None
    scalars: list[str]


class StoredLink(TypedDict):
    """Data that is stored of a link with an idempotency key."""

    link: str


@dataclass(frozen=True, slots=True)
class AddMetricScalarsOutcome(Outcome):
    """Outcome of `addMetricScalars`."""

    producer_uuid: UUID | None = None
    submission_uuid: UUID | None = None
    scalar_uuids: list[UUID] | None = None


@requires(USER.on_community("community_uuid"))
async def add_metric_scalars(
    context: Context, input: AddMetricScalarsInput, permissions: Permissions
) -> AddMetricScalarsOutcome:
    """Add 1 to 1,000 values to the metrics of a community.

    The producer, the submission and the trends are created as needed. If one of the values is
    refused, none is added.
    """
    check_list_size(input.scalars, "scalars")
    read = [
        read_scalar(entry, entry.metric_name, entry.value, "scalars", index)
        for index, entry in enumerate(input.scalars)
    ]
    stored = await _add(context, input, permissions, "addMetricScalars", read)
    return AddMetricScalarsOutcome(
        producer_uuid=UUID(stored["producer"]),
        submission_uuid=UUID(stored["submission"]) if stored["submission"] else None,
        scalar_uuids=[UUID(uuid) for uuid in stored["scalars"]],
    )


@dataclass(frozen=True, slots=True)
class ImportMetricResultsOutcome(Outcome):
    """Outcome of `importMetricResults`."""

    producer_uuid: UUID | None = None
    submission_uuid: UUID | None = None
    scalar_uuids: list[UUID] | None = None


@requires(USER.on_community("community_uuid"))
async def import_metric_results(
    context: Context, input: ImportMetricResultsInput, permissions: Permissions
) -> ImportMetricResultsOutcome:
    """Add the numbers in a JSON object, at most 1,000, to the metrics of a community.

    The producer, the submission and the trends are created as needed.
    """
    numbers = numbers_in(input.results, input.parent_keys)
    read = [read_scalar(input, name, value) for name, value in numbers.items()]
    stored = await _add(context, input, permissions, "importMetricResults", read)
    return ImportMetricResultsOutcome(
        producer_uuid=UUID(stored["producer"]),
        submission_uuid=UUID(stored["submission"]) if stored["submission"] else None,
        scalar_uuids=[UUID(uuid) for uuid in stored["scalars"]],
    )


@dataclass(frozen=True, slots=True)
class LinkItemToMetricOutcome(Outcome):
    """Outcome of `linkItemToMetric`."""

    link_uuid: UUID | None = None


@requires(USER.on_folder_of("scalar_uuid", "value"), VIEWER.on_item("item_uuid"))
async def link_item_to_metric(
    context: Context, input: LinkItemToMetricInput, permissions: Permissions
) -> LinkItemToMetricOutcome:
    """Link an item to a value of a metric, with a label that says what it is.

    The item is shown there to those who see it. The same link again changes nothing.
    """
    label = validate_name(input.label, "label")
    chosen = (
        sa.select(communities.c.folder_uuid)
        .join(metric_producers, metric_producers.c.community_uuid == communities.c.uuid)
        .join(metric_trends, metric_trends.c.producer_uuid == metric_producers.c.uuid)
        .join(metric_scalars, metric_scalars.c.trend_uuid == metric_trends.c.uuid)
        .where(metric_scalars.c.uuid == input.scalar_uuid, sees_scalar(context.viewer))
    )
    async with context.database.writing() as transaction:
        scalar = await transaction.first(chosen, sa.Row)
        if scalar is None:
            raise not_found("value", input.scalar_uuid, "scalarUuid")
        await permissions.check_folder_of(transaction, "scalar_uuid", scalar.folder_uuid)
        await permissions.check(transaction, "item_uuid")

        async def link() -> StoredLink:
            uuid = await link_item(transaction, input.scalar_uuid, input.item_uuid, label)
            return {"link": str(uuid)}

        stored = await run_once(context, transaction, "linkItemToMetric", input, link)
    return LinkItemToMetricOutcome(link_uuid=UUID(stored["link"]))


async def _add(
    context: Context,
    input: AddMetricScalarsInput | ImportMetricResultsInput,
    permissions: Permissions,
    mutation: str,
    read: Sequence[ReadScalar],
) -> StoredScalars:
    """Add values once for each idempotency key."""
    user, community = context.viewer.user_uuid, input.community_uuid
    name = validate_name(input.producer.display_name, "producer", "displayName")
    repository = input.producer.repository
    if repository is not None:
        text_of(repository, 2_000, "producer", "repository")
    title = input.submission.name if input.submission else None
    text_of(title, 1_000, "submission", "name")
    async with context.database.writing() as transaction:
        await permissions.check(transaction)
        await _check_items(context, transaction, read)

        async def add() -> StoredScalars:
            producer = await produce(transaction, community, name, repository)
            submission = None
            if input.submission:
                uuid, path = input.submission.uuid, ("submission", "uuid")
                submission = await submit(transaction, user, community, uuid, title or "", *path)
            scalars = [each.scalar for each in read]
            added = await add_scalars(transaction, user, producer, submission, scalars)
            return StoredScalars(
                producer=str(producer),
                submission=str(submission) if submission else None,
                scalars=[str(scalar) for scalar in added],
            )

        return await run_once(context, transaction, mutation, input, add)


async def _check_items(
    context: Context, transaction: Transaction, read: Sequence[ReadScalar]
) -> None:
    """Raise `NOT_FOUND` for the first item of a trend that the viewer cannot see."""
    named: dict[UUID, Path] = {}
    for each in read:
        for uuid, path in each.items:
            named.setdefault(uuid, path)
    if not named:
        return
    visible = sa.select(items.c.uuid).where(in_keys(items.c.uuid, named), sees_item(context.viewer))
    known = {row.uuid for row in await transaction.rows(visible, ItemRecord)}
    for uuid, path in named.items():
        if uuid not in known:
            raise not_found("item", uuid, *path)
