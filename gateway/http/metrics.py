"""Metrics of the process in the text format of Prometheus, for site admins."""

from collections.abc import Awaitable, Callable, Iterator

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.auth.live_credential import LiveCredential
from gateway.auth.scopes import check_scopes
from gateway.catalog.site_gauges import SiteGauges
from gateway.error_texts import ADMIN_REQUIRED
from gateway.errors import DomainError, ErrorCode
from gateway.execution.error_bodies import error_body
from gateway.http.requests import request_id_of
from gateway.http.retrying import RETRY
from gateway.kinds.enums import ApiKeyScope
from gateway.telemetry.meters import Family
from gateway.telemetry.metrics import METERS

STATUS = {
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.LIMIT_EXCEEDED: 429,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.INSUFFICIENT_STORAGE: 507,
}


class MeterCollector(Collector):
    """The meters of the process, and gauges of the site, which are read before."""

    def __init__(self) -> None:
        self.gauges: list[GaugeMetricFamily] = []

    def collect(self) -> Iterator[Family]:
        """Yield their current values."""
        for meter in METERS:
            yield meter.collect()
        yield from self.gauges


def metrics_route(
    authenticate: Callable[[str | None], Awaitable[LiveCredential]], site: SiteGauges
) -> Route:
    """Return the route `/metrics`, which requires the credential of a site admin."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    collector = MeterCollector()
    registry.register(collector)

    async def metrics(request: Request) -> Response:
        try:
            credential = await authenticate(request.headers.get("authorization"))
            if not credential.viewer.administers_site:
                raise DomainError(ErrorCode.FORBIDDEN, ADMIN_REQUIRED)
            check_scopes(credential.viewer, {ApiKeyScope.READ_DATA: "/metrics"})
            collector.gauges = await site.families()
        except Exception as error:
            body = error_body(error, request_id_of(request.headers.get("x-request-id")))
            status = STATUS.get(body["extensions"]["code"], 500)
            return JSONResponse({"errors": [body]}, status, RETRY if status == 503 else None)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Route("/metrics", metrics)
