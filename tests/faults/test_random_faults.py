"""Random faults under load: nothing is lost, nothing happens twice, and subscribers miss nothing.

Environment variables: FAULT_MINUTES, 30 by default, and FAULT_SEED, which is printed.
"""

import asyncio
import os
import random
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from tests.faults.evidence import gather_evidence
from tests.faults.faults import FAULTS
from tests.faults.fragile_site import FragileSite, fragile_site
from tests.faults.invariants import come_to_rest
from tests.faults.load import LoadSpec, open_bucket
from tests.faults.persistent_client import PersistentClient
from tests.fixtures.clouds import Bucket
from tests.house.sources import ROOT
from tests.processes import launch_command

MINUTES = float(os.environ.get("FAULT_MINUTES", "30"))
SEED = int(os.environ.get("FAULT_SEED") or secrets.randbelow(10**6))
CLIENTS = 4
"""Processes of clients, of which one syncs a bucket."""
DOCUMENTS = {
    "storage": """subscription($root: UUID!, $after: BigInt!) { storageChanged(folderUuid: $root, recursive: true,
        after: $after) { latest changes { uuid } } }""",
    "jobs": "subscription($after: BigInt!) { jobsUpdated(after: $after) { latest jobs { uuid status sequence } } }",
}
RESUMED = {None, 1000, 1001, 1005, 1006, 1012, 1013, 1014}
"""Close codes after which clients of graphql-ws connect again by themselves."""


