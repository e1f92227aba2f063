"""Answering one request: credential, rates, limits, errors and the line in the log."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import ClassVar
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from gateway.auth.live_credential import LiveCredential
from gateway.auth.scopes import check_scopes
from gateway.catalog.rules.dicom_values import check_uid
from gateway.context import Context, Services, open_context
from gateway.database.fair_slots import ON_BEHALF_OF
from gateway.dicomweb.scope import Target
from gateway.errors import DomainError, ErrorCode, bad_input
from gateway.execution.rates import Rates
from gateway.http.abandoned import EndingWithClient
from gateway.http.byte_requests import NOT_CACHED, RefusedRequest, answer_logged
from gateway.http.requests import request_id_of
from gateway.interruptions import TimeLimit
from gateway.kinds.enums import ApiKeyScope
from gateway.telemetry.operation_log import OperationLog
from gateway.telemetry.tracing import OperationTrace

PREFIX = "/dicomweb"
EXECUTOR = "dicomweb"
"""What the log and the metrics name as the executor of these operations."""


class NotAcceptable(RefusedRequest):
    """Raised if nothing that is available is accepted by the client."""

    status = 406


class NotOffered(RefusedRequest):
    """Raised for what this process does not do, though DICOMweb does."""

    status = 405
    headers: ClassVar[dict[str, str]] = {"allow": "GET"}


class UnsupportedMedia(RefusedRequest):
    """Raised for a body that is not of a type that can be stored."""

    status = 415


@dataclass(frozen=True, slots=True)
class DicomWeb:
    """Everything that is needed to answer requests.

    Attributes:
        serves_bytes: whether this process sends and stores the bytes of files, if the settings
            allow it at all.
    """

    services: Services
    authenticate: Callable[[str | None], Awaitable[LiveCredential]]
    rates: Rates
    log: OperationLog
    serves_bytes: bool


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request with what is known of it.

    Attributes:
        folder_uuid: the folder in its path.
        target: the objects in its path.
        base: the URL of the folder.
    """

    service: DicomWeb
    request: Request
    context: Context
    credential: LiveCredential
    folder_uuid: UUID
    target: Target
    base: str

    @property
    def accept(self) -> str | None:
        """The representations that the client accepts: those of the query, or of the header."""
        return self.request.query_params.get("accept") or self.request.headers.get("accept")

    @property
    def query(self) -> str:
        """The query string, without the parameter `accept`."""
        parts = self.request.url.query.split("&")
        return "&".join(part for part in parts if not part.startswith("accept="))

    def charge(self, cost: int) -> None:
        """Add a cost to what the viewer has spent; raise `RateExceeded` if it is too much."""
        self.service.rates.charge(ON_BEHALF_OF.get(), cost)

    @property
    def sends_bytes(self) -> bool:
        """Whether the bytes of files are sent and stored here."""
        return self.service.serves_bytes and self.service.services.settings.dicomweb == "full"

    async def stream(
        self, body: AsyncIterator[bytes], media_type: str, headers: dict[str, str] | None = None
    ) -> Response:
        """Return a response whose body is sent as it is made, while the credential is valid.

        The first chunk is made at once, so that errors until then have responses of their own.
        """
        first = await anext(body, b"")

        async def checked() -> AsyncIterator[bytes]:
            yield first
            async for chunk in body:
                self.credential.check()
                yield chunk

        return StreamingResponse(
            checked(), headers={**NOT_CACHED, **(headers or {}), "content-type": media_type}
        )


Handler = Callable[[Exchange], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """A kind of request: its name in the log, and what answers it.

    Attributes:
        is_change: whether it stores something, and so may take longer than a query.
    """

    name: str
    handler: Handler
    is_change: bool = False


async def answer(service: DicomWeb, operation: Operation, request: Request) -> Response:
    """Respond to a request; all errors are JSON."""
    kind = "mutation" if operation.is_change else "query"
    request_id = request_id_of(request.headers.get("x-request-id"))
    trace = OperationTrace(request_id, type=kind, name=operation.name)
    respond = partial(_respond, service, operation)
    return await answer_logged(request, service.log, EXECUTOR, trace, respond)


async def _respond(
    service: DicomWeb, operation: Operation, request: Request, request_id: str
) -> Response:
    """Authenticate the viewer and handle the request, within the time limit unless it changes
    something.
    """
    credential = await service.authenticate(request.headers.get("authorization"))
    context = open_context(service.services, credential.viewer, request_id)
    try:
        folder_uuid = UUID(request.path_params["folder_uuid"])
    except ValueError:
        raise bad_input("Expected the UUID of a folder.", "folderUuid") from None
    settings = service.services.settings
    origin = settings.public_url or str(request.base_url)
    exchange = Exchange(
        service,
        request,
        context,
        credential,
        folder_uuid,
        target_of(request),
        f"{origin.rstrip('/')}{PREFIX}/{folder_uuid}",
    )
    scope = ApiKeyScope.WRITE_DATA if operation.is_change else ApiKeyScope.READ_DATA
    check_scopes(credential.viewer, {scope: operation.name})
    exchange.charge(1)
    if operation.is_change:
        with credential.required():
            return await operation.handler(exchange)
    seconds = settings.limits.seconds
    try:
        with credential.required(), EndingWithClient(request), TimeLimit(seconds) as limit:
            return await operation.handler(exchange)
    except TimeoutError:
        if not limit.is_stopped:
            raise
        message = f"The operation exceeded the time limit of {seconds:g} seconds."
        raise DomainError(ErrorCode.TIMEOUT, message) from None


def target_of(request: Request) -> Target:
    """Return the objects that a path names; raise `BAD_USER_INPUT` for a malformed UID."""
    uids = {}
    for name, path in _UIDS.items():
        if (uid := request.path_params.get(name)) is not None:
            uids[name] = check_uid(uid, path)
    return Target(**uids)


_UIDS = {"study_uid": "studyUid", "series_uid": "seriesUid", "instance_uid": "instanceUid"}
