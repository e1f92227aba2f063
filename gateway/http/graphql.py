"""GraphQL over HTTP: queries and mutations, alone or in batches, with JSON responses.

Clients that prefer `text/event-stream` get the answers to any operation as events.
Follows the GraphQL-over-HTTP specification.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import orjson
from graphql import OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from gateway.auth.failed_credentials import TooManyFailures
from gateway.auth.live_credential import LiveCredential
from gateway.auth.viewer import Viewer
from gateway.errors import ErrorCode
from gateway.execution.answers import Answer
from gateway.execution.error_bodies import error_body
from gateway.execution.limits import LimitExceeded
from gateway.execution.operations import ONE_ANSWER, OperationNotAllowed, OperationRequest
from gateway.http.abandoned import EndingWithClient
from gateway.http.caching import cacheable
from gateway.http.compression import compressed
from gateway.http.graphql_service import GraphQLService
from gateway.http.messages import PROTOCOL
from gateway.http.negotiation import (
    EVENT_STREAM,
    GRAPHQL_JSON,
    HTML,
    JSON,
    parse_media_type,
    preferred,
)
from gateway.http.open_connections import OpenConnections
from gateway.http.requests import (
    MEMBERS,
    GraphQLRequest,
    HTTPRequestError,
    bad_request,
    body_members,
    operation_request,
    query_members,
    read_body,
    request_id_of,
)
from gateway.http.retrying import RETRY
from gateway.http.sse import EventStream
from gateway.http.websocket import GraphQLWebSocketEndpoint
from gateway.telemetry.metrics import SOCKETS

Page = Callable[[Request], Response]
OPERATIONS_BY_METHOD = {"GET": frozenset({OperationType.QUERY}), "POST": ONE_ANSWER}
STREAMED_BY_METHOD = {
    "GET": frozenset({OperationType.QUERY, OperationType.SUBSCRIPTION}),
    "POST": frozenset(OperationType),
}
STATUS = {
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.RATE_LIMITED: 429,
    ErrorCode.TIMEOUT: 504,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.COMMIT_UNKNOWN: 500,
    ErrorCode.INSUFFICIENT_STORAGE: 507,
    ErrorCode.INTERNAL_SERVER_ERROR: 500,
    ErrorCode.PERSISTED_QUERY_NOT_SUPPORTED: 200,  # as Apollo Server responds
    ErrorCode.PERSISTED_QUERY_NOT_FOUND: 200,
}
"""Status of a request that was not executed, by its error; 400 for all others."""
_CONTENT_TYPES = {name: f"{name}; charset=utf-8".encode() for name in (JSON, GRAPHQL_JSON)}


def graphql_routes(
    service: GraphQLService, path: str = "/graphql", page: Page | None = None
) -> list[BaseRoute]:
    """Return the routes for HTTP and WebSocket at `path`.

    `page` responds to browsers that open the path without a query.
    """
    connections = OpenConnections(service.limits.sockets_per_viewer)
    return [
        Route(path, GraphQLEndpoint(service, connections, page)),
        WebSocketRoute(path, GraphQLWebSocketEndpoint(service, connections)),
    ]


class GraphQLEndpoint:
    """ASGI application for the HTTP transport."""

    def __init__(
        self, service: GraphQLService, connections: OpenConnections, page: Page | None
    ) -> None:
        self._service = service
        self._connections = connections
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = GraphQLRequest(scope, receive)
        accept = request.header(b"accept")
        has_query = request.method != "GET" or not MEMBERS.keys().isdisjoint(request.query_params)
        if self._page and not has_query and preferred(accept, (JSON, GRAPHQL_JSON, HTML)) == HTML:
            await self._page(request)(scope, receive, send)
            return
        content_type = preferred(accept, (JSON, GRAPHQL_JSON, EVENT_STREAM))
        request_id = request_id_of(request.header(b"x-request-id"))
        headers: Mapping[str, str]
        try:
            if content_type == EVENT_STREAM:
                content_type = JSON  # of errors
                await self._stream(request, request_id, send)
                return
            status, body, headers = await self._respond(request, request_id, content_type)
        except ClientDisconnect:
            return
        except Exception as error:  # internal errors too: every response is JSON
            status, body, headers = _failure(request, error, request_id)
        body, encoding = await compressed(body, request.header(b"accept-encoding"))
        if status != 304:
            encoding = {**encoding, "content-length": str(len(body))}
        named = {
            b"content-type": _CONTENT_TYPES[content_type or JSON],
            b"cache-control": b"no-store",
            b"x-request-id": request_id.encode("latin-1"),
        }
        for name, value in {**encoding, **headers}.items():
            named[name.encode("latin-1")] = value.encode("latin-1")
        await send({"type": "http.response.start", "status": status, "headers": [*named.items()]})
        await send({"type": "http.response.body", "body": body})

    async def _respond(
        self, request: GraphQLRequest, request_id: str, content_type: str | None
    ) -> tuple[int, bytes, Mapping[str, str]]:
        """Return the status, the body and additional headers of a response."""
        _check_method(request)
        if content_type is None:
            message = f"The Accept header must allow {JSON} or {GRAPHQL_JSON}."
            raise HTTPRequestError(406, bad_request(message))
        credential, admitted = await self._admit(request)
        viewer = credential.viewer
        with admitted, credential.required():
            members = await self._read_members(request)
            if isinstance(members, list):
                answers = await self._execute_batch(viewer, members, request_id)
                body = b"[" + b",".join([each.json() for each in answers]) + b"]"
                headers = _timing(answers)
                if all(_status_of(each) == 503 for each in answers):
                    return 503, body, {**headers, **RETRY}
                return 200, body, headers
            operation = operation_request(members, request_id)
            try:
                allowed = OPERATIONS_BY_METHOD[request.method]
                may_end = operation.query is not None and "mutation" not in operation.query
                with EndingWithClient(request) if may_end else nullcontext():
                    answer = await self._execute(viewer, operation, allowed)
            except OperationNotAllowed as error:
                raise _not_allowed(error.type) from None
        status, body, headers = _status_of(answer), answer.json(), _timing([answer])
        if status == 429:  # proxies and clients wait upon it, also for responses of type JSON
            wait = answer.errors[0]["extensions"].get("retryAfter", 1)
            return status, body, {**headers, "retry-after": str(wait)}
        if status < 500 and content_type == JSON:
            status = 200  # which responses of this type promise for all but errors of the server
        if status == 503:
            headers = {**headers, **RETRY}
        elif (
            request.method == "GET"
            and operation.query is None
            and answer.executed
            and not answer.errors
        ):
            known = request.header(b"if-none-match")
            status, body, caching = cacheable(body, known, self._service.max_age)
            headers = {**headers, **caching}
        return status, body, headers

    async def _admit(
        self, request: GraphQLRequest
    ) -> tuple[LiveCredential, AbstractContextManager[None]]:
        """Return the credential of a request, and the context in which it is answered."""
        authorization, anonymous = request.header(b"authorization"), self._service.anonymous
        if authorization is not None or anonymous is None:
            return await self._service.authenticate(authorization), nullcontext()
        credential = anonymous.credential()
        return credential, anonymous.admit(credential.viewer)

    async def _stream(self, request: GraphQLRequest, request_id: str, send: Send) -> None:
        """Respond with events."""
        _check_method(request)
        credential = await self._service.authenticate(request.header(b"authorization"))
        viewer = credential.viewer
        members = await self._read_members(request)
        if isinstance(members, list):
            raise bad_request("A batch cannot be answered with events: send one request.")
        credential.check()  # reading may have taken a while
        operation = operation_request(members, request_id)
        make_context = partial(self._service.make_context, viewer, request_id)
        allowed = STREAMED_BY_METHOD[request.method]
        try:
            with self._connections.admit(viewer.user_uuid):
                outcome = await self._service.operations.subscribe(operation, make_context, allowed)
                stream = EventStream(self._service, credential, request_id, request.receive, send)
                with SOCKETS.one_more("event_stream"):
                    await stream.serve(outcome)
        except OperationNotAllowed as error:
            raise _not_allowed(error.type) from None
        except LimitExceeded as excess:
            raise HTTPRequestError(429, excess) from None

    async def _read_members(self, request: GraphQLRequest) -> Any:
        """Return the JSON value that describes the request, or a list of such for a batch."""
        if request.method == "GET":
            return query_members(request)
        name, parameters = parse_media_type(request.header(b"content-type") or "")
        if name != JSON or parameters.get("charset", "utf-8") != "utf-8":
            raise HTTPRequestError(415, bad_request(f"The body must be {JSON} in UTF-8."))
        if (request.header(b"content-encoding") or "identity").lower() != "identity":
            raise HTTPRequestError(415, bad_request("The body must not be compressed."))
        return body_members(await read_body(request, self._service.limits))

    async def _execute_batch(
        self, viewer: Viewer, members: list[Any], request_id: str
    ) -> list[Answer]:
        """Execute the operations of a batch one after the other."""
        anonymous = self._service.anonymous if viewer.is_anonymous else None
        limit = anonymous.batch if anonymous else self._service.limits.batch
        if not members:
            raise bad_request("A batch must contain at least one request.")
        if len(members) > limit:
            message = (
                f"The batch contains {len(members):,} requests; "
                f"at most {limit:,} are allowed (limit: batch)."
            )
            raise LimitExceeded(message, "batch", limit, len(members))
        answers = []
        for operation in [operation_request(each, request_id) for each in members]:
            try:
                answers.append(await self._execute(viewer, operation, ONE_ANSWER))
            except OperationNotAllowed as error:
                refusal = error_body(_not_allowed(error.type).reason, request_id)
                answers.append(Answer(errors=[refusal], executed=False))
        return answers

    async def _execute(
        self, viewer: Viewer, operation: OperationRequest, allowed: frozenset[OperationType]
    ) -> Answer:
        context = self._service.make_context(viewer, operation.request_id)
        return await self._service.operations.execute(operation, context, allowed)


def _failure(
    request: GraphQLRequest, error: Exception, request_id: str
) -> tuple[int, bytes, Mapping[str, str]]:
    """Return the status, the body and additional headers of the response to a failed request."""
    refusal = error if isinstance(error, HTTPRequestError) else None
    reason = error_body(refusal.reason if refusal else error, request_id)
    body = orjson.dumps({"errors": [reason]})
    if refusal:
        return refusal.status, body, refusal.headers
    if isinstance(error, TooManyFailures):
        return 429, body, {"retry-after": str(error.retry_after)}
    status = STATUS.get(reason["extensions"]["code"], 400)
    headers = {401: {"www-authenticate": _challenge(request)}, 503: RETRY}
    return status, body, headers.get(status, {})


def _status_of(answer: Answer) -> int:
    """Return the status of an answer: 200 if it was executed, unless the site could do nothing.

    It could not without its database, nor without room on its disk.
    """
    if not answer.errors:
        return 200
    codes = {error["extensions"]["code"] for error in answer.errors}
    if answer.executed:
        is_empty = not any(value is not None for value in (answer.data or {}).values())
        for code in (ErrorCode.UNAVAILABLE, ErrorCode.INSUFFICIENT_STORAGE):
            if is_empty and codes == {code}:
                return STATUS[code]
        return 200
    return STATUS.get(answer.errors[0]["extensions"]["code"], 400)


def _challenge(request: GraphQLRequest) -> str:
    return (
        'Bearer error="invalid_token"' if request.header(b"authorization") is not None else "Bearer"
    )


def _check_method(request: Request) -> None:
    if request.method not in OPERATIONS_BY_METHOD:
        allow = {"allow": ", ".join(OPERATIONS_BY_METHOD)}
        raise HTTPRequestError(405, bad_request("Send GET or POST."), allow)


def _not_allowed(type_: OperationType) -> HTTPRequestError:
    if type_ is OperationType.MUTATION:
        return HTTPRequestError(405, bad_request("Send mutations by POST."), {"allow": "POST"})
    message = (
        f"Send subscriptions over WebSocket with the subprotocol {PROTOCOL}, "
        f"or with the header `Accept: {EVENT_STREAM}`."
    )
    return HTTPRequestError(400, bad_request(message))


def _timing(answers: list[Answer]) -> Mapping[str, str]:
    """Return a Server-Timing header with the milliseconds of each stage, if there are any."""
    totals = dict(answers[0].timing)
    for answer in answers[1:]:
        for name, seconds in answer.timing.items():
            totals[name] = totals.get(name, 0.0) + seconds
    stages = [f"{name};dur={1000 * seconds:.2f}" for name, seconds in totals.items()]
    outside = dict.fromkeys(answer.outside_plan for answer in answers if answer.outside_plan)
    if stages and outside:
        described = "; ".join(outside).replace('"', "'")
        stages.append(f'outside;desc="{described}"')
    return {"server-timing": ", ".join(stages)} if stages else {}
