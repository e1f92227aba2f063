"""Reads what a client sent into operation requests; whatever has the wrong form is refused by name."""

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request

from gateway.errors import DomainError, ErrorCode
from gateway.execution.limits import LimitExceeded
from gateway.execution.operations import OperationRequest, new_request_id
from gateway.json_values import parse_json
from gateway.settings import Limits

MEMBERS = {"query": str, "operationName": str, "variables": dict, "extensions": dict}
JSON_NAMES = {str: "a string", dict: "an object"}
_SAFE_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_QUOTED = [f'"{name}"'.encode() for name in MEMBERS]


class HTTPRequestError(Exception):
    """An HTTP request is refused before any operation is looked at."""

    def __init__(
        self, status: int, reason: DomainError, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(reason.message)
        self.status = status
        self.reason = reason
        self.headers = headers or {}


def bad_request(message: str) -> DomainError:
    """The request does not have the form that the transport asks for."""
    return DomainError(ErrorCode.BAD_REQUEST, message)


def request_id_of(request: Request) -> str:
    """The id that a proxy or client gave the request if it is safe to log, else a new one."""
    given = request.headers.get("x-request-id")
    return given if given and _SAFE_ID.fullmatch(given) else new_request_id()


def operation_request(members: object, request_id: str) -> OperationRequest:
    """The request that a JSON value describes; raises BAD_REQUEST."""
    if not isinstance(members, dict):
        raise bad_request("A request must be a JSON object.")
    for name, type_ in MEMBERS.items():
        value = members.get(name)
        if not isinstance(value, type_) and (value is not None or name == "query"):
            raise bad_request(f"The member {name!r} must be {JSON_NAMES[type_]}.")
    return OperationRequest(
        query=members["query"],
        variables=members.get("variables") or {},
        operation_name=members.get("operationName"),
        extensions=members.get("extensions") or {},
        request_id=request_id,
    )


def members_of_url(request: Request) -> dict[str, Any]:
    """The members of a GET request; `variables` and `extensions` are JSON there. Raises BAD_REQUEST."""
    try:
        pairs = parse_qsl(
            request.url.query, keep_blank_values=True, errors="strict", max_num_fields=100
        )
    except ValueError:
        raise bad_request("The query string cannot be read as UTF-8 parameters.") from None
    given = [(name, value) for name, value in pairs if name in MEMBERS]
    _refuse_repetition([name for name, _ in given])
    return {
        name: value if MEMBERS[name] is str else _json(value or "null", name)
        for name, value in given
    }


def members_of_body(body: bytes) -> Any:
    """The JSON of a POST request, as a rule an object or a list of them; raises BAD_REQUEST."""
    value = _json(body, "body")
    if isinstance(value, dict) and _may_repeat(body):
        _refuse_repetition(_names(body))
    return value


async def body_of(request: Request, limits: Limits) -> bytes:
    """The body, read no further than the limit; raises HTTPRefusal 413, or 408 for a client that dawdles."""
    body = bytearray()
    _check_size(int(request.headers.get("content-length", 0)), limits)
    try:
        async with asyncio.timeout(limits.seconds):
            async for chunk in request.stream():
                body += chunk
                _check_size(len(body), limits)
    except TimeoutError:
        raise HTTPRequestError(
            408, DomainError(ErrorCode.TIMEOUT, "The body did not arrive in time.")
        ) from None
    return bytes(body)


def _check_size(found: int, limits: Limits) -> None:
    if found > limits.body_bytes:
        excess = LimitExceeded("The body has too many bytes", "bodyBytes", limits.body_bytes, found)
        raise HTTPRequestError(413, excess)


def _json(text: bytes | str, what: str) -> Any:
    try:
        return parse_json(text)
    except orjson.JSONDecodeError:
        raise bad_request(f"The {what} is not JSON in UTF-8.") from None


def _may_repeat(body: bytes) -> bool:
    """Whether a member could stand twice: orjson would take the last, and a proxy may have checked the first."""
    return b"\\u" in body or max(map(body.count, _QUOTED)) > 1


def _names(body: bytes) -> list[str]:
    try:
        pairs = json.loads(body, object_pairs_hook=list)
    except RecursionError:
        raise bad_request("The body is nested too deeply.") from None
    return [name for name, _ in pairs if name in MEMBERS]


def _refuse_repetition(names: list[str]) -> None:
    if repeated := next((name for name in MEMBERS if names.count(name) > 1), None):
        raise bad_request(f"The member {repeated!r} is given more than once.")
