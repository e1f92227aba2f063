"""Contract of suspects: tasks of which workers died run one at a time, until they are given up."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.typing import EventDict

from gateway.database.engine import Database
from gateway.queues.base import ATTEMPTS, DEATHS, Queue
from gateway.queues.open import open_queue
from tests.contracts.queueing import LEASE, SILENCE, Calls, count_tasks, enqueue, until, until_queue_is_empty, working

pytestmark = pytest.mark.usefixtures("logged")

CHILD = """
import asyncio, os, signal, sys
from pathlib import Path
from gateway.database.engine import Database
from gateway.queues.open import open_queue
from gateway.queues.base import WorkerTimings

async def main(url, duration, tasks, begun):
    async def wait(**args):
        Path(begun).touch()
        await asyncio.Event().wait()
    async def kill(**args):
        os.kill(os.getpid(), signal.SIGKILL)
    queue = open_queue(Database(url), WorkerTimings(lease=float(duration), poll=0.05))
    functions = {"wait": wait, "kill": kill}
    tasks = {name: functions[name] for name in tasks.split(",")}
    await queue.run_tasks(tasks, concurrency=9, stop=asyncio.Event())

asyncio.run(main(*sys.argv[1:]))
"""


async def worker(database: Database, tasks: Sequence[str], begun: Path) -> asyncio.subprocess.Process:
    """Start a worker that waits in the task `wait`, and dies of the task `kill`."""
    url = database.url.render_as_string(hide_password=False)
    arguments = (url, str(LEASE.lease), ",".join(tasks), str(begun))
    return await asyncio.create_subprocess_exec(sys.executable, "-c", CHILD, *arguments)


async def killed_worker(database: Database, task: str, begun: Path) -> None:
    """Kill a worker while it runs tasks of this name."""
    child = await worker(database, [task], begun)
    try:
        await until(begun.exists)
        await asyncio.sleep(SILENCE)
    finally:
        child.kill()
        await child.wait()
        begun.unlink()


async def test_suspects_run_one_at_a_time_besides_other_tasks(database: Database, queue: Queue, tmp_path: Path) -> None:
    for number in range(4):
        await enqueue(database, queue, "wait", args={"number": number})
    await killed_worker(database, "wait", tmp_path / "begun")
    running, most, deaths = 0, 0, list[int]()

    async def suspect(**_args: Any) -> None:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        deaths.append(DEATHS.get())
        await asyncio.sleep(0.1)
        running -= 1

    others = Calls()
    async with working(queue, {"wait": suspect, "note": others}, concurrency=1):
        await until(lambda: running)
        await enqueue(database, queue, "note")
        await until(lambda: others)
        assert len(deaths) < 4
        await until_queue_is_empty(database)
    assert (deaths, most) == ([1] * 4, 1)


async def test_suspects_of_few_deaths_and_of_own_tasks_come_first(database: Database, queue: Queue) -> None:
    order = []

    async def note(**args: Any) -> None:
        order.append(args["name"])

    await enqueue(database, queue, "long", args={"name": "long"}, deaths=1)
    await enqueue(database, queue, "short", args={"name": "third"}, deaths=3)
    await enqueue(database, queue, "short", args={"name": "first"}, deaths=1)
    await enqueue(database, queue, "short", args={"name": "second"}, deaths=2)
    async with working(queue, {"short": note}, suspects={"short": note, "long": note}):
        await until(lambda: len(order) == 4)
    assert [name for name in order if name != "long"] == ["first", "second", "third"]
    if database.is_embedded:
        assert order[-1] == "long"


async def test_suspects_are_left_to_those_who_have_them(database: Database, queue: Queue) -> None:
    calls = Calls()
    await enqueue(database, queue, "note", deaths=1)
    async with working(queue, {"note": calls}, suspects={}):
        await asyncio.sleep(SILENCE)
        assert calls == []
    async with working(queue, {"note": calls}):
        await until(lambda: calls)


async def test_releases_and_failures_are_no_deaths(database: Database, queue: Queue) -> None:
    deaths = list[int]()

    async def fail_or_wait() -> None:
        deaths.append(DEATHS.get())
        if len(deaths) < 3:
            raise ConnectionError
        await asyncio.sleep(0 if len(deaths) > 3 else 600)

    queue = open_queue(database, replace(LEASE, grace=0.01))
    await enqueue(database, queue, "fail_or_wait")
    for count in (3, 4):
        async with working(queue, {"fail_or_wait": fail_or_wait}):
            await until(lambda: len(deaths) == count)  # noqa: B023 - called within the round
    assert deaths == [0] * 4
    assert await count_tasks(database) == 0


async def test_a_task_that_kills_all_its_workers_is_given_up(
    database: Database, queue: Queue, logged: list[EventDict]
) -> None:
    """Failures before do not count; a suspect still has all its attempts."""
    calls = Calls()
    await enqueue(database, queue, "kill", deaths=ATTEMPTS)
    async with working(queue, {"kill": calls}):
        await until(lambda: [line["event"] for line in logged] == ["task_failed"])
    [failure] = await queue.failures()
    assert "Abandoned" in failure.error
    assert calls == []
