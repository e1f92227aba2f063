"""Counts and times the calls of a port, around whatever implements it."""

from collections.abc import Awaitable, Callable, Collection, Iterable
from functools import wraps
from typing import Any, TypeVar

from gateway.errors import DomainError
from gateway.telemetry.metrics import CALL_FAILURES, CALL_SECONDS, CALLS_UNDERWAY
from gateway.volatile import note_volatile

P = TypeVar("P")


def measure_calls(
    port: P, service: str, methods: Iterable[str], expected: Collection[type[Exception]] = ()
) -> P:
    """Measure these coroutine methods of an object from now on, and return the object.

    Exceptions of the `expected` types are answers, and do not count as failures.
    """
    for name in methods:
        setattr(port, name, _measured(getattr(port, name), service, name, tuple(expected)))
    return port


def _measured(
    method: Callable[..., Awaitable[Any]],
    service: str,
    call: str,
    expected: tuple[type[Exception], ...],
) -> Callable[..., Awaitable[Any]]:
    @wraps(method)
    async def measured(*args: Any, **kwargs: Any) -> Any:
        note_volatile()
        with CALL_SECONDS.time(service, call), CALLS_UNDERWAY.one_more(service):
            try:
                return await method(*args, **kwargs)
            except expected:
                raise
            except Exception as error:
                kind = error.code if isinstance(error, DomainError) else type(error).__name__
                CALL_FAILURES.add(service, call, kind)
                raise

    return measured
