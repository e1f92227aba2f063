"""The route of archives: a signed URL whose response is made while it is sent."""

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from gateway.archives.contents import ERRORS, Contents, Entries
from gateway.archives.failures import Failures
from gateway.archives.reading import FileReader
from gateway.archives.urls import (
    MEDIA_TYPE,
    PREFIX,
    SignedClaims,
    Subject,
    SubjectKind,
    read_archive_url,
)
from gateway.auth.live_credential import LiveCredential
from gateway.context import Context, Services, open_context
from gateway.database.fair_slots import ON_BEHALF_OF
from gateway.errors import DomainError, ErrorCode, forbidden, not_found
from gateway.execution.rates import Rates
from gateway.http.abandoned import EndingWithClient
from gateway.http.byte_requests import answer_logged
from gateway.http.negotiation import is_known
from gateway.http.open_connections import OpenConnections
from gateway.http.ranges import UnsatisfiableRange, requested_range
from gateway.http.requests import request_id_of
from gateway.stores.headers import disposition_header
from gateway.stores.signing import BadSignature
from gateway.telemetry.operation_log import OperationLog
from gateway.telemetry.refusals import note_refused_credential
from gateway.telemetry.tracing import OperationTrace
from gateway.zips.archives import Content, EntryFailed, SealedArchive, StreamedArchive
from gateway.zips.index import PAGE, ArchiveIndex
from gateway.zips.records import ArchiveEntry

log = structlog.get_logger(__name__)

