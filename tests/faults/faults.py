"""Faults that happen to a fragile site. Each ends: what was stopped runs again."""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

from tests.faults.fragile_site import FragileSite, kill_child_of

Fault = Callable[[FragileSite, random.Random], Awaitable[bool]]
"""Lets something fail, and returns whether there was anything to fail."""
STEPS = (-3600, -60, -15, 15, 60, 3600)
"""Seconds by which clocks are wrong."""


async def kill_process(site: FragileSite, chance: random.Random) -> bool:
    """Kill a process of the gateway, and start it again after up to two seconds."""
    process = site.processes[chance.choice(sorted(site.processes))]
    process.kill()
    await asyncio.sleep(chance.choice((0, chance.uniform(0, 2))))
    process.begin()
    return True


async def freeze_process(site: FragileSite, chance: random.Random) -> bool:
    """Stop a process for longer than its leases last, and let it go on."""
    process = site.processes[chance.choice(sorted(site.processes))]
    process.signal(signal.SIGSTOP)
    await asyncio.sleep(chance.uniform(1, 2 * site.settings.lease_seconds))
    process.signal(signal.SIGCONT)
    return True


async def kill_reader(site: FragileSite, chance: random.Random) -> bool:
    """Kill one of the processes that read or encode media, as the kernel does if memory is short."""
    readers = site.readers()
    with suppress(ProcessLookupError):
        if readers:
            os.kill(chance.choice(readers), signal.SIGKILL)
            return True
    return False


async def restart_postgres(site: FragileSite, chance: random.Random) -> bool:
    """Stop PostgreSQL, at times without a checkpoint, and start it after up to six seconds."""
    if site.postgres:
        site.postgres.stop(chance.choice((None, signal.SIGQUIT)))
        await asyncio.sleep(chance.choice((0, chance.uniform(0, 6))))
        site.postgres.start()
    return site.postgres is not None


async def kill_postgres_process(site: FragileSite, _chance: random.Random) -> bool:
    """Kill the process of one connection: PostgreSQL ends all others, and recovers."""
    return site.postgres is not None and kill_child_of(site.postgres.pid, b"postgres: postgres")


async def restart_store(site: FragileSite, chance: random.Random) -> bool:
    """Stop the store, at times without its goodbye, and start it after up to ten seconds."""
    if site.store:
        site.store.stop(chance.choice((None, signal.SIGKILL)))
        await asyncio.sleep(chance.choice((0, chance.uniform(0, 10))))
        site.store.start()
    return site.store is not None


async def fill_disk(site: FragileSite, chance: random.Random) -> bool:
    """Leave little or nothing of the disk for some seconds, in which the server may be killed and started."""
    if site.disk:
        site.disk.fill(chance.choice((0, 8 << 10, 1 << 20)))
        await asyncio.sleep(chance.uniform(0.5, 3))
        if chance.random() < 0.3:
            await kill_process(site, chance)
        await asyncio.sleep(chance.uniform(0.5, 6))
        site.disk.empty()
    return site.disk is not None


async def step_clock(site: FragileSite, chance: random.Random) -> bool:
    """Step the clock of a process, and back after some seconds."""
    name = chance.choice(sorted(site.processes))
    site.step_clock(name, chance.choice(STEPS))
    await asyncio.sleep(chance.uniform(2, 12))
    site.step_clock(name, 0)
    return True


FAULTS: dict[Fault, int] = {
    kill_process: 5,
    freeze_process: 2,
    kill_reader: 5,
    restart_postgres: 3,
    kill_postgres_process: 2,
    restart_store: 3,
    step_clock: 2,
    fill_disk: 3,
}
"""All faults, with their weights."""
