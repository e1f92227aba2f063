"""The roof: schema, application and services joined, and served."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn

from gateway.app import create_app
from gateway.catalog.first_admin import create_first_admin
from gateway.context import Services
from gateway.database.migrate import is_current, migrate
from gateway.gc_tuning import relax_gc
from gateway.settings import NotConfigured, Settings
from gateway.tasks.worker import background_worker
from gateway.wiring import open_services, resolve_database_url
from schema.api import api

SECONDS_TO_END = 10
SECONDS_BEFORE_GIVING_WAY = 0.001
"""For so long a thread that works holds up the event loop; Python's own 5 ms are late replies where several work."""
Started = Callable[[Services, str | None], Awaitable[None]]
"""Called when the server answers, with the first admin's key if one was made just now."""


class Server(uvicorn.Server):
    """A server that ends when it is told to and lets what is around it end as well."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn's own would send the signal again at the end, and so kill what is not closed yet."""
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self.handle_exit, number, None)
        yield


async def serve(settings: Settings, host: str, port: int, started: Started) -> None:
    """Serve until told to stop; raises `NotConfigured` where the settings or the database do not allow it."""
    sys.setswitchinterval(SECONDS_BEFORE_GIVING_WAY)
    async with open_services(settings) as services:
        await _migrated(services)
        wanted = settings.admin_key.get_secret_value() if settings.admin_key else None
        key = await create_first_admin(services.database, wanted)
        server = Server(
            uvicorn.Config(
                create_app(api, services, background_worker if _works(services) else None),
                host=host,
                port=port,
                access_log=False,  # it would show the signatures of signed URLs
                log_config=None,
                ws_per_message_deflate=False,  # a compressor for each socket takes more memory than the rest of it
                timeout_graceful_shutdown=SECONDS_TO_END,
            )
        )
        watcher = asyncio.create_task(_when_started(server, lambda: started(services, key)))
        try:
            await server.serve()
        finally:
            watcher.cancel()  # what was begun then tidies up before the database closes
            await asyncio.wait([watcher], timeout=SECONDS_TO_END)


def _works(services: Services) -> bool:
    wanted = services.settings.work_in_serve
    return services.database.is_embedded if wanted is None else wanted


async def _migrated(services: Services) -> None:
    """An embedded database is brought up to date; another is its administrator's business."""
    address = resolve_database_url(services.settings)
    if services.database.is_embedded:
        await asyncio.to_thread(migrate, address)
    elif not await asyncio.to_thread(is_current, address):
        raise NotConfigured("The database is behind this version. Run: storegraph migrate")


async def _when_started(server: uvicorn.Server, started: Callable[[], Awaitable[None]]) -> None:
    while not server.started:
        await asyncio.sleep(0.02)
    relax_gc()
    await started()
