"""Errors that a caller may see: each has a code, a message and the path of an input field."""

from enum import StrEnum

Path = tuple[str | int, ...]


class ErrorCode(StrEnum):
    """Codes of errors.

    Errors in `userErrors` have `BAD_USER_INPUT`, `NOT_FOUND`, `FORBIDDEN`,
    `CONFLICT`, `LIMIT_EXCEEDED`, `TIMEOUT` or `UNAVAILABLE`; those in `results` also `NOT_APPLIED`.
    Top-level errors have their code in `extensions.code`: any of these but `NOT_APPLIED`.
    """

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
    PERSISTED_QUERY_NOT_SUPPORTED = "PERSISTED_QUERY_NOT_SUPPORTED"
    PERSISTED_QUERY_NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"
    DOCUMENT_NOT_TRUSTED = "DOCUMENT_NOT_TRUSTED"
    INTROSPECTION_DISABLED = "INTROSPECTION_DISABLED"
    RATE_LIMITED = "RATE_LIMITED"
    TIMEOUT = "TIMEOUT"
    UNAVAILABLE = "UNAVAILABLE"
    COMMIT_UNKNOWN = "COMMIT_UNKNOWN"
    INSUFFICIENT_STORAGE = "INSUFFICIENT_STORAGE"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"


class DomainError(Exception):
    """An error that the caller may see; `path` is the input field that caused it, if one did."""

    def __init__(self, code: ErrorCode, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.path = path


class DomainErrors(Exception):
    """Several errors of one mutation, reported together."""

    def __init__(self, errors: list[DomainError]) -> None:
        super().__init__("; ".join(error.message for error in errors))
        self.errors = errors


def bad_input(message: str, *path: str | int) -> DomainError:
    """Return a `BAD_USER_INPUT` error: the input at `path` is invalid."""
    return DomainError(ErrorCode.BAD_USER_INPUT, message, path)


def not_found(noun: str, key: object, *path: str | int) -> DomainError:
    """Return a `NOT_FOUND` error: the object does not exist, or the caller cannot see it.

    The caller cannot tell which. `noun` is what the message calls the object, and `key` the UUID
    or name by which the caller asked for it; a long name is cut, since any input may be passed.
    """
    return DomainError(ErrorCode.NOT_FOUND, f"No such {noun}: {key!s:.200}.", path)


def forbidden(message: str, *path: str | int) -> DomainError:
    """Return a `FORBIDDEN` error: the caller sees the object but lacks a role on it."""
    return DomainError(ErrorCode.FORBIDDEN, message, path)


def conflict(message: str, *path: str | int) -> DomainError:
    """Return a `CONFLICT` error: the current state does not allow the change."""
    return DomainError(ErrorCode.CONFLICT, message, path)
