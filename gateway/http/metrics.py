"""What operators watch, for admins of the site: the process and its operations, in the text format of Prometheus."""

from collections.abc import Awaitable, Callable, Iterator, Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.auth.viewer import Viewer
from gateway.errors import DomainError, ErrorCode
from gateway.execution.failures import describe
from gateway.http.requests import request_id_of

Counts = Mapping[str, int]
STATUS = {ErrorCode.UNAUTHENTICATED: 401, ErrorCode.FORBIDDEN: 403}


class OperationCollector(Collector):
    """How many operations were answered by their plans, and why others were not."""

    def __init__(self, counted: Counts, reasons: Counts) -> None:
        self._counted = counted
        self._reasons = reasons

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The counters as they are."""
        outcomes = CounterMetricFamily(
            "storegraph_operations", "Operations by their outcome.", labels=["outcome"]
        )
        for outcome, count in self._counted.items():
            outcomes.add_metric([outcome], count)
        yield outcomes
        reasons = CounterMetricFamily(
            "storegraph_not_compiled", "Operations left to graphql-core.", labels=["reason"]
        )
        for reason, count in self._reasons.items():
            reasons.add_metric([reason], count)
        yield reasons


def metrics_route(
    authenticate: Callable[[str | None], Awaitable[Viewer]], counted: Counts, reasons: Counts
) -> Route:
    """`/metrics`, with the credential of an admin."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(OperationCollector(counted, reasons))

    async def metrics(request: Request) -> Response:
        try:
            viewer = await authenticate(request.headers.get("authorization"))
            if not viewer.is_site_admin:
                raise DomainError(ErrorCode.FORBIDDEN, "Metrics are for admins of the site.")
        except DomainError as error:
            return JSONResponse(
                {"errors": [describe(error, request_id_of(request))]}, STATUS[error.code]
            )
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Route("/metrics", metrics)
