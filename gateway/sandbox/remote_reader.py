"""Reading of files at URLs in a process of its own, so that the gateway does not wait for them."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

import structlog

from gateway.errors import ErrorCode
from gateway.fetching.errors import AccessFault, FetchError
from gateway.kinds.item_kinds import StorageItemType
from gateway.kinds.media_facts import MediaFacts
from gateway.media.errors import MediaError
from gateway.sandbox.child_process import ChildKilled, ChildProcess
from gateway.sandbox.prober import ProbeLimits, facts_from

REMOTE_CHILD = "gateway.sandbox.remote_child"
NETWORK_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "RES_OPTIONS", "LOCALDOMAIN")
"""Variables that say how names are resolved, and whose certificates are trusted."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RemoteOptions:
    """Rules of fetching, as `FetchRules.parse` and `Fetcher` take it, and limits of reading."""

    ports: list[int]
    allowed: list[str]
    max_bytes: int
    seconds: float
    limits: ProbeLimits


class RemoteFacts(NamedTuple):
    """The facts of a file at a URL, and when it was last modified, if its server says so."""

    facts: MediaFacts
    last_modified: datetime | None


class RemoteReader:
    """Reads files at URLs in a child process, which starts with the first of them."""

    def __init__(self, options: RemoteOptions) -> None:
        self._options = options
        self._numbers = count()
        self._starting = asyncio.Lock()
        self._child: ChildProcess | None = None
        self._receiving: asyncio.Task[None] | None = None
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def read(
        self,
        url: str,
        item_type: StorageItemType | None,
        name: str,
        parsing: Mapping[str, Any] | None = None,
    ) -> RemoteFacts:
        """Return the facts of the file at a URL.

        Raises:
            FetchError: the file cannot be fetched.
            MediaError, ChildKilled, OSError: see `Prober.probe`.
            RuntimeError: the process crashed.
        """
        child = await self._running_child()
        number = next(self._numbers)
        future = self._answers[number] = asyncio.get_running_loop().create_future()
        file = {"url": url, "item_type": item_type, "name": name, "parsing": parsing}
        try:
            await child.send({"id": number, "file": file})
            answer = await future
        except asyncio.CancelledError:
            await asyncio.shield(child.send({"cancel": number}))
            raise
        finally:
            self._answers.pop(number, None)
        if "facts" not in answer:
            raise _error(answer)
        modified = answer["last_modified"]
        moment = datetime.fromisoformat(modified) if modified else None
        return RemoteFacts(facts_from(answer["facts"]), moment)

    async def close(self) -> None:
        """End the process."""
        async with self._starting:
            if self._child:
                await self._child.kill()
            if self._receiving:
                await self._receiving

    async def _running_child(self) -> ChildProcess:
        """Return the process, or a new one if it has died."""
        async with self._starting:
            if self._child is None or not self._child.is_running or self._receiving is None:
                child = await ChildProcess.start(REMOTE_CHILD, inherited=NETWORK_VARIABLES)
                await child.send(asdict(self._options))
                self._child, self._receiving = child, asyncio.create_task(self._receive(child))
            return self._child

    async def _receive(self, child: ChildProcess) -> None:
        """Pass on the answers of a process until it dies, which answers all other requests."""
        while True:
            match await child.receive():
                case {"id": number, **answer}:
                    future = self._answers.get(number)
                    if future and not future.done():
                        future.set_result(answer)
                case {"log": level, "event": event}:
                    getattr(log, level)(**event)
                case death:
                    break
        for future in self._answers.values():
            if not future.done():
                future.set_result({"killed_child": True} if "killed" in death else {})


def _error(answer: Mapping[str, Any]) -> Exception:
    """Return the error that an answer reports."""
    match answer:
        case {"access_fault": message, "code": code}:
            return AccessFault(ErrorCode(code), message)
        case {"fetch_error": message, "code": code}:
            return FetchError(ErrorCode(code), message)
        case {"media_error": message}:
            return MediaError(message)
        case {"killed_child": _}:
            return ChildKilled(had_file=True)
        case {"os_error": message, "errno": number}:
            return OSError(number, message)
    return RuntimeError(answer.get("crash", "The process that reads files at URLs crashed."))
