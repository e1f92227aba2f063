"""What a caller may be told: every refusal is a domain error with a code, raised where it is known."""

from enum import StrEnum

Path = tuple[str | int, ...]


class ErrorCode(StrEnum):
    """The vocabulary of refusals, shared by user errors and top-level errors."""

    BAD_USER_INPUT = "BAD_USER_INPUT"
    NOT_FOUND = "NOT_FOUND"
    FORBIDDEN = "FORBIDDEN"
    CONFLICT = "CONFLICT"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    NOT_APPLIED = "NOT_APPLIED"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    GRAPHQL_PARSE_FAILED = "GRAPHQL_PARSE_FAILED"
    GRAPHQL_VALIDATION_FAILED = "GRAPHQL_VALIDATION_FAILED"
    OPERATION_RESOLUTION_FAILURE = "OPERATION_RESOLUTION_FAILURE"
    BAD_REQUEST = "BAD_REQUEST"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"


class DomainError(Exception):
    """A refusal that the caller may read: `path` names the input field that is at fault."""

    def __init__(self, code: ErrorCode, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = path


class DomainErrors(Exception):
    """Several domain errors of one mutation, reported together."""

    def __init__(self, errors: list[DomainError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


def bad_input(message: str, *path: str | int) -> DomainError:
    """The input at `path` cannot be used."""
    return DomainError(ErrorCode.BAD_USER_INPUT, message, path)


def not_found(what: str, *path: str | int) -> DomainError:
    """There is no such object, or the caller may not see it: the two are told apart by nobody."""
    return DomainError(ErrorCode.NOT_FOUND, f"No such {what}.", path)


def forbidden(message: str, *path: str | int) -> DomainError:
    """The caller can see the object but lacks the role that this needs."""
    return DomainError(ErrorCode.FORBIDDEN, message, path)


def conflict(message: str, *path: str | int) -> DomainError:
    """The state of things does not allow it."""
    return DomainError(ErrorCode.CONFLICT, message, path)
