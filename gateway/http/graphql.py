"""GraphQL over HTTP: one endpoint for queries and mutations, alone or in batches, every answer JSON."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from graphql import OperationType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from gateway.auth.viewer import Viewer
from gateway.errors import DomainError, ErrorCode
from gateway.execution.failures import describe
from gateway.execution.limits import LimitExceeded
from gateway.execution.operations import ONE_ANSWER, Answer, OperationNotAllowed, OperationRequest
from gateway.http.graphql_service import GraphQLService
from gateway.http.messages import PROTOCOL
from gateway.http.negotiation import GRAPHQL_JSON, HTML, JSON, media_type, preferred
from gateway.http.requests import (
    HTTPRequestError,
    bad_request,
    body_of,
    members_of_body,
    members_of_url,
    operation_request,
    request_id_of,
)
from gateway.http.websocket import GraphQLWebSocketEndpoint

Page = Callable[[Request], Response]
ALLOWED = {"GET": frozenset({OperationType.QUERY}), "POST": ONE_ANSWER}
STATUS = {
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.TIMEOUT: 504,
    ErrorCode.INTERNAL_SERVER_ERROR: 500,
}


def graphql_routes(
    service: GraphQLService, path: str = "/graphql", page: Page | None = None
) -> list[BaseRoute]:
    """The endpoint for HTTP and WebSocket at `path`; `page` answers browsers that come without a query."""
    return [
        Route(path, GraphQLEndpoint(service, page)),
        WebSocketRoute(path, GraphQLWebSocketEndpoint(service)),
    ]


class GraphQLEndpoint:
    """An ASGI application that follows the GraphQL-over-HTTP specification."""

    def __init__(self, service: GraphQLService, page: Page | None) -> None:
        self._service = service
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._respond(request)
        except ClientDisconnect:
            return  # nobody is left to answer
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if self._page and _wants_page(request):
            return self._page(request)
        offer = preferred(request.headers.get("accept"), (JSON, GRAPHQL_JSON))
        request_id = request_id_of(request)
        try:
            status, body, headers = await self._answer(request, request_id, offer)
        except ClientDisconnect:
            raise
        except Exception as error:  # our own failures too: every answer is JSON
            status, reason, headers = _refusal(error)
            body = orjson.dumps({"errors": [describe(reason, request_id)]})
        fixed = {"content-type": f"{offer or JSON}; charset=utf-8", "cache-control": "no-store"}
        return Response(body, status, {**fixed, "x-request-id": request_id, **headers})

    async def _answer(
        self, request: Request, request_id: str, offer: str | None
    ) -> tuple[int, bytes, Mapping[str, str]]:
        if request.method not in ALLOWED:
            raise HTTPRequestError(
                405, bad_request("Send GET or POST."), {"allow": ", ".join(ALLOWED)}
            )
        if offer is None:
            raise HTTPRequestError(406, bad_request(f"Answers are {JSON} or {GRAPHQL_JSON}."))
        viewer = await self._viewer(request)
        members = await self._members(request)
        if isinstance(members, list):
            answers = await self._batch(viewer, members, request_id)
            return 200, orjson.dumps([answer.body() for answer in answers]), _timing(answers)
        asked = operation_request(members, request_id)
        try:
            answer = await self._execute(viewer, asked, ALLOWED[request.method])
        except OperationNotAllowed as refusal:
            raise _not_allowed(refusal.type) from None
        return _status(answer, offer), orjson.dumps(answer.body()), _timing([answer])

    async def _viewer(self, request: Request) -> Viewer:
        credential = request.headers.get("authorization")
        try:
            return await self._service.authenticate(credential)
        except DomainError as reason:
            if reason.code is not ErrorCode.UNAUTHENTICATED:
                raise
            challenge = 'Bearer error="invalid_token"' if credential else "Bearer"
            raise HTTPRequestError(401, reason, {"www-authenticate": challenge}) from None

    async def _members(self, request: Request) -> Any:
        if request.method == "GET":
            return members_of_url(request)
        name, parameters = media_type(request.headers.get("content-type", ""))
        if name != JSON or parameters.get("charset", "utf-8") != "utf-8":
            raise HTTPRequestError(415, bad_request(f"The body must be {JSON} in UTF-8."))
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise HTTPRequestError(415, bad_request("The body must not be compressed."))
        return members_of_body(await body_of(request, self._service.limits))

    async def _batch(self, viewer: Viewer, members: list[Any], request_id: str) -> list[Answer]:
        allowed = self._service.limits.batch
        if not members:
            raise bad_request("A batch must hold at least one request.")
        if len(members) > allowed:
            raise LimitExceeded(
                f"The batch holds {len(members):,} requests", "batch", allowed, len(members)
            )
        batch = [operation_request(each, request_id) for each in members]
        return [await self._execute_in_batch(viewer, asked) for asked in batch]

    async def _execute_in_batch(self, viewer: Viewer, asked: OperationRequest) -> Answer:
        try:
            return await self._execute(viewer, asked, ONE_ANSWER)
        except OperationNotAllowed as refusal:
            reason = _not_allowed(refusal.type).reason
            return Answer(errors=[describe(reason, asked.request_id)], executed=False)

    async def _execute(
        self, viewer: Viewer, asked: OperationRequest, allowed: frozenset[OperationType]
    ) -> Answer:
        context = self._service.make_context(viewer, asked.request_id)
        return await self._service.operations.execute(asked, context, allowed)


def _wants_page(request: Request) -> bool:
    if request.method != "GET" or "query" in request.query_params:
        return False
    return preferred(request.headers.get("accept"), (JSON, GRAPHQL_JSON, HTML)) == HTML


def _not_allowed(type_: OperationType) -> HTTPRequestError:
    if type_ is OperationType.MUTATION:
        return HTTPRequestError(405, bad_request("Send mutations by POST."), {"allow": "POST"})
    return HTTPRequestError(
        400, bad_request(f"Subscriptions run over WebSocket, with the sub-protocol {PROTOCOL}.")
    )


def _timing(answers: list[Answer]) -> Mapping[str, str]:
    """Where the time went, in milliseconds, as browsers show it."""
    spent: dict[str, float] = {}
    for answer in answers:
        for name, seconds in answer.timing.items():
            spent[name] = spent.get(name, 0.0) + seconds
    said = ", ".join([f"{name};dur={1000 * seconds:.2f}" for name, seconds in spent.items()])
    return {"server-timing": said} if said else {}


def _status(answer: Answer, offer: str) -> int:
    """The status of an answer: `application/json` promises 200 for everything that is not our own failure."""
    if answer.executed:
        return 200
    status = STATUS.get(answer.errors[0]["extensions"]["code"], 400)
    return 200 if status < 500 and offer == JSON else status


def _refusal(error: Exception) -> tuple[int, Exception, Mapping[str, str]]:
    if isinstance(error, HTTPRequestError):
        return error.status, error.reason, error.headers
    if isinstance(error, DomainError):
        return STATUS.get(error.code, 400), error, {}
    return 500, error, {}
