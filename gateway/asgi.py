"""The server process: schema, application and services joined, and served."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from gateway.app import create_app
from gateway.catalog.first_admin import create_first_admin
from gateway.context import Services
from gateway.database.migrate import check_current, migrate
from gateway.gc_tuning import relax_gc
from gateway.http.server import SHUTDOWN_SECONDS, bind
from gateway.http.site_server import SiteServer
from gateway.settings import Settings
from gateway.stores.base import ObjectStore
from gateway.stores.s3 import S3Store
from gateway.tasks.worker import background_worker
from gateway.telemetry.process import observed_process
from gateway.web_addresses import is_reachable
from gateway.wiring import open_services, resolve_database_url
from resolvers.preset_conditions import read_filter
from schema.api import api

log = structlog.get_logger()
GIL_SWITCH_SECONDS = 0.001
"""Seconds for which a busy thread may hold up the event loop; Python's default is 5 ms."""
Started = Callable[[Services, str | None], Awaitable[None]]
"""Called when the server accepts requests, with the first admin's key if it was just created."""


async def serve(settings: Settings, host: str, port: int, started: Started) -> None:
    """Serve until the process is stopped by a signal.

    Raises:
        NotConfigured: the settings or the database do not allow it.
    """
    sys.setswitchinterval(GIL_SWITCH_SECONDS)
    async with open_services(settings) as opened:
        services = replace(opened, read_filter=read_filter)
        await _migrate_if_embedded(services)
        # Before the first admin is created, whose key is printed only once the server listens.
        listener = bind(host, port, "Choose another with --port.")
        _warn_if_unreachable(services.store)
        admin_key = settings.admin_key.get_secret_value() if settings.admin_key else None
        key = await create_first_admin(services.database, admin_key)
        works = settings.work_in_serve
        if works is None:
            works = services.database.is_embedded
        app = create_app(api, services, background_worker if works else None)
        server = SiteServer(app, services)

        async def report_start() -> None:
            while not server.started:
                await asyncio.sleep(0.02)
            relax_gc()
            await started(services, key)

        starting = asyncio.create_task(report_start())
        try:
            with observed_process("serve", settings, services.database.dialect):
                await server.serve(sockets=[listener])
        finally:
            # Whatever `started` has begun ends before the database is closed.
            starting.cancel()
            await asyncio.wait([starting], timeout=SHUTDOWN_SECONDS)


def _warn_if_unreachable(store: ObjectStore) -> None:
    """Log a warning if clients cannot use the URLs that are signed for them."""
    if not is_reachable(store.client_url):
        setting = "STOREGRAPH_PUBLIC_URL"
        if isinstance(store, S3Store):
            setting = "public_endpoint in STOREGRAPH_OBJECTS_URL"
        log.warning(
            "signed_urls_unreachable",
            begin_with=store.client_url,
            advice=f"No client can connect to this address: set {setting}.",
        )


async def _migrate_if_embedded(services: Services) -> None:
    """Migrate an embedded database; any other must be current, as administrators migrate it."""
    address = resolve_database_url(services.settings)
    if services.database.is_embedded:
        await asyncio.to_thread(migrate, address)
    else:
        await asyncio.to_thread(check_current, address)
