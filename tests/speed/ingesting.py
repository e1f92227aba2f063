"""What registering objects of an S3 costs: CPU time of all processes but the store, and objects a second."""

import asyncio
import json
import secrets
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from gateway.database.migrate import migrate
from gateway.media import samples
from gateway.settings import Settings
from tests.fixtures.clouds import Bucket, bucket, create_integration
from tests.fixtures.commands import Command, external_site
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, send_files
from tests.processes import free_ports
from tests.servers import postgres, seaweedfs, with_prefix
from tests.speed.table import table, verdict
from tests.speed.usage import cpu_by_process, ended_cpu_seconds, postmaster_of

MOST_OBJECTS = 10_000
DIFFERENT = 50
GOAL = 1.5
"""Milliseconds of CPU per object."""
WORKERS = (0, 1, 2)
"""Numbers of `storegraph work` processes; without any, `serve` does their work."""
STATE = "query($u: UUID!) { uploadJob(uuid: $u) { status unitsDoneCount } }"


def measure_ingest(kind: str, count: int) -> str:
    """Return a table of what registering so many objects takes with each number of workers."""
    count = min(count, MOST_OBJECTS)
    rows, least = [], float("inf")
    with seaweedfs() as s3, bucket(s3) as customer:
        pictures = [samples.png(64, 48, seed) for seed in range(DIFFERENT)]
        with ThreadPoolExecutor(8) as threads:
            urls = list(threads.map(lambda n: customer.put(f"{n:05}.png", pictures[n % DIFFERENT]), range(count)))
        for workers in WORKERS:
            with started(kind, s3, customer, workers) as (settings, commands):
                seconds, used, parts = asyncio.run(_register(settings, commands, customer, urls))
            least = min(least, used / count)
            shares = ", ".join(f"{name} {part / count * 1000:.2f}" for name, part in sorted(parts.items()))
            rows.append([str(workers), f"{count / seconds:.0f}", f"{used / count * 1000:.2f}", shares])
    head = ["workers besides `serve`", "objects a second", "CPU ms per object", "of which"]
    return (
        f"{kind}, {count:,} objects\n\n{table(head, rows)}\n\nCPU ms per object: {verdict(least * 1000, GOAL, False)}."
    )


@contextmanager
def started(kind: str, s3: str, customer: Bucket, workers: int) -> Iterator[tuple[Settings, list[Command]]]:
    """Yield the settings of a new site, and its processes."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory()))
        port = str(free_ports(1)[0])
        more: dict[str, Any] = {"objects_url": with_prefix(s3, secrets.token_hex(4))} if kind == "postgres" else {}
        settings = Settings(
            data_dir=directory,
            database_url=f"sqlite:///{directory}/storegraph.db"
            if kind == "sqlite"
            else stack.enter_context(postgres()).create_database(),
            public_url=f"http://127.0.0.1:{port}",
            secret_key=secrets.token_hex(32),
            min_free_bytes=0,
            fetch_allowed=[customer.host],
            work_in_serve=not workers,
            **more,
        )
        migrate(str(settings.database_url))
        commands = [Command(settings, directory, "serve", "--port", port)]
        commands += [Command(settings, directory, "work") for _ in range(workers)]
        for command in commands:
            stack.enter_context(command)
        yield settings, commands


async def _register(
    settings: Settings, commands: list[Command], customer: Bucket, urls: list[str]
) -> tuple[float, float, dict[str, float]]:
    """Register the objects; return the seconds that took, and the CPU time in all and by kind of process."""
    async with external_site(settings, commands[0]) as site:
        integration, folder = await create_integration(site, customer), await site.folder("registered")
        manifest = json.dumps({"images": [{"objectUrl": url} for url in urls]}).encode()
        [uuid] = await send_files(site, folder, [File("objects.json", "PLAIN_TEXT", manifest)])
        await asyncio.sleep(1)
        before, begun = _usage(settings, commands), time.monotonic()
        wanted = {"folderUuid": folder, "manifest": {"placeholderUuid": uuid}, "integrationUuid": integration}
        payload = await site.done("startUploadJob", wanted, "uploadJob { uuid }")
        await _wait(site, payload["uploadJob"]["uuid"], len(urls))
        seconds, after = time.monotonic() - begun, _usage(settings, commands)
    parts = {name: used - before.get(name, 0.0) for name, used in after.items()}
    return seconds, sum(parts.values()), parts


async def _wait(site: Site, job: str, count: int) -> None:
    while (state := (await site.ask(STATE, {"u": job}))["uploadJob"])["status"] == "PENDING":
        await asyncio.sleep(0.5)
    if state != {"status": "DONE", "unitsDoneCount": count}:
        raise RuntimeError(state)


def _usage(settings: Settings, commands: list[Command]) -> dict[str, float]:
    """Return the CPU seconds of all processes so far, also those that have ended, by what they do."""
    used: defaultdict[str, float] = defaultdict(float)
    for command in commands:
        for pid, seconds in cpu_by_process(command.pid).items():
            words = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            child = next((word.rpartition(".")[2] for word in words if "_child" in word), "other")
            name = "gateway" if pid == command.pid else child
            used[name] += seconds
            used["probe_child" if name == "remote_child" else "other"] += ended_cpu_seconds(pid)
    url = str(settings.database_url)
    if url.startswith("postgres"):
        with psycopg.connect(url) as connection:
            postmaster = postmaster_of(connection.info.backend_pid)
        if postmaster:
            used["database"] = sum(cpu_by_process(postmaster).values()) + ended_cpu_seconds(postmaster)
    return used
