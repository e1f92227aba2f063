"""Subscriptions to jobs: the current state first, then each change, up to the last one.

All subscribers of a viewer to the same job share one stream, which reads each state once.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from functools import partial
from typing import Annotated, cast
from uuid import UUID

import strawberry

from gateway.catalog.jobs import TERMINAL, job_topic
from gateway.context import Context
from gateway.database.outages import outlast
from gateway.errors import not_found
from gateway.events.streams import Event
from gateway.execution.declarations import ToOne
from gateway.execution.loader_resolvers import find_row
from gateway.models.jobs import JobRecord
from gateway.scalars import BigInt

STATE_INTERVAL_SECONDS = 0.1
"""Time between two states of a job: at most ten are sent per second."""
POLL_SECONDS = 3.0
"""Time after which the state is read without an event: a lost event only costs this delay."""


JobSubscription = Callable[..., AsyncGenerator[Event]]


def job_subscription(noun: str, edge: ToOne, description: str) -> JobSubscription:
    """Return the function behind a subscription to one job.

    It raises `NOT_FOUND` if the viewer cannot see the job.

    Args:
        noun: what errors call the job.
        edge: finds the job.
        description: the description of the field.
    """

    async def subscribe(
        context: Context,
        *,
        uuid: Annotated[UUID, strawberry.argument(description=f"UUID of the {noun}.")],
        after: Annotated[
            BigInt | None,
            strawberry.argument(
                description="Sequence number of a state that the client has. Only later states "
                "are sent."
            ),
        ] = None,
    ) -> AsyncGenerator[Event]:
        sequence = after if after is not None else -1
        key = noun, uuid, context.viewer
        async with context.services.streams.follow(
            key, partial(_states, context.afresh(), noun, edge, uuid)
        ) as stream:
            job = await outlast(lambda: _read_job(context.afresh(), noun, edge, uuid))
            first = Event(job)

            def is_passed_on(job: JobRecord) -> bool:
                return job.sequence > sequence  # after the last state, the stream ends

            async with aclosing(stream.events(first, is_passed_on)) as states:
                del first, job
                async for state in states:
                    if state.row.sequence > sequence:
                        sequence = state.row.sequence
                        yield state
                    if state.row.status in TERMINAL:
                        return
                    del state  # an idle subscriber keeps no row in memory

    subscribe.__doc__ = description
    return subscribe


async def _states(
    context: Context, noun: str, edge: ToOne, uuid: UUID
) -> AsyncGenerator[JobRecord]:
    """Yield the job as it is, and again after each change until it has ended."""
    sequence = -1
    async with context.services.events.listen(job_topic(uuid)) as changes:
        while True:
            job = await outlast(lambda: _read_job(context.afresh(), noun, edge, uuid))
            if job.sequence > sequence:
                sequence = job.sequence
                yield job
            if job.status in TERMINAL:
                return
            await asyncio.sleep(STATE_INTERVAL_SECONDS)
            await changes.wait(POLL_SECONDS)


async def _read_job(context: Context, noun: str, edge: ToOne, uuid: UUID) -> JobRecord:
    job = await find_row(context, edge, uuid)
    if job is None:
        raise not_found(noun, uuid, "uuid")
    return cast(JobRecord, job)
