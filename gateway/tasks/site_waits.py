"""Waiting for the end of faults of the site, and showing that jobs do."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any
from uuid import UUID

from gateway.catalog.job_waits import end_store_waits, show_store_waits, show_wait
from gateway.context import Services
from gateway.database.outages import log_failure
from gateway.kinds.enums import JobWait
from gateway.queues.base import Task, WorkerTimings
from gateway.site_faults import find_site_fault

SHOW_SECONDS = 1.0
"""Interval at which a worker looks whether there is anything to show."""


def waiting_visibly(services: Services, function: Task) -> Task:
    """Return the function of a task whose job, if it has one, shows what it waits for."""

    async def run(**args: Any) -> None:
        try:
            await function(**args)
        except Exception as error:
            fault, job = find_site_fault(error), args.get("job")
            if fault and job:
                await show_wait(services, UUID(hex=job), fault)
            raise

    return run


async def outlast_faults(
    services: Services, job_uuid: UUID, call: Callable[[], Awaitable[None]]
) -> None:
    """Call a function until it meets no fault of the site, for results that were hard to get.

    Raises:
        Exception: the function met something else, or the job has ended meanwhile.
    """
    waits = 0
    while True:
        try:
            return await call()
        except Exception as error:
            fault = find_site_fault(error)
            if fault is None or not await show_wait(services, job_uuid, fault):
                raise
            delay = WorkerTimings().delay_after(fault, waits)
        waits += 1
        await asyncio.sleep(delay.total_seconds())


async def follow_store(services: Services, stop: asyncio.Event) -> None:
    """Show which jobs wait while the store is away or a disk is full, and later that they do not.

    Another worker, or this one before it was killed, may have left some that show it.
    """
    has_shown = True
    while not stop.is_set():
        try:
            fault = services.watches.store.fault
            if fault or services.disks.low:
                has_shown = True
                await show_store_waits(services, fault.wait if fault else JobWait.STORE)
            elif has_shown:
                await end_store_waits(services)
                has_shown = False
        except Exception as error:
            log_failure("waits_not_shown", error)
        with suppress(TimeoutError):
            async with asyncio.timeout(SHOW_SECONDS):
                await stop.wait()