MAX_SEALED = 100_000
"""Entries up to which an archive is listed before it is sent, so that its length is known."""
EXECUTOR = "archives"
"""What the log and the metrics name as the executor of these operations."""
_HEADERS = {
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Content-Type": MEDIA_TYPE,
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Archives:
    """Everything that is needed to serve archives.

    Attributes:
        find_holder: returns the credential that a signed URL is bound to.
    """

    services: Services
    find_holder: Callable[[str], Awaitable[LiveCredential]]
    rates: Rates
    log: OperationLog
    open: OpenConnections

    @classmethod
    def of(
        cls,
        services: Services,
        find_holder: Callable[[str], Awaitable[LiveCredential]],
        rates: Rates,
        log: OperationLog,
    ) -> "Archives":
        """Return what serves the archives of a site, as many at a time as it allows."""
        limit = services.settings.limits.archives_per_viewer
        slots = OpenConnections(limit, "archives_per_viewer", "downloads of archives")
        return cls(services, find_holder, rates, log, slots)


class ArchiveResponse(StreamingResponse):
    """An archive, or a part of it; whatever happens, its resources are released."""

    def __init__(
        self, content: Content, status: int, headers: dict[str, str], resources: AsyncExitStack
    ) -> None:
        super().__init__(content, status, headers)
        self._content = content
        self._resources = resources

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the archive.

        If it cannot be completed, the connection is closed early, by which the client knows.
        """
        async with self._resources, aclosing(self._content):
            try:
                await super().__call__(scope, receive, send)
            except (EntryFailed, DomainError) as error:
                log.warning("archive_broken_off", reason=str(error))


def archive_routes(archives: Archives) -> list[BaseRoute]:
    """Return the route of the signed URLs."""
    path = f"{PREFIX}/{{kind}}/{{uuid}}"
    return [Route(path, partial(_answer, archives), methods=["GET"])]


async def _answer(archives: Archives, request: Request) -> Response:
    """Respond with an archive; all errors are JSON."""
    request_id = request_id_of(request.headers.get("x-request-id"))
    trace = OperationTrace(request_id, type="query", name="Archive")
    async with AsyncExitStack() as resources:
        respond = partial(_download, archives, resources)
        return await answer_logged(request, archives.log, EXECUTOR, trace, respond)


async def _download(
    archives: Archives, resources: AsyncExitStack, request: Request, request_id: str
) -> Response:
    """Check the rights to an archive, list it, and respond."""
    subject, claims = _read_url(archives.services, request)
    try:
        credential = await archives.find_holder(claims.holder)
    except DomainError as error:
        if error.code is not ErrorCode.UNAUTHENTICATED:
            raise
        note_refused_credential("credential_ended")
        message = "The credential that requested this URL is no longer valid."
        raise forbidden(message) from None
    context = open_context(archives.services, credential.viewer, request_id)
    archives.rates.charge(ON_BEHALF_OF.get(), 1)
    resources.enter_context(archives.open.admit(credential.viewer.user_uuid))
    making = Making(context, credential, resources)
    with credential.required(), EndingWithClient(request):
        await making.list_entries(subject, lambda: archives.rates.charge(ON_BEHALF_OF.get(), PAGE))
    headers = {**_HEADERS, "Content-Disposition": disposition_header(claims.name)}
    return making.respond(request, headers)


def _read_url(services: Services, request: Request) -> tuple[Subject, SignedClaims]:
    """Return what the URL of a request stands for.

    Raises:
        DomainError: it was not signed like that, or has expired.
    """
    try:
        kind, uuid = request.path_params["kind"], request.path_params["uuid"]
        subject = Subject(SubjectKind(kind), UUID(hex=uuid))
    except ValueError:
        raise not_found("archive", request.url.path) from None
    query: bytes = request.scope["query_string"]
    try:
        return subject, read_archive_url(services, subject, query.decode("latin-1"))
    except BadSignature as error:
        note_refused_credential(error.reason)
        raise forbidden(str(error)) from None


class Making:
    """The making of one archive: its listing first, then its bytes.

    It is sealed if all of its entries are known beforehand; otherwise it is streamed.
    """

    def __init__(
        self, context: Context, credential: LiveCredential, resources: AsyncExitStack
    ) -> None:
        self._context = context
        self._credential = credential
        self._resources = resources
        self._failures = Failures()
        self._reader = FileReader(context)
        resources.push_async_callback(self._reader.close)
        self._index = resources.enter_context(ArchiveIndex())
        self._rest: Entries | None = None
        self._unknown: ArchiveEntry | None = None
        self._newest = 0

    async def list_entries(self, subject: Subject, charge: Callable[[], None]) -> None:
        """List the entries, as far as they are known beforehand and not too many."""
        rest = await Contents(self._context, self._failures).of(subject)
        self._resources.push_async_callback(rest.aclose)
        async for entry in rest:
            self._newest = max(self._newest, entry.modified)
            if not entry.is_known or self._index.count >= MAX_SEALED:
                self._unknown, self._rest = entry, rest
                break
            await self._index.append(entry)
            if self._index.count % PAGE == 0:
                charge()
        if self._rest is None and (errors := self._errors()):
            await self._index.append(errors)
        await self._index.flush()

    def respond(self, request: Request, headers: dict[str, str]) -> Response:
        """Return the response: the archive, or the part of it that is wanted."""
        if self._rest is not None:
            headers["Accept-Ranges"] = "none"
            if request.method == "HEAD":
                return Response(headers=headers)
            index = self._resources.enter_context(ArchiveIndex())
            streamed = StreamedArchive(
                index, self._reader.read, lambda entry, why: self._failures.add(entry.name, why)
            )
            return self._response(streamed.content(self._in_pages(), self._errors), 200, headers)
        archive = SealedArchive(self._index, partial(self._reader.expect, were_seen=False))
        tag = f'"{self._index.digest[:40]}"'
        headers |= {"Accept-Ranges": "bytes", "ETag": tag}
        given = request.headers
        if is_known(tag, given.get("If-None-Match")):
            return Response(status_code=304, headers=headers)
        start, stop, status = 0, archive.length, 200
        try:
            wanted = requested_range(given.get("Range"), given.get("If-Range"), tag, stop)
        except UnsatisfiableRange:
            headers["Content-Range"] = f"bytes */{archive.length}"
            return Response(status_code=416, headers=headers)
        if wanted:
            start, stop, status = *wanted, 206
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{archive.length}"
        headers["Content-Length"] = str(stop - start)
        if request.method == "HEAD":
            return Response(status_code=status, headers=headers)
        return self._response(archive.content(start, stop, self._reader.read), status, headers)

    def _response(self, content: Content, status: int, headers: dict[str, str]) -> Response:
        """Return a response that keeps the resources until it is sent."""

        async def checked() -> Content:
            async with aclosing(content):
                async for chunk in content:
                    self._credential.check()
                    yield chunk

        return ArchiveResponse(checked(), status, headers, self._resources.pop_all())

    async def _in_pages(self) -> AsyncIterator[ArchiveEntry]:
        """Yield all entries, and tell the reader of the next ones."""
        expect = partial(self._reader.expect, were_seen=False)
        async for placed in self._index.read(0, expect):
            yield placed.entry
        page = [self._unknown] if self._unknown else []
        assert self._rest is not None
        async for entry in self._rest:
            page.append(entry)
            if len(page) >= PAGE:
                self._reader.expect(page, were_seen=True)
                for each in page:
                    yield each
                page = []
        self._reader.expect(page, were_seen=True)
        for each in page:
            yield each

    def _errors(self) -> ArchiveEntry | None:
        """Return the entry that lists the files that are lacking; None if none are."""
        if not self._failures.count:
            return None
        text = self._failures.report
        data = text.encode()
        return ArchiveEntry(ERRORS, len(data), zlib.crc32(data), self._newest, {"text": text})
