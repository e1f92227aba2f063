"""The dashboard and the alerts name metrics that a site and a worker really report, with their labels."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.commands import Command
from tests.fixtures.logs import Log, logged_site
from tests.fixtures.metrics import Scrape, scrape
from tests.fixtures.sites import Site
from tests.fixtures.uploading import File, send_files, start_upload_job
from tests.house.sources import ROOT
from tests.processes import free_ports
from tests.transports.serving import socket_to

METRIC = re.compile(r"\b((?:storegraph|process)_\w+)(?:\{([^}]*)\})?")
GROUPED = re.compile(r"\b(?:by|on) \(([^)]*)\)")
OWN = {"instance", "le"}
"""Labels that Prometheus adds, and that of buckets."""


def expressions() -> Iterator[str]:
    """Yield all queries of the dashboard and of the alerts."""
    panels = json.loads((ROOT / "docs" / "grafana.json").read_text())["panels"]
    for panel in panels:
        yield from (target["expr"] for target in panel.get("targets", ()))
    yield from re.findall(r"expr: (.+)", (ROOT / "docs" / "alerts.yaml").read_text())


def missing(scrapes: list[Scrape]) -> set[tuple[str, str]]:
    """Return the metrics and labels that are queried, but that no scrape has."""
    absent = set()
    for expression in expressions():
        grouped = {label.strip() for labels in GROUPED.findall(expression) for label in labels.split(",")}
        for name, matchers in METRIC.findall(expression):
            labels = {*re.findall(r"(\w+)[=!]", matchers), *grouped} - OWN
            known = {label for each in scrapes for label in each.label_names(name)}
            if not any(each.find(name) for each in scrapes):
                absent.add((name, ""))
            absent |= {(name, label) for label in labels - known}
    return absent


async def test_every_metric_of_the_dashboard_exists(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The worker serves its own at its port, to admins only."""
    [port] = free_ports(1)
    more: dict[str, Any] = {"work_in_serve": False, "worker_port": port, "fetch_allowed": ["127.0.0.1:9"]}
    async with logged_site(request, tmp_path, "scaled", **more) as (site, _, _):
        with Command(site.services.settings, tmp_path, "work"):
            worker = Log(tmp_path / "work.log")
            await worker.line("process_started", command="work")
            await use(site, worker)
            url = f"http://127.0.0.1:{port}"
            assert (await site.client.get(f"{url}/metrics")).status_code == 401
            scrapes = [await scrape(site), await scrape(site, url)]
            assert missing(scrapes) == set()
            assert scrapes[1].value("storegraph_jobs_ended_total", kind="UPLOAD") == 1
            assert scrapes[0].value("storegraph_sockets", transport="websocket") == 0


async def use(site: Site, worker: Log) -> None:
    """Do something for every metric, so that each has values."""
    folder = await site.folder("used")
    placeholders = await send_files(site, folder, [File("b.png", "IMAGE", b"broken")])
    entries = {"images": [{"placeholderUuid": uuid} for uuid in placeholders]}
    job = await start_upload_job(site, folder, entries, ignoreErrors=True)
    await worker.line("job_ended", job=job)
    await site.body('query Refused { storageFolders(after: "x") { totalCount } __type(name: "User") { name } }')
    await site.body("{" + "a: __typename " + " ".join(f"b{number}: __typename" for number in range(40)) + "}")
    async with socket_to(f"{site.url.removeprefix('http://')}/graphql") as socket:
        await socket.initialise(site.headers()["Authorization"])
        await socket.subscribe("1", "{ __typename }")
        while (await socket.receive())["type"] != "complete":
            pass
        await socket.send_text("nonsense")
        assert (await socket.read_until_closed())[0] == 4400
    await site.client.get(f"{site.url}/graphql", headers={"Authorization": "Bearer wrong"})
    await failing_call(site)


async def failing_call(site: Site) -> None:
    """Let a cloud refuse what an integration asks it for, which counts as a failed call."""
    given: dict[str, Any] = {
        "title": "closed",
        "kind": "S3_COMPATIBLE",
        "endpoint": "http://127.0.0.1:9",
        "locations": ["s3://bucket/"],
        "credentials": {"accessKeyId": "x", "secretAccessKey": "y"},
    }
    assert await site.refused("createCloudIntegration", given)
