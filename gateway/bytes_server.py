"""The process that serves archives and DICOMweb, if files are in an S3-compatible store.

Gateways send no bytes of files, which would delay what else they answer.
"""

from gateway.app import create_bytes_app
from gateway.gc_tuning import relax_gc
from gateway.http.server import bind
from gateway.http.site_server import SiteServer
from gateway.settings import NotConfigured, Settings
from gateway.telemetry.process import observed_process
from gateway.wiring import open_current_services


async def serve_bytes(settings: Settings, host: str, port: int) -> None:
    """Serve until the process is stopped by a signal.

    Raises:
        NotConfigured: the settings or the database do not allow it.
    """
    if settings.dicomweb != "full" and not settings.bytes_url:
        raise NotConfigured(
            "STOREGRAPH_DICOMWEB: Expected full, or STOREGRAPH_BYTES_URL to be set for archives; "
            "otherwise there is nothing to serve."
        )
    async with open_current_services(settings) as services:
        if services.store.disk is not None:
            raise NotConfigured(
                "STOREGRAPH_OBJECTS_URL: Objects are on the local disk: `storegraph serve` serves "
                "their bytes."
            )
        listener = bind(host, port, "Choose another with --port.")
        server = SiteServer(create_bytes_app(services), services)
        relax_gc()
        with observed_process("bytes", settings, services.database.dialect):
            await server.serve(sockets=[listener])
