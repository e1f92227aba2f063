"""Why a URL from outside was not fetched, told to whoever gave it and saying nothing of our own network."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpcore

from gateway.errors import DomainError, ErrorCode


class FetchError(DomainError):
    """A URL from outside that we do not open, or that did not give us the file."""

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.code is ErrorCode.UNAVAILABLE


def bad_url_error(message: str) -> FetchError:
    """This is no URL that we open, wherever it leads."""
    return FetchError(ErrorCode.BAD_USER_INPUT, message)


def no_public_address_error() -> FetchError:
    """The same whether the name is unknown or leads inside: a stranger must not learn which names we have."""
    return FetchError(ErrorCode.FORBIDDEN, "The host has no public address.")


def too_large_error(most: int) -> FetchError:
    """The file is longer than we fetch; `most` in bytes."""
    return FetchError(
        ErrorCode.LIMIT_EXCEEDED, f"The file has more than the {most:,} bytes that may be fetched."
    )


def status_error(status: int) -> FetchError:
    """The server's answer is not the file."""
    if status in (401, 403):
        return FetchError(
            ErrorCode.FORBIDDEN, f"The server does not let us read the file (status {status})."
        )
    if status in (404, 410):
        return FetchError(ErrorCode.NOT_FOUND, f"The server has no such file (status {status}).")
    code = ErrorCode.UNAVAILABLE if status == 429 or status >= 500 else ErrorCode.CONFLICT
    return FetchError(code, f"The server does not give us the file (status {status}).")


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn what the network and the HTTP library raise into a `FetchError`."""
    try:
        yield
    except (TimeoutError, httpcore.TimeoutException):
        raise FetchError(ErrorCode.TIMEOUT, "The server took too long.") from None
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        if isinstance(error.__context__, ssl.SSLError):
            said = "No secure connection could be made: see whether the server's certificate is valid for its name."
            raise FetchError(ErrorCode.FORBIDDEN, said) from None
        raise FetchError(
            ErrorCode.UNAVAILABLE, "The server could not be reached, or broke off."
        ) from None
