"""A limit on credentials that fail, by the address that they come from."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic

from gateway.client_addresses import network_of
from gateway.errors import DomainError, ErrorCode
from gateway.recent_keys import RecentKeys
from gateway.telemetry.metrics import CREDENTIALS_REFUSED
from gateway.telemetry.refusals import note_limit
from gateway.telemetry.tracing import CALLER

WINDOW_SECONDS = 60.0
"""Time within which failures are counted, from the first one on."""
_REMEMBERED_SECONDS = 3600.0
_MAX_NETWORKS = 10_000


class TooManyFailures(DomainError):
    """Raised for a credential that is not looked at, as too many from its address have failed.

    `retry_after` is the time until others are, in whole seconds.
    """

    def __init__(self, limit: int, retry_after: int) -> None:
        super().__init__(
            ErrorCode.LIMIT_EXCEEDED,
            f"More than {limit:,} credentials from this address have failed. Try again in "
            f"{retry_after} s (limit: failed_credentials).",
        )
        self.retry_after = retry_after


@dataclass(slots=True)
class _Failures:
    """The failures from one network: how many, and until when they are counted."""

    ends_at: float
    count: int = 0


class FailedCredentials:
    """The addresses from which credentials failed lately, and the credentials that were good.

    A credential that was good is looked at in any case: others behind the same address must not
    lock its user out.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._by_network: OrderedDict[str, _Failures] = OrderedDict()
        self._good = RecentKeys(_REMEMBERED_SECONDS)

    def check(self, key: str) -> None:
        """Raise `TooManyFailures` if the credential with this digest must not be looked at."""
        failures = self._by_network.get(_network() or "")
        remaining = failures.ends_at - monotonic() if failures else 0
        is_over = failures and failures.count >= self._limit and remaining > 0
        if failures and is_over and self._good.unknown([key]):
            if failures.count == self._limit:  # once, as attempts may come in thousands
                note_limit("failed_credentials", self._limit, failures.count + 1)
                failures.count += 1
            CREDENTIALS_REFUSED.add("too_many_failures")
            raise TooManyFailures(self._limit, math.ceil(remaining))

    def note_good(self, key: str) -> None:
        """Remember that the credential with this digest was accepted."""
        self._good.note([key])

    def note_failed(self) -> None:
        """Count a failure of the current caller."""
        if not (network := _network()):
            return
        failures = self._by_network.get(network)
        if failures is None or failures.ends_at < monotonic():
            failures = self._by_network[network] = _Failures(monotonic() + WINDOW_SECONDS)
        failures.count += 1
        self._by_network.move_to_end(network)
        if len(self._by_network) > _MAX_NETWORKS:
            self._by_network.popitem(last=False)


def _network() -> str | None:
    """Return where the current request comes from, if that is known."""
    caller = CALLER.get()
    return network_of(caller.address) if caller and caller.address else None
