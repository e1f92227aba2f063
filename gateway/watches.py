"""Watches over services that the site depends on: a probe looks whether one that failed is back."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass, field
from time import monotonic
from uuid import UUID

from gateway.ended_tasks import end_tasks
from gateway.kinds.enums import JobWait
from gateway.outages import Outage
from gateway.site_faults import SiteFault
from gateway.telemetry.metrics import SERVICES_AWAY


@dataclass(frozen=True, slots=True)
class ProbeTimings:
    """Intervals of the probes of a service that is away, in seconds."""

    shortest: float = 1.5
    longest: float = 1.5
    patience: float = 2.5
    """Time for a probe, after which the service counts as away."""

    def interval(self, seconds: float) -> float:
        """Return the time until the next probe once an outage has lasted this long: an eighth."""
        return min(max(seconds / 8, self.shortest), self.longest)


STORE_TIMINGS = ProbeTimings()
INTEGRATION_TIMINGS = ProbeTimings(longest=30.0, patience=10.0)


class Watch:
    """Knows whether a service is away.

    Once a call has failed, one probe at a time looks whether the service responds, until it does.
    """

    def __init__(
        self,
        outage: Outage,
        wait: JobWait,
        probe: Callable[[], Awaitable[None]],
        timings: ProbeTimings,
    ) -> None:
        """Watch a service. `probe` raises what is amiss, if possible a `SiteFault`."""
        self._outage = outage
        self._kind = outage.service.partition(" ")[0]
        SERVICES_AWAY.show(self._kind)
        self._wait = wait
        self._probe = probe
        self._timings = timings
        self._fault: SiteFault | None = None
        self._watching: asyncio.Task[None] | None = None
        self._probing: asyncio.Future[None] | None = None

    @property
    def fault(self) -> SiteFault | None:
        """Why the service is away; None if it is not."""
        return self._fault

    def check(self) -> None:
        """Raise a `SiteFault` while the service is away, instead of a call that would fail."""
        if self._fault is not None:
            raise SiteFault(self._fault.wait, self._fault.message)

    def note(self, error: BaseException) -> None:
        """Note that a call failed. A probe finds out whether the service is away."""
        self._outage.note_failure(error.__cause__ or error)
        if self._watching is None or self._watching.done():
            # Without the job and the task of whoever noticed it, which its lines are not about.
            self._watching = asyncio.create_task(self._watch(), context=Context())

    async def confirm(self, error: BaseException) -> SiteFault | None:
        """Probe the service after a call was refused, and return why it is away, if it is."""
        if fault := await self._probe_once():
            self.note(error)
        return fault

    async def close(self) -> None:
        """Stop watching."""
        await end_tasks(self._watching, self._probing)

    async def _watch(self) -> None:
        """Probe the service until it responds, and the outage is over."""
        while True:
            if fault := await self._probe_once():
                await self._outlast(fault)
            self._outage.note_response()
            if not self._outage.is_on:
                return
            await asyncio.sleep(self._timings.shortest)

    async def _outlast(self, fault: SiteFault | None) -> None:
        """Probe a service that is away until it responds."""
        began_at = monotonic()
        with SERVICES_AWAY.one_more(self._kind):
            while fault:
                self._fault = fault
                self._outage.note_failure(fault.__cause__ or fault)
                await asyncio.sleep(self._timings.interval(monotonic() - began_at))
                fault = await self._probe_once()
        self._fault = None

    async def _probe_once(self) -> SiteFault | None:
        """Return why the service does not respond to a probe, None if it does.

        A probe that takes too long goes on, so that there is never a second one beside it.
        """
        probing = self._probing
        if probing is None or probing.done():
            probing = self._probing = asyncio.ensure_future(self._probe())
        done, _ = await asyncio.wait([probing], timeout=self._timings.patience)
        error = probing.exception() if done else TimeoutError("The service does not respond.")
        if error is None or isinstance(error, SiteFault):
            return error
        fault = SiteFault(self._wait, f"The {self._wait.lower()} is not available.")
        fault.__cause__ = error
        return fault


@dataclass(frozen=True, slots=True)
class Watches:
    """The watches of a process: that of its object store, and those of integrations, by UUID."""

    store: Watch
    integrations: dict[UUID, Watch] = field(default_factory=dict)

    async def close(self) -> None:
        """Stop watching."""
        for watch in (self.store, *self.integrations.values()):
            await watch.close()
