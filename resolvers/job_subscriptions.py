"""Jobs are watched: the present state, then each change, at most ten a second and the last always."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Annotated, Any
from uuid import UUID

import strawberry

from gateway.context import Context
from gateway.errors import not_found
from gateway.events.streams import Event
from gateway.execution.declarations import ToOne
from gateway.execution.loader_resolvers import find_row

BETWEEN_STATES = 0.1
"""Seconds between two states of a job: at most ten a second."""
RECHECK_SECONDS = 3.0
"""After so many seconds without an event the state is read anyway: a lost event costs delay only."""


@dataclass(frozen=True, slots=True)
class WatchedJob:
    """A kind of jobs: what to call one, how it is found, under which topic it is told, and when it has ended."""

    noun: str
    edge: ToOne
    topic_of: Callable[[UUID], str]
    terminal: Collection[StrEnum]


Follow = Callable[..., AsyncGenerator[Event]]


def job_subscription(kind: WatchedJob, description: str) -> Follow:
    """What a subscription to one job of a kind is answered by; `NOT_FOUND` if the job cannot be seen."""

    async def follow(
        context: Context,
        *,
        uuid: Annotated[UUID, strawberry.argument(description=f"The {kind.noun}.")],
        after: Annotated[
            int | None,
            strawberry.argument(
                description="A sequence number that the client has seen: nothing is sent before a later one."
            ),
        ] = None,
    ) -> AsyncGenerator[Event]:
        seen = after if after is not None else -1
        key = kind.noun, uuid, context.viewer
        async with context.services.streams.follow(
            key, partial(_states, context.afresh(), kind, uuid)
        ) as stream:
            first = Event(await _present(context.afresh(), kind, uuid))
            async with aclosing(stream.events(first)) as states:
                del first
                async for state in states:
                    if state.row.sequence > seen:
                        seen = state.row.sequence
                        yield state
                    if state.row.status in kind.terminal:
                        return
                    del state  # who waits holds nothing of his own

    follow.__doc__ = description
    return follow


async def _states(context: Context, kind: WatchedJob, uuid: UUID) -> AsyncGenerator[Any]:
    """A job as it is, and whenever it has changed, to its end."""
    seen = -1
    async with context.services.events.listen(kind.topic_of(uuid)) as changes:
        while True:
            job = await _present(context.afresh(), kind, uuid)
            if job.sequence > seen:
                seen = job.sequence
                yield job
            if job.status in kind.terminal:
                return
            await asyncio.sleep(BETWEEN_STATES)
            await changes.wait(RECHECK_SECONDS)


async def _present(context: Context, kind: WatchedJob, uuid: UUID) -> Any:
    job = await find_row(context, kind.edge, uuid)
    if job is None:
        raise not_found(kind.noun, "uuid")
    return job
