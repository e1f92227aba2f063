"""A running server and a browser for it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from tests.browser.chromium import Watched, chromium
from tests.fixtures.demo import DemoSite

FOLDER = 'mutation { createStorageFolder(input: {name: "Watched"}) { folder { uuid } } }'
OBJECT = '{ searchStorageItems(filter: {search: "Protocol.txt"}, first: 1) { nodes { url } } }'
START = """
mutation ($input: StartUploadJobInput!) {
  startUploadJob(input: $input) { uploadJob { uuid } userErrors { message } }
}
"""
UNITS = 1000
"""Ingesting this many takes seconds, with a commit every half second."""


@dataclass(frozen=True)
class LiveServer:
    """A running Storegraph."""

    url: str
    key: str
    start_job: Callable[[], str]
    """Start an upload job that has at least two states to send from now on, the last one DONE; return its UUID."""


@pytest.fixture
def live_server(demo_site: DemoSite) -> LiveServer:
    def start_job() -> str:
        folder = demo_site.ask(FOLDER)["createStorageFolder"]["folder"]["uuid"]
        url = demo_site.ask(OBJECT)["searchStorageItems"]["nodes"][0]["url"]
        wanted = {"folderUuid": folder, "items": {"text": [{"objectUrl": url}] * UNITS}}
        return str(demo_site.ask(START, {"input": wanted})["startUploadJob"]["uploadJob"]["uuid"])

    return LiveServer(demo_site.url, demo_site.key, start_job)


@pytest.fixture
async def browser() -> AsyncIterator[Watched]:
    async with chromium() as watched:
        yield watched
