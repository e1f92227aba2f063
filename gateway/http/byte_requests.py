"""Requests beside GraphQL that send or store bytes: their line in the log, and their errors."""

from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import ClassVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from gateway.auth.failed_credentials import TooManyFailures
from gateway.errors import DomainError, ErrorCode
from gateway.execution.error_bodies import error_body
from gateway.execution.rates import RateExceeded
from gateway.http.graphql import STATUS
from gateway.http.open_connections import TooManyOpen
from gateway.http.retrying import RETRY
from gateway.telemetry.operation_log import OK, OperationLog
from gateway.telemetry.tracing import OPERATION, OperationTrace

NOT_CACHED = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
"""Headers of responses that no cache may keep."""
_STATUS = {
    **STATUS,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.CONFLICT: 409,
    ErrorCode.LIMIT_EXCEEDED: 413,
}


class RefusedRequest(DomainError):
    """Raised for a request that is refused with a status that its code does not imply.

    Attributes:
        reason: what `extensions.reason` of the error is, if it has one.
    """

    status: ClassVar[int]
    headers: ClassVar[Mapping[str, str]] = {}
    reason: ClassVar[str | None] = None

    def __init__(self, message: str, code: ErrorCode = ErrorCode.BAD_REQUEST) -> None:
        super().__init__(code, message)


Respond = Callable[[Request, str], Awaitable[Response]]
"""Answers a request, given its id."""


async def answer_logged(
    request: Request, log: OperationLog, executor: str, trace: OperationTrace, respond: Respond
) -> Response:
    """Respond to a request and log it; all errors are JSON.

    Args:
        executor: what the log and the metrics name as the executor of the operation.
    """
    OPERATION.set(trace)
    started, status = perf_counter(), "cancelled"
    try:
        response = await respond(request, trace.request_id)
        status = OK
    except ClientDisconnect:
        return Response(status_code=400)  # which nobody reads
    except Exception as error:
        status = "refused"
        response = _failure_response(request, error, trace.request_id)
    finally:
        log.record(trace, seconds=perf_counter() - started, status=status, executor=executor)
    response.headers["x-request-id"] = trace.request_id
    return response


def _failure_response(request: Request, error: Exception, request_id: str) -> Response:
    body = error_body(error, request_id)
    status, headers = _STATUS.get(body["extensions"]["code"], 400), {}
    if isinstance(error, RefusedRequest):
        status, headers = error.status, dict(error.headers)
        if error.reason:
            body["extensions"]["reason"] = error.reason
    elif isinstance(error, TooManyFailures | RateExceeded | TooManyOpen):
        status, headers = 429, {"retry-after": str(error.retry_after)}
    elif status == 401:
        has_one = "authorization" in request.headers
        headers = {"www-authenticate": 'Bearer error="invalid_token"' if has_one else "Bearer"}
    elif status == 503:
        headers = dict(RETRY)
    return JSONResponse({"errors": [body]}, status, {**NOT_CACHED, **headers})
