"""Whether the process is alive, and whether it is ready: `/livez`, `/readyz` and `/healthz`."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from gateway.context import Services
from gateway.database.migrate import DatabaseVersion, database_version
from gateway.http.retrying import RETRY

CHECK_SECONDS = 2.0
"""Time in which a check must have a result."""
ABANDON_SECONDS = 15.0
"""Time after which a check that has no result yet is forgotten: its connection may be dead."""
CACHE_SECONDS = 1.0
"""How long a result is reused: probes from many sides cost no more than one."""
_UNCACHED = {"Cache-Control": "no-store"}

log = structlog.get_logger()


class NotReady(Exception):
    """Raised by a check, with the reason in words that anyone may read."""


class Readiness:
    """Checks what the process depends on: database, the version of that, store and disks.

    `warnings` returns what is amiss and does not keep the process from answering requests.
    """

    def __init__(self, services: Services, warnings: Callable[[], dict[str, str]]) -> None:
        self.warnings = warnings
        self._stopping = services.stopping

        async def check_disks() -> None:
            if low := services.disks.low:
                names = " and ".join(disk.name for disk in low)
                raise NotReady(
                    f"The disk of the {names} is nearly full: only deletions are accepted."
                )

        url = services.database.url.render_as_string(hide_password=False)
        self._checks = (
            _Check("database", lambda: asyncio.to_thread(_check_database, url)),
            _Check("store", services.store.check),
            _Check("disk", check_disks),
        )
        self._reasons: dict[str, str] = {}
        self._expires_at = 0.0
        self._lock = asyncio.Lock()

    async def reasons(self) -> dict[str, str]:
        """Return why the process is not ready, by what is amiss; empty if it is ready."""
        if self._stopping.is_set():
            return {"process": "The process is shutting down."}
        async with self._lock:
            if monotonic() >= self._expires_at:
                results = await asyncio.gather(*(check.reason() for check in self._checks))
                named = zip(self._checks, results, strict=True)
                self._note({check.name: reason for check, reason in named if reason})
        return self._reasons

    def _note(self, reasons: dict[str, str]) -> None:
        """Keep a result for a while, and log it if it differs from the one before."""
        if reasons != self._reasons:
            if reasons:
                log.warning("not_ready", **reasons)
            else:
                log.info("ready_again")
        self._reasons, self._expires_at = reasons, monotonic() + CACHE_SECONDS


class _Check:
    """One check, which runs at most once at a time, unless it takes very long."""

    def __init__(self, name: str, probe: Callable[[], Awaitable[None]]) -> None:
        self.name = name
        self._probe = probe
        self._running: asyncio.Future[None] | None = None
        self._began_at = 0.0

    async def reason(self) -> str | None:
        """Return why the check fails, or None if it succeeds."""
        if self._running is None or monotonic() - self._began_at > ABANDON_SECONDS:
            self._running, self._began_at = asyncio.ensure_future(self._probe()), monotonic()
        done, _ = await asyncio.wait([self._running], timeout=CHECK_SECONDS)
        if not done:
            return f"The {self.name} did not respond within {CHECK_SECONDS:g} s."
        error, self._running = self._running.exception(), None
        if error is None or isinstance(error, NotReady):
            return str(error) if error else None
        log.debug("check_failed", check=self.name, error=str(error))
        return f"The {self.name} cannot be reached."


def health_routes(readiness: Readiness) -> list[BaseRoute]:
    """Return the routes of health checks, which need no credential."""

    async def ready(_request: Request) -> Response:
        reasons = await readiness.reasons()
        content: dict[str, object] = {"status": "unavailable" if reasons else "ok"}
        if reasons:
            content["reasons"] = reasons
        if warnings := readiness.warnings():
            content["warnings"] = warnings
        if reasons:
            return JSONResponse(content, 503, headers=_UNCACHED | RETRY)
        return JSONResponse(content, headers=_UNCACHED)

    return [Route("/healthz", alive), Route("/livez", alive), Route("/readyz", ready)]


async def alive(_request: Request) -> Response:
    """Respond that the process runs."""
    return JSONResponse({"status": "ok"}, headers=_UNCACHED)


def _check_database(url: str) -> None:
    """Raise an exception unless the database responds and is of this version.

    It is asked on a connection of its own, so that busy pools do not make the process unready.
    """
    version = database_version(url)
    if version is not DatabaseVersion.CURRENT:
        raise NotReady(f"The database is {version.value} than this version of Storegraph.")