class Clients:
    """The processes of clients, and what they have written."""

    def __init__(self, site: FragileSite, root: str, directory: Path) -> None:
        self._site = site
        self._root = root
        self._directory = directory
        self.loads: list[subprocess.Popen[bytes]] = []
        self.subscribers: list[subprocess.Popen[bytes]] = []

    def start(self, chance: random.Random, bucket: dict[str, str]) -> None:
        """Start the clients."""
        for number in range(CLIENTS):
            spec: LoadSpec = {
                "url": self._site.url,
                "key": self._site.key,
                "root": self._root,
                "seed": chance.randrange(10**9),
                "log": str(self._directory / f"load-{number}.jsonl"),
                "bucket": None if number else bucket,
            }
            self.loads.append(self._run("load", orjson.dumps(spec).decode()))
        for name, document in DOCUMENTS.items():
            variables = orjson.dumps({"root": self._root} if name == "storage" else {}).decode()
            log = str(self._directory / f"{name}.jsonl")
            self.subscribers.append(self._run("subscriber", self._site.url, self._site.key, log, document, variables))

    def _run(self, module: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = launch_command([sys.executable, "-m", f"tests.faults.{module}", *arguments])
        with (self._directory / f"{module}.log").open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    def check(self) -> None:
        """Fail if a client has ended by itself."""
        for process in (*self.loads, *self.subscribers):
            assert process.poll() is None, (self._directory / "load.log").read_text()[-3000:]

    async def finish(self, seconds: float) -> None:
        """Let the load end what it has begun."""
        for process in self.loads:
            process.terminate()
        deadline = time.monotonic() + seconds
        while any(process.poll() is None for process in self.loads):
            assert time.monotonic() < deadline, f"clients do not come to an end: {self.surprises()}"
            await asyncio.sleep(0.2)
        assert [process.returncode for process in self.loads] == [0] * CLIENTS

    def kill(self) -> None:
        """Kill the clients."""
        for process in (*self.loads, *self.subscribers):
            process.kill()
            process.wait()

    def lines(self, pattern: str) -> Iterator[dict[str, Any]]:
        """Yield what clients have written to their files."""
        for file in sorted(self._directory.glob(pattern)):
            yield from map(orjson.loads, file.read_bytes().splitlines())

    def events(self, event: str) -> list[dict[str, Any]]:
        """Return the events of the load."""
        return [line for line in self.lines("load-*.jsonl") if line["event"] == event]

    def surprises(self) -> list[str]:
        """Return what should not have happened to clients."""
        ends = [line["ended"] for name in DOCUMENTS for line in self.lines(f"{name}.jsonl") if "ended" in line]
        fatal = [end for end in ends if end.get("code") not in RESUMED or "INTERNAL_SERVER_ERROR" in str(end)]
        return [str(each)[:1000] for each in (*self.events("surprise"), *fatal)]

    def received(self, name: str) -> list[dict[str, Any]]:
        """Return the events of a subscription."""
        return [line["next"] for line in self.lines(f"{name}.jsonl") if "next" in line]


@contextmanager
def running_clients(site: FragileSite, root: str, directory: Path) -> Iterator[Clients]:
    """Yield clients, and kill those that still run in the end."""
    clients = Clients(site, root, directory)
    try:
        yield clients
    finally:
        clients.kill()


async def let_things_fail(site: FragileSite, clients: Clients, chance: random.Random, minutes: float) -> Counter[str]:
    """Let one fault follow the other for so long, and return how often each happened."""
    counts: Counter[str] = Counter()
    end = time.monotonic() + minutes * 60
    while time.monotonic() < end:
        [fault] = chance.choices(list(FAULTS), list(FAULTS.values()))
        if not await fault(site, chance):
            await asyncio.sleep(0.1)
            continue
        counts[fault.__name__] += 1
        if chance.random() < 0.8:  # the next fault may also come while it recovers
            await asyncio.to_thread(site.wait_until_ready)
        await asyncio.sleep(chance.uniform(0.5, 6))
        clients.check()
        for process in site.processes.values():
            process.revive()
            process.check()
    return counts


async def prepare(site: FragileSite, customer: Bucket, directory: Path) -> tuple[str, dict[str, str]]:
    """Create the root that is followed, and below it a folder that mirrors a bucket."""
    client = PersistentClient(site.url, site.key, directory / "load-prepare.jsonl", random.Random(0))
    created = await client.mutate("createStorageFolder", {"name": "root"}, "folder { uuid }")
    integrate = "createCloudIntegration(input: $input) { integration { uuid } }"
    document = f"mutation($input: CreateCloudIntegrationInput!) {{ {integrate} }}"
    integrated = await client.ask(document, {"input": customer.input()})
    assert created and integrated
    root = created["folder"]["uuid"]
    integration = integrated["createCloudIntegration"]["integration"]["uuid"]
    link = {"integrationUuid": integration, "remoteUrl": f"{customer.url}/"}
    given = {"name": "mirror", "parentUuid": root, "cloudSync": link}
    linked = await client.mutate("createStorageFolder", given, "folder { uuid }")
    assert linked
    await client.close()
    keys = {"access_key": customer.access_key, "secret_key": customer.secret_key}
    return root, {"name": customer.name, "endpoint": customer.endpoint, "folder": linked["folder"]["uuid"], **keys}


@pytest.mark.long
@pytest.mark.timeout(MINUTES * 60 + 900)
async def test_faults_are_survived(backend: str, customer: Bucket, embedded_template: Path, tmp_path: Path) -> None:
    print(f"\n{backend}: seed {SEED}, {MINUTES} minutes")
    chance = random.Random(SEED)
    allowed = {"fetch_allowed": [customer.host]}
    with fragile_site(backend, embedded_template, tmp_path, **allowed) as site:
        root, bucket = await prepare(site, customer, tmp_path)
        with running_clients(site, root, tmp_path) as clients:
            clients.start(chance, bucket)
            counts = await let_things_fail(site, clients, chance, MINUTES)
            site.wait_until_ready()
            await clients.finish(180)
            await come_to_rest(site.violations, 120)
            await check_subscribers(site, clients, root)
            check_acknowledged(site, clients)
            check_mirror(site, bucket)
            assert clients.surprises() == []
            done = Counter(event["operation"] for event in clients.events("done"))
            print(f"{dict(counts)}; operations: {dict(done)}")
            print(f"{backend}: {counts.total()} faults survived")


async def check_subscribers(site: FragileSite, clients: Clients, root: str) -> None:
    """Wait until the subscribers have caught up, and compare what they received with the database."""
    with gather_evidence(site.readable()) as evidence:
        heads = {row["name"]: row["value"] for row in evidence.select("SELECT name, value FROM sequences")}
        tree = "SELECT folders.uuid FROM folders JOIN folders AS top ON folders.path LIKE top.path || '%'"
        within = set(evidence.column(f"{tree} WHERE top.uuid = '{UUID(root).hex}'"))
        places = evidence.select("SELECT change_uuid, folder_uuid, sequence FROM change_places")
        jobs = {row["uuid"]: row for row in evidence.select("SELECT uuid, status, sequence FROM jobs")}
    last = max(place["sequence"] for place in places if place["folder_uuid"] in within)
    async with asyncio.timeout(60):
        while int(clients.received("storage")[-1]["latest"]) < last:
            await asyncio.sleep(0.2)
        while int(clients.received("jobs")[-1]["latest"]) < max(row["sequence"] for row in jobs.values()):
            await asyncio.sleep(0.2)
    assert heads["changes"] >= last
    numbers = {place["change_uuid"]: place["sequence"] for place in places}
    history = [UUID(change["uuid"]).hex for event in clients.received("storage") for change in event["changes"]]
    sequence = [numbers[uuid] for uuid in history]
    assert sequence == sorted(set(sequence)), "a change was sent twice, or out of order"
    due = {place["change_uuid"] for place in places if place["folder_uuid"] in within}
    assert due - set(history) == set(), "changes were missed"
    check_job_events(clients.received("jobs"), jobs)


def check_job_events(events: list[dict[str, Any]], jobs: dict[str, dict[str, Any]]) -> None:
    """Each job grows only, and is sent exactly once as what it became in the end."""
    states: dict[str, list[tuple[int, str]]] = {}
    for event in events:
        for job in event["jobs"]:
            states.setdefault(UUID(job["uuid"]).hex, []).append((int(job["sequence"]), job["status"]))
    for uuid, sent in states.items():
        assert sent == sorted(set(sent)), f"job {uuid} was sent twice, or out of order: {sent}"
        ends = [state for state in sent if state[1] != "PENDING"]
        assert len(ends) <= 1, f"job {uuid} ended more than once: {ends}"
    for uuid, row in jobs.items():
        assert states.get(uuid, [None])[-1] == (row["sequence"], row["status"]), f"the end of job {uuid} was missed"


def check_acknowledged(site: FragileSite, clients: Clients) -> None:
    """Everything that clients were told was done is in the journal."""
    with gather_evidence(site.readable()) as evidence:
        rows = evidence.select("SELECT action, object_type, object_uuid FROM changes")
    journal = {(row["action"], row["object_type"], row["object_uuid"]) for row in rows}
    told = {
        (event["action"], event["object_type"], UUID(event["uuid"]).hex) for event in clients.events("acknowledged")
    }
    assert told - journal == set()


def check_mirror(site: FragileSite, bucket: dict[str, str]) -> None:
    """The mirror has exactly the objects that the bucket had at its last sync."""
    listed = open_bucket(bucket).list_objects_v2(Bucket=bucket["name"]).get("Contents", [])
    with gather_evidence(site.readable()) as evidence:
        mirrored = evidence.column("SELECT remote_key FROM items WHERE remote_key IS NOT NULL AND NOT is_tombstone")
    assert Counter(mirrored) == Counter(entry["Key"] for entry in listed)
