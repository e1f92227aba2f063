"""Errors of fetching, shown to users; they reveal nothing about the private network."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.errors import DomainError, ErrorCode
from gateway.fetching.connection import ConnectionBroken, Unresponsive


class FetchError(DomainError):
    """Raised when a URL may not be opened, or does not give the file."""

    @property
    def is_transient(self) -> bool:
        """Return whether the same request may succeed later."""
        return self.code is ErrorCode.UNAVAILABLE


class AccessFault(FetchError):
    """Raised when a server gives no file at all: it is down or overloaded, or refuses access."""


def bad_url_error(message: str) -> FetchError:
    """Return the error for a URL that is never opened, wherever it leads."""
    return FetchError(ErrorCode.BAD_USER_INPUT, message)


def no_public_address_error() -> FetchError:
    """Return one error for unknown names and private addresses, so that names cannot be probed."""
    message = (
        "The host has no public address. Private addresses must be listed in "
        "STOREGRAPH_FETCH_ALLOWED."
    )
    return AccessFault(ErrorCode.FORBIDDEN, message)


def too_large_error(max_bytes: int) -> FetchError:
    """Return the error for a file that exceeds the limit."""
    return FetchError(
        ErrorCode.LIMIT_EXCEEDED, f"The file exceeds the fetch limit of {max_bytes:,} bytes."
    )


def status_error(status: int) -> FetchError:
    """Return the error for a response whose HTTP status is not a success."""
    if status in (401, 403):
        return FetchError(
            ErrorCode.FORBIDDEN, f"The server denied access to the file (HTTP status {status})."
        )
    if status in (404, 410):
        return FetchError(
            ErrorCode.NOT_FOUND, f"The server has no such file (HTTP status {status})."
        )
    message = f"The server did not return the file (HTTP status {status})."
    if status == 429 or status >= 500:
        return AccessFault(ErrorCode.UNAVAILABLE, message)
    return FetchError(ErrorCode.CONFLICT, message)


def archived_error() -> FetchError:
    """Return the error for an object in an archive tier of a cloud."""
    message = "The object is archived: restore it from the archive tier first."
    return FetchError(ErrorCode.CONFLICT, message)


@contextmanager
def translate_errors() -> Iterator[None]:
    """Raise a `FetchError` for whatever the network or the HTTP library raises."""
    try:
        yield
    except TimeoutError:  # of the whole request, which may be due to the size of the file
        raise FetchError(ErrorCode.TIMEOUT, "The server did not respond in time.") from None
    except Unresponsive:
        raise AccessFault(ErrorCode.TIMEOUT, "The server did not respond in time.") from None
    except ConnectionBroken as error:
        if isinstance(error.__cause__, ssl.SSLError):
            message = (
                "The TLS connection failed: check that the server's certificate is valid for its "
                "host name."
            )
            raise AccessFault(ErrorCode.FORBIDDEN, message) from None
        message = "The server could not be reached, or closed the connection early."
        raise AccessFault(ErrorCode.UNAVAILABLE, message) from None
