"""Serves the signed URLs of the disk store: downloads with ranges, uploads of objects and parts."""

import os
import re
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import BinaryIO

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from gateway.errors import DomainError, ErrorCode
from gateway.execution.error_bodies import error_body
from gateway.http.negotiation import is_known
from gateway.http.requests import request_id_of
from gateway.http.retrying import RETRY
from gateway.stores.base import MissingObject
from gateway.stores.disk import HOLDER, DiskStore
from gateway.stores.downloads import cache_control
from gateway.stores.headers import PDF, disposition_header
from gateway.stores.incoming import AlreadyStored, UploadMismatch
from gateway.stores.signing import BadSignature
from gateway.telemetry.refusals import note_refused_credential

_RANGE = re.compile(
    r"bytes=((?P<first>[0-9]{1,99})-(?P<last>[0-9]{0,99})|-[0-9]{1,99})", re.IGNORECASE
)
_STATUS = {ErrorCode.UNAVAILABLE: 503, ErrorCode.INSUFFICIENT_STORAGE: 507}
CheckHolder = Callable[[str], Awaitable[object]]
"""Raises a domain error unless the credential that a URL is bound to is valid."""
Handler = Callable[[DiskStore, Request, CheckHolder], Awaitable[Response]]

# Objects are data from strangers: browsers must not run them.
_POLICY = "Content-Security-Policy"
_SECURITY_HEADERS = {
    "Cache-Control": "no-store",
    _POLICY: "sandbox; default-src 'none'",
    "Vary": "Origin",  # what an image of a page was loaded with, a script must not get from a cache
    "X-Content-Type-Options": "nosniff",
}
# What a browser needs for the page that it makes of an image or a text.
_INLINE_POLICY = "sandbox; default-src 'none'; img-src 'self'; style-src 'unsafe-inline'"
# Chromium plays no media and shows no PDF in a sandbox. These types cannot run script in a page:
# viewers run the scripts of a PDF apart from all pages.
_VIEWER_POLICY = (
    "default-src 'none'; media-src 'self'; object-src 'self'; style-src 'unsafe-inline'"
)


class ObjectRequestError(Exception):
    """Raised for a request that does not match what its signed URL allows."""

    def __init__(self, status: int, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class ObjectFileResponse(FileResponse):
    """The whole file or one range of it, read in a thread."""

    chunk_size = 256 << 10

    def __init__(self, file: BinaryIO, headers: Mapping[str, str]) -> None:
        """Prepare the response with an open file, which is closed once it was sent."""
        # Starlette opens a path. This one is the file itself, whatever has its name meanwhile.
        path = f"/dev/fd/{file.fileno()}"
        super().__init__(path, headers=headers, stat_result=os.fstat(file.fileno()))
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file, or the part of it that was asked for."""
        try:
            await self._respond(scope, receive, send)
        finally:
            self._file.close()

    async def _respond(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Ignore a Range header that is malformed or has several ranges (RFC 9110, 14.2).

        Starlette would refuse the one and respond to the other in multiple parts.
        """
        match = _RANGE.fullmatch(Headers(scope=scope).get("Range", ""))
        if match is None or (match["last"] and int(match["first"]) > int(match["last"])):
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"range"]}
        await super().__call__(scope, receive, send)


def object_routes(store: DiskStore, check_holder: CheckHolder) -> list[BaseRoute]:
    """Return the routes of the store's URLs. The signature is the only credential.

    A URL that is bound to another credential works only as long as that is valid.
    """
    routes = [
        Route("/{key}", partial(_handle, download, store, check_holder), methods=["GET"]),
        Route("/{key}", partial(_handle, upload, store, check_holder), methods=["PUT"]),
    ]
    return [Mount("/objects", routes=routes)]


