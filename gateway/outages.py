"""Outages of what this process depends on, and what the log says about them."""

from time import monotonic

import structlog

SETTLE_SECONDS = 3.0
"""Time without a failure after which an outage is over: stale connections still fail meanwhile."""
REPEAT_SECONDS = 60.0
"""Time between two lines of the log about an outage that lasts."""

log = structlog.get_logger()


class Outage:
    """The outage of one service, such as the database, if there is one.

    Whoever uses the service notes failures that are due to the outage instead of logging each, and
    notes responses. The log has a line when an outage begins, once a minute while failures are
    noted, and a line when it is over. `service` is what the lines call it.
    """

    def __init__(self, service: str) -> None:
        self.service = service
        self._failures = 0
        self._began_at = self._failed_at = self._logged_at = 0.0
        self._responded_at: float | None = None

    @property
    def is_on(self) -> bool:
        """Return whether the service has failed, and has not responded long enough since."""
        return self._failures > 0

    def note_failure(self, error: BaseException) -> None:
        """Note that the service failed."""
        moment = self._failed_at = monotonic()
        self._responded_at = None
        self._failures += 1
        if self._failures == 1:
            self._began_at = self._logged_at = moment
            text = str(error).strip().partition("\n")[0] or type(error).__name__
            log.error("outage_began", service=self.service, error=text)
        elif moment - self._logged_at >= REPEAT_SECONDS:
            self._logged_at = moment
            seconds = round(moment - self._began_at, 1)
            log.error(
                "outage_lasts", service=self.service, seconds=seconds, failures=self._failures
            )

    def note_response(self) -> None:
        """Note that the service responded."""
        if not self._failures:
            return
        moment = monotonic()
        if self._responded_at is None:
            self._responded_at = moment
        if moment - self._failed_at >= SETTLE_SECONDS:
            seconds = round(self._responded_at - self._began_at, 1)
            log.info("outage_ended", service=self.service, seconds=seconds, failures=self._failures)
            self._failures = 0


DATABASE = Outage("database")
