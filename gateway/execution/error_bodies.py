"""Errors as callers read them: domain errors as they are, all others masked and logged."""

import re
from typing import Any

import structlog
from graphql import GraphQLError, ValueNode
from strawberry.exceptions import StrawberryInputCoercionError

from gateway.database.outages import CommitUnknown, is_outage, note_outage
from gateway.errors import DomainError, DomainErrors, ErrorCode, Path, bad_input
from gateway.execution.limits import LimitExceeded, note_excess
from gateway.execution.rates import RateExceeded
from gateway.full_disks import FULL_DISK_LOG, is_disk_full
from gateway.telemetry.tracing import OPERATION, note_error

MASKED = DomainError(
    ErrorCode.INTERNAL_SERVER_ERROR,
    "Internal error. Report it with the request ID in `extensions.requestId`.",
)
NO_DATABASE = DomainError(ErrorCode.UNAVAILABLE, "The database is not available. Try again later.")
IN_DOUBT = DomainError(
    ErrorCode.COMMIT_UNKNOWN,
    "The connection to the database was lost while the change was committed. Look whether it was "
    "made before you send it again; with the same idempotency key, you can send it again at once.",
)
NO_ROOM = DomainError(
    ErrorCode.INSUFFICIENT_STORAGE,
    "The disk of the site is full. Delete what is no longer needed, or tell its operator.",
)
UNREAD = DomainError(
    ErrorCode.COMMIT_UNKNOWN,
    "The change was committed, but the database is not available to read the result. Look for it "
    "before you send the request again.",
)
MAX_MESSAGE_LENGTH = 1_000
_PYTHON_TEXT = re.compile(r", but encountered error '.*'; found", re.DOTALL)
"""The text of a scalar's exception, which graphql-core quotes."""

_ECHOED_VALUE = re.compile(r"(?:,? ?[fF]ound|(?<=value)): [\[{].*", re.DOTALL)
"""The lists and objects that graphql-core quotes whole."""

ErrorBody = dict[str, Any]
log = structlog.get_logger()


def error_body(error: Exception, request_id: str) -> ErrorBody:
    """Return an error as the response holds it.

    It has `message`, `locations` and `path` where these are known, and `extensions` with the code.
    """
    reason = _reason_of(error)
    path, operation = getattr(error, "path", None), OPERATION.get()
    if reason is NO_DATABASE and path and operation and path[0] in operation.changes:
        reason = UNREAD  # the change itself has been committed
    note_error(reason.code)
    note_excess(reason)
    cause = getattr(error, "original_error", None) or error
    if reason in (NO_DATABASE, IN_DOUBT, UNREAD):
        note_outage(cause)
    if reason in (IN_DOUBT, UNREAD):
        log.warning("commit_unknown", request_id=request_id)
    if reason is NO_ROOM:
        FULL_DISK_LOG.note(cause)
    if reason is MASKED:
        log.error("operation_failed", request_id=request_id, path=path, exc_info=cause)
    message = _without_echo(_PYTHON_TEXT.sub(", found", reason.message))
    if len(message) > MAX_MESSAGE_LENGTH:
        message = f"{message[:MAX_MESSAGE_LENGTH]}…"
    body: ErrorBody = {"message": message}
    if isinstance(error, GraphQLError):
        if error.locations:
            body["locations"] = [location.formatted for location in error.locations]
        if error.path:
            body["path"] = error.path
    extensions: dict[str, Any] = {"code": reason.code, "requestId": request_id}
    if reason.path:
        extensions["inputPath"] = reason.path
    if isinstance(reason, LimitExceeded):
        extensions |= {"limit": reason.limit, "allowed": reason.allowed, "found": reason.actual}
    if isinstance(reason, RateExceeded):
        extensions["retryAfter"] = reason.retry_after
    body["extensions"] = extensions
    return body


def _without_echo(message: str) -> str:
    """Return a message without the input that it quotes, which may hold secrets."""
    text, count = _ECHOED_VALUE.subn("", message, count=1)
    return message if not count else text if text.endswith("?") else f"{text}."


def coercion_error(error: GraphQLError) -> GraphQLError:
    """Return graphql-core's error about a variable as `BAD_USER_INPUT` with the path it names."""
    named = re.match(r"Variable '\$(\w+)'(?: has invalid value at ([^:]+):)?", error.message)
    path: Path = ()
    if named:
        steps = re.findall(r"\.(\w+)|\[(\d+)\]", named[2] or "")
        path = (named[1], *(name or int(index) for name, index in steps))
    refusal = bad_input(error.message, *path)
    return GraphQLError(error.message, error.nodes, original_error=refusal)


def _reason_of(error: BaseException | None) -> DomainError:
    """Return the domain error that an error amounts to; `MASKED` for what callers must not read."""
    if is_disk_full(error):
        return NO_ROOM
    match error:
        case DomainError():
            return error
        case DomainErrors(errors=[first, *_]):
            return DomainError(first.code, str(error), first.path)
        case StrawberryInputCoercionError():
            # Advice for those who write Python follows the first sentence.
            sentence = error.message.partition(". ")[0]
            return bad_input(f"{sentence.removesuffix('.')}.")
        case GraphQLError(extensions={"code": ErrorCode() as code}):
            return DomainError(code, error.message)
        case GraphQLError(original_error=GraphQLError(nodes=nodes)) if any(
            isinstance(node, ValueNode) for node in nodes or ()
        ):  # graphql-core refused an argument: only then it points at a value
            return bad_input(error.message)
        case GraphQLError(original_error=cause):
            return _reason_of(cause)
        case CommitUnknown():
            return IN_DOUBT
    return NO_DATABASE if is_outage(error) else MASKED