async def download(store: DiskStore, request: Request, check_holder: CheckHolder) -> Response:
    """Respond with an object, or with 304 if the client has it."""
    key = request.path_params["key"]
    claims = store.claims("GET", key, _query_string(request))
    await _check_holder(claims, check_holder)
    file = await store.open(key)
    is_inline = claims.get("show") == "inline"
    headers = {
        **_SECURITY_HEADERS,
        "Cache-Control": cache_control(int(claims.get("cache", 0))),
    }
    if is_inline:
        has_viewer = claims["type"].startswith(("video/", "audio/", PDF))
        headers[_POLICY] = _VIEWER_POLICY if has_viewer else _INLINE_POLICY
    content = {
        "Content-Disposition": disposition_header(claims["name"], is_inline=is_inline),
        "Content-Type": claims["type"],
    }
    response = ObjectFileResponse(file, {**headers, **content})
    tag = response.headers["ETag"]
    if is_known(tag, request.headers.get("If-None-Match")):
        file.close()
        return Response(status_code=304, headers={**headers, "ETag": tag})
    return response


async def upload(store: DiskStore, request: Request, check_holder: CheckHolder) -> Response:
    """Store the body as a new object, or as a part of a multipart upload."""
    key = request.path_params["key"]
    claims = store.claims("PUT", key, _query_string(request))
    await _check_holder(claims, check_holder)
    size = int(claims["length"])
    _check_length(request.headers, size)
    body = request.stream()
    try:
        if "part" in claims:
            number = int(claims["part"])
            part = await store.accept_part(key, claims["upload"], number, body, size)
            return Response(headers={**_SECURITY_HEADERS, "ETag": part.etag})
        if request.headers.get("Content-Type") != claims["type"]:
            message = f"The Content-Type must be {claims['type']}."
            raise ObjectRequestError(400, ErrorCode.BAD_REQUEST, message)
        await store.accept(key, body, size, claims.get("sha256"))
    except Exception:
        is_old = request.scope["http_version"] == "1.0"
        is_last = is_old or "close" in request.headers.get("Connection", "").lower()
        if is_last and "Expect" not in request.headers:
            # Were the connection closed before all was read, the client might miss the response.
            # Those that expect one first send nothing yet.
            async for _ in body:
                pass
        raise
    return Response(headers=_SECURITY_HEADERS)


async def _check_holder(claims: Mapping[str, str], check_holder: CheckHolder) -> None:
    if holder := claims.get(HOLDER):
        try:
            await check_holder(holder)
        except DomainError as error:
            if error.code is not ErrorCode.UNAUTHENTICATED:
                raise
            raise BadSignature(
                "The credential that requested this URL is no longer valid.", "credential_ended"
            ) from None


async def _handle(
    handler: Handler, store: DiskStore, check_holder: CheckHolder, request: Request
) -> Response:
    """Run a handler and turn its errors into JSON responses."""
    try:
        return await handler(store, request, check_holder)
    except ObjectRequestError as error:
        return _error_response(error.status, error.code, error)
    except BadSignature as error:
        note_refused_credential(error.reason)
        return _error_response(403, ErrorCode.FORBIDDEN, error)
    except MissingObject:
        return _error_response(404, ErrorCode.NOT_FOUND, "No such object.")
    except AlreadyStored as error:
        return _error_response(412, ErrorCode.CONFLICT, error)
    except UploadMismatch as error:
        return _error_response(400, ErrorCode.BAD_REQUEST, error)
    except ClientDisconnect:
        return _error_response(400, ErrorCode.BAD_REQUEST, "The body is incomplete.")
    except Exception as error:  # every response is JSON
        reason = error_body(error, request_id_of(request.headers.get("x-request-id")))
        code = reason["extensions"]["code"]
        return _error_response(_STATUS.get(code, 500), code, reason["message"])


def _error_response(status: int, code: ErrorCode, message: object) -> Response:
    content = {"error": {"code": code, "message": str(message)}}
    retry = RETRY if status == 503 else {}
    return JSONResponse(content, status, headers={**_SECURITY_HEADERS, **retry})


def _query_string(request: Request) -> str:
    query: bytes = request.scope["query_string"]
    return query.decode("latin-1")


def _check_length(headers: Headers, size: int) -> None:
    """Check the Content-Length, to which the server holds the body, before a byte is read."""
    length = headers.get("Content-Length")
    if length is None:
        message = "The Content-Length header is missing."
        raise ObjectRequestError(411, ErrorCode.BAD_REQUEST, message)
    message = f"The Content-Length must be {size}."
    if int(length) > size:
        raise ObjectRequestError(413, ErrorCode.LIMIT_EXCEEDED, message)
    if int(length) < size:
        raise ObjectRequestError(400, ErrorCode.BAD_REQUEST, message)
