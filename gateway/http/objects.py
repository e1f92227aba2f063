"""The disk store's signed URLs, served: downloads with ranges, uploads of whole objects and of parts."""

import re
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from gateway.errors import ErrorCode
from gateway.stores.base import MissingObject
from gateway.stores.disk import DiskStore
from gateway.stores.headers import attachment_header
from gateway.stores.incoming import AlreadyStored, UploadMismatch
from gateway.stores.signing import BadSignature

_RANGE = re.compile(
    r"bytes=((?P<first>[0-9]{1,99})-(?P<last>[0-9]{0,99})|-[0-9]{1,99})", re.IGNORECASE
)
Answer = Callable[[DiskStore, Request], Awaitable[Response]]

# Whatever was uploaded, it is data: no browser may run, frame or keep it.
_DEFENCES = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "X-Content-Type-Options": "nosniff",
}


class ObjectRequestError(Exception):
    """A request that the signed URL does not describe."""

    def __init__(self, status: int, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class ObjectFileResponse(FileResponse):
    """One range or the whole file, read in a thread."""

    chunk_size = 256 << 10

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as if there were no Range if it is malformed or of several (RFC 9110, 14.2)."""
        if not _is_range(Headers(scope=scope).get("Range", "")):
            scope = {**scope, "headers": [pair for pair in scope["headers"] if pair[0] != b"range"]}
        await super().__call__(scope, receive, send)


def object_routes(store: DiskStore) -> list[BaseRoute]:
    """Where the URLs of this store lead. A page of any origin may use them: the signature is all the right it takes."""
    cross_origin = Middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD", "PUT"],
        allow_headers=["*"],
        expose_headers=[
            "Accept-Ranges",
            "Content-Disposition",
            "Content-Length",
            "Content-Range",
            "ETag",
        ],
    )
    routes = [
        Route("/{key}", partial(_answer, _download, store), methods=["GET"]),
        Route("/{key}", partial(_answer, _upload, store), methods=["PUT"]),
    ]
    return [Mount("/objects", routes=routes, middleware=[cross_origin])]


async def _answer(answer: Answer, store: DiskStore, request: Request) -> Response:
    try:
        return await answer(store, request)
    except ObjectRequestError as error:
        return _refusal(error.status, error.code, error)
    except BadSignature as error:
        return _refusal(403, ErrorCode.FORBIDDEN, error)
    except MissingObject:
        return _refusal(404, ErrorCode.NOT_FOUND, "there is nothing here")
    except AlreadyStored as error:
        return _refusal(412, ErrorCode.CONFLICT, error)
    except UploadMismatch as error:
        return _refusal(400, ErrorCode.BAD_REQUEST, error)
    except ClientDisconnect:
        return _refusal(400, ErrorCode.BAD_REQUEST, "the body broke off")


def _refusal(status: int, code: ErrorCode, message: object) -> Response:
    content = {"error": {"code": code, "message": str(message)}}
    return JSONResponse(content, status, headers=_DEFENCES)


async def _download(store: DiskStore, request: Request) -> Response:
    key = request.path_params["key"]
    claims = store.claims("GET", key, _query(request))
    path, status = await store.find(key)
    headers = {
        **_DEFENCES,
        "Content-Disposition": attachment_header(claims["name"]),
        "Content-Type": claims["type"],
    }
    response = ObjectFileResponse(path, headers=headers, stat_result=status)
    tag = response.headers["ETag"]
    if _has(request.headers.get("If-None-Match", ""), tag):
        return Response(status_code=304, headers={**_DEFENCES, "ETag": tag})
    return response


async def _upload(store: DiskStore, request: Request) -> Response:
    key = request.path_params["key"]
    claims = store.claims("PUT", key, _query(request))
    size = int(claims["length"])
    _check_length(request.headers, size)
    if "part" in claims:
        part = await store.accept_part(
            key, claims["upload"], int(claims["part"]), request.stream(), size
        )
        return Response(headers={**_DEFENCES, "ETag": part.etag})
    if request.headers.get("Content-Type") != claims["type"]:
        raise ObjectRequestError(
            400, ErrorCode.BAD_REQUEST, f"the Content-Type must be {claims['type']}"
        )
    await store.accept(key, request.stream(), size, claims.get("sha256"))
    return Response(headers=_DEFENCES)


def _query(request: Request) -> str:
    query: bytes = request.scope["query_string"]
    return query.decode("latin-1")


def _check_length(headers: Headers, size: int) -> None:
    """The server holds the body to its Content-Length, so that is the place to look at, before a byte is read."""
    length = headers.get("Content-Length")
    if length is None:
        raise ObjectRequestError(411, ErrorCode.BAD_REQUEST, "the Content-Length is missing")
    if int(length) > size:
        raise ObjectRequestError(
            413, ErrorCode.LIMIT_EXCEEDED, f"the Content-Length must be {size}"
        )
    if int(length) < size:
        raise ObjectRequestError(400, ErrorCode.BAD_REQUEST, f"the Content-Length must be {size}")


def _is_range(text: str) -> bool:
    """Whether a Range is well-formed and single; whether the object reaches so far is another question."""
    found = _RANGE.fullmatch(text)
    return found is not None and (not found["last"] or int(found["first"]) <= int(found["last"]))


def _has(tags: str, tag: str) -> bool:
    """Whether an If-None-Match names this tag."""
    return tags.strip() == "*" or tag in (
        each.strip().removeprefix("W/") for each in tags.split(",")
    )
