"""The one place where an error becomes what the caller reads: refusals as they are, all else masked and logged."""

import re
from typing import Any

import structlog
from graphql import GraphQLError, ValueNode
from strawberry.exceptions import StrawberryInputCoercionError

from gateway.errors import DomainError, DomainErrors, ErrorCode, Path, bad_input
from gateway.execution.limits import LimitExceeded

MASKED = DomainError(ErrorCode.INTERNAL_SERVER_ERROR, "Something went wrong on our side.")
LONGEST_MESSAGE = 1_000
PYTHON_TEXT = re.compile(
    r", but encountered error '.*'; found", re.DOTALL
)  # graphql-core quotes what scalars raise

ErrorBody = dict[str, Any]
log = structlog.get_logger()


def describe(error: Exception, request_id: str) -> ErrorBody:
    """An error as the caller reads it: `message`, `locations` and `path` where known, `extensions` with the code."""
    reason = _reason(error)
    if reason is MASKED:
        _record(error, request_id)
    body: ErrorBody = {"message": _readable(reason.message)}
    if isinstance(error, GraphQLError):
        if error.locations:
            body["locations"] = [location.formatted for location in error.locations]
        if error.path:
            body["path"] = error.path
    body["extensions"] = {"code": reason.code, "requestId": request_id, **_details(reason)}
    return body


def coercion_failure(error: GraphQLError) -> GraphQLError:
    """A complaint of graphql-core about the value of a variable, as the refusal of the place that it names."""
    refusal = bad_input(error.message, *_place(error.message))
    return GraphQLError(error.message, error.nodes, original_error=refusal)


def _place(message: str) -> Path:
    named = re.match(r"Variable '\$(\w+)'(?: has invalid value at ([^:]+):)?", message)
    if named is None:
        return ()
    steps = re.findall(r"\.(\w+)|\[(\d+)\]", named[2] or "")
    return (named[1], *(name or int(index) for name, index in steps))


def _reason(error: BaseException | None) -> DomainError:
    match error:
        case DomainError():
            return error
        case DomainErrors(errors=[first, *_]):
            return DomainError(first.code, str(error), first.path)
        case StrawberryInputCoercionError():
            sentence = error.message.partition(". ")[
                0
            ]  # what follows is advice for those who write Python
            return bad_input(f"{sentence.removesuffix('.')}.")
        case GraphQLError(extensions={"code": ErrorCode() as code}):
            return DomainError(code, error.message)
        case GraphQLError(original_error=GraphQLError() as cause) if _blames_a_value(cause):
            return bad_input(error.message)
        case GraphQLError(original_error=cause):
            return _reason(cause)
    return MASKED


def _blames_a_value(error: GraphQLError) -> bool:
    """Whether graphql-core refused an argument: only then do its errors point at a value of the document."""
    return any(isinstance(node, ValueNode) for node in error.nodes or ())


def _details(reason: DomainError) -> dict[str, Any]:
    details: dict[str, Any] = {"inputPath": reason.path} if reason.path else {}
    if isinstance(reason, LimitExceeded):
        details |= {"limit": reason.limit, "allowed": reason.allowed, "found": reason.found}
    return details


def _record(error: Exception, request_id: str) -> None:
    cause = getattr(error, "original_error", None) or error
    path = getattr(error, "path", None)
    log.error("operation_failed", request_id=request_id, path=path, exc_info=cause)


def _readable(message: str) -> str:
    message = PYTHON_TEXT.sub(", found", message)
    return message if len(message) <= LONGEST_MESSAGE else f"{message[:LONGEST_MESSAGE]}…"
