"""Reads HTTP requests and WebSocket payloads into operation requests, with precise errors."""

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope

from gateway.errors import DomainError, ErrorCode
from gateway.execution.limits import LimitExceeded
from gateway.execution.operations import OperationRequest
from gateway.ids import new_request_id
from gateway.json_values import parse_json
from gateway.limits import Limits

MEMBERS = {
    "query": str,
    "documentId": str,
    "operationName": str,
    "variables": dict,
    "extensions": dict,
}
JSON_TYPE_NAMES = {str: "a string", dict: "an object"}
_SAFE_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_QUOTED_MEMBERS = [f'"{name}"'.encode() for name in MEMBERS]


class HTTPRequestError(Exception):
    """Raised when an HTTP request is refused before its operation is looked at."""

    def __init__(
        self, status: int, reason: DomainError, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(reason.message)
        self.status = status
        self.reason = reason
        self.headers = headers or {}


class GraphQLRequest(Request):
    """A request of which many headers are looked up; Starlette compares them all for each."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        super().__init__(scope, receive)
        self._values: dict[bytes, bytes] = dict(reversed(scope["headers"]))

    def header(self, name: bytes) -> str | None:
        """Return the value of a header, the first if it is repeated; the name is in lower case."""
        value = self._values.get(name)
        return None if value is None else value.decode("latin-1")


def bad_request(message: str) -> DomainError:
    """Return the error for a request that does not follow the transport's format."""
    return DomainError(ErrorCode.BAD_REQUEST, message)


def request_id_of(given: str | None) -> str:
    """Return the id that a proxy or client gave a request if it is safe to log, else a new id."""
    return given if given and _SAFE_ID.fullmatch(given) else new_request_id()


def operation_request(members: object, request_id: str) -> OperationRequest:
    """Return the request that a JSON value describes.

    A document is given by its text, or by its id: the member `documentId`, or the hash in Apollo's
    extension `persistedQuery`. Raises BAD_REQUEST.
    """
    if not isinstance(members, dict):
        raise bad_request("The request body must be a JSON object.")
    for name, type_ in MEMBERS.items():
        value = members.get(name)
        if value is not None and not isinstance(value, type_):
            raise bad_request(f"`{name}` must be {JSON_TYPE_NAMES[type_]}.")
    extensions = members.get("extensions") or {}
    document_id = members.get("documentId")
    if document_id is None and "persistedQuery" in extensions:
        persisted = extensions["persistedQuery"]
        document_id = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
        if not isinstance(document_id, str):
            raise bad_request("`extensions.persistedQuery.sha256Hash` must be a string.")
    query = members.get("query")
    if query is None and document_id is None:
        raise bad_request("`query` must be a string.")
    return OperationRequest(
        query=(query or None) if document_id else query,
        document_id=document_id.removeprefix("sha256:") if document_id else None,
        variables=members.get("variables") or {},
        operation_name=members.get("operationName"),
        extensions=extensions,
        request_id=request_id,
    )


def query_members(request: Request) -> dict[str, Any]:
    """Return the members of a GET request from its query string; raises BAD_REQUEST.

    `variables` and `extensions` are JSON there.
    """
    try:
        pairs = parse_qsl(
            request.url.query, keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except ValueError:
        raise bad_request("The query string is not UTF-8, or has too many parameters.") from None
    given = [(name, value) for name, value in pairs if name in MEMBERS]
    _check_no_repetition([name for name, _ in given])
    return {
        name: value if MEMBERS[name] is str else _parse_member(value or "null", name)
        for name, value in given
    }


def body_members(body: bytes) -> Any:
    """Return the JSON of a POST request, usually an object or a list; raises BAD_REQUEST.

    No member may be repeated: orjson would take the last, where a proxy may have checked the first.
    """
    value = _parse_member(body, "body")
    may_repeat = b"\\u" in body or max(map(body.count, _QUOTED_MEMBERS)) > 1
    if isinstance(value, dict) and may_repeat:
        try:
            pairs = json.loads(body, object_pairs_hook=list)
        except RecursionError:
            raise bad_request("The body is nested too deeply.") from None
        _check_no_repetition([name for name, _ in pairs if name in MEMBERS])
    return value


async def read_body(request: GraphQLRequest, limits: Limits) -> bytes:
    """Return the body, read no further than the limit.

    Raises `HTTPRequestError` 413 for a longer one, and 408 if it does not arrive in time.
    """
    _check_size(int(request.header(b"content-length") or 0), limits)
    body, is_complete = await _next_chunk(request)  # usually all of it, which has arrived already
    _check_size(len(body), limits)
    if is_complete:
        return body
    received = bytearray(body)
    try:
        async with asyncio.timeout(limits.seconds):
            while not is_complete:
                chunk, is_complete = await _next_chunk(request)
                received += chunk
                _check_size(len(received), limits)
    except TimeoutError:
        reason = DomainError(ErrorCode.TIMEOUT, "The body did not arrive in time.")
        raise HTTPRequestError(408, reason) from None
    return bytes(received)


async def _next_chunk(request: Request) -> tuple[bytes, bool]:
    """Return bytes of the body, and whether they are the last."""
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), not message.get("more_body", False)


def _check_size(size: int, limits: Limits) -> None:
    if size > limits.body_bytes:
        message = (
            f"The request body is larger than {limits.body_bytes:,} bytes (limit: body_bytes)."
        )
        excess = LimitExceeded(message, "body_bytes", limits.body_bytes, size)
        raise HTTPRequestError(413, excess)


def _parse_member(text: bytes | str, name: str) -> Any:
    try:
        return parse_json(text)
    except orjson.JSONDecodeError:
        raise bad_request(f"The {name} is not valid JSON in UTF-8.") from None


def _check_no_repetition(names: list[str]) -> None:
    if repeated := next((name for name in MEMBERS if names.count(name) > 1), None):
        raise bad_request(f"`{repeated}` must not be repeated.")
