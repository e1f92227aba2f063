"""A running server and a browser for it."""

import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from uuid import uuid4

import pytest
import uvicorn

from tests.browser.chromium import Watched, chromium
from tests.browser.toy import KEY, toy


@dataclass(frozen=True)
class LiveServer:
    """A running Storegraph."""

    url: str
    key: str
    start_job: Callable[[], str]
    """Starts an upload job that has at least two states to send from now on, the last one DONE; gives its uuid."""


@pytest.fixture(scope="session")
def live_server() -> Iterator[LiveServer]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(toy(), log_level="warning", ws="websockets-sansio"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield LiveServer(f"http://127.0.0.1:{listener.getsockname()[1]}", KEY, lambda: str(uuid4()))
        server.should_exit = True
        thread.join()


@pytest.fixture
async def browser() -> AsyncIterator[Watched]:
    async with chromium() as watched:
        yield watched
