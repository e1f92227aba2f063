"""Metrics of the process and its operations in the text format of Prometheus, for site admins."""

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

from gateway.auth.live_credential import LiveCredential
from gateway.error_texts import ADMIN_REQUIRED
from gateway.errors import DomainError, ErrorCode
from gateway.execution.error_bodies import error_body
from gateway.http.requests import request_id_of

Counts = Mapping[str, int]
STATUS = {ErrorCode.UNAUTHENTICATED: 401, ErrorCode.FORBIDDEN: 403}


class OperationCollector(Collector):
    """Counters of operations by outcome, and of those that no plan could answer by reason."""

    def __init__(self, outcomes: Counts, reasons: Counts) -> None:
        self._outcomes = outcomes
        self._reasons = reasons

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Yield the current counters."""
        outcomes = CounterMetricFamily(
            "storegraph_operations", "Operations by their outcome.", labels=["outcome"]
        )
        for outcome, count in self._outcomes.items():
            outcomes.add_metric([outcome], count)
        yield outcomes
        reasons = CounterMetricFamily(
            "storegraph_not_compiled", "Operations left to graphql-core.", labels=["reason"]
        )
        for reason, count in self._reasons.items():
            reasons.add_metric([reason], count)
        yield reasons


def metrics_route(
    authenticate: Callable[[str | None], Awaitable[LiveCredential]],
    outcomes: Counts,
    reasons: Counts,
) -> Route:
    """Return the route `/metrics`, which requires the credential of a site admin."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(OperationCollector(outcomes, reasons))

    async def metrics(request: Request) -> Response:
        try:
            credential = await authenticate(request.headers.get("authorization"))
            if not credential.viewer.is_site_admin:
                raise DomainError(ErrorCode.FORBIDDEN, ADMIN_REQUIRED)
        except DomainError as error:
            return JSONResponse(
                {"errors": [error_body(error, request_id_of(request))]}, STATUS[error.code]
            )
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Route("/metrics", metrics)
