"""The health and the metrics of a worker, over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from gateway.auth.credentials import Authenticator
from gateway.catalog.site_gauges import SiteGauges
from gateway.clock_watch import ClockWatch
from gateway.context import Services
from gateway.http.health import Readiness, health_routes
from gateway.http.metrics import metrics_route
from gateway.http.server import Server, bind


@asynccontextmanager
async def worker_status(services: Services, clocks: ClockWatch) -> AsyncIterator[None]:
    """Serve health and metrics while the context lasts, if the settings name a port.

    Raises:
        NotConfigured: the port cannot be used.
    """
    settings = services.settings
    if settings.worker_port is None:
        yield
        return
    listener = bind(
        settings.worker_host,
        settings.worker_port,
        "Choose another with STOREGRAPH_WORKER_HOST and STOREGRAPH_WORKER_PORT.",
    )
    authenticate = Authenticator(services.database, settings)
    routes = [
        *health_routes(Readiness(services, clocks.warnings)),
        metrics_route(authenticate, SiteGauges(services.database, services.queue)),
    ]
    server = Server(Starlette(routes=routes), settings, lifespan="off")
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
