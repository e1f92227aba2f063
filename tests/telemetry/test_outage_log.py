"""The log has one line when an outage begins, one a minute, and one when it is over, however often something fails."""

from collections.abc import Callable
from functools import partial

import pytest
from procrastinate.exceptions import ConnectorException
from psycopg_pool import PoolTimeout
from structlog.testing import capture_logs

from gateway import outages
from gateway.database.outages import log_failure
from gateway.execution.error_bodies import error_body
from gateway.outages import REPEAT_SECONDS, SETTLE_SECONDS, Outage


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(outages, "monotonic", clock)
    return clock


def test_an_outage_is_logged_when_it_begins_each_minute_and_when_it_is_over(clock: Clock) -> None:
    outage = Outage("database")
    with capture_logs() as logs:
        for _ in range(1 + 8 * int(2 * REPEAT_SECONDS)):
            outage.note_failure(ConnectionError("refused\nat length"))
            clock.now += 0.125
        outage.note_response()
        assert outage.is_on
        clock.now += SETTLE_SECONDS
        outage.note_response()
        assert not outage.is_on
        outage.note_response()
    assert logs == [
        {"event": "outage_began", "log_level": "error", "service": "database", "error": "refused"},
        {"event": "outage_lasts", "log_level": "error", "service": "database", "seconds": 60.0, "failures": 481},
        {"event": "outage_lasts", "log_level": "error", "service": "database", "seconds": 120.0, "failures": 961},
        {"event": "outage_ended", "log_level": "info", "service": "database", "seconds": 120.1, "failures": 961},
    ]


def test_what_fails_shortly_after_a_response_belongs_to_the_same_outage(clock: Clock) -> None:
    """Connections from before a restart are found to be closed one by one."""
    outage = Outage("database")
    with capture_logs() as logs:
        for _ in range(5):
            outage.note_failure(ConnectionError())
            clock.now += SETTLE_SECONDS / 2
            outage.note_response()
        clock.now += SETTLE_SECONDS
        outage.note_response()
        outage.note_failure(ConnectionError())
    assert [event["event"] for event in logs] == ["outage_began", "outage_ended", "outage_began"]


@pytest.mark.parametrize(
    "note", [partial(log_failure, "leases_not_renewed"), partial(error_body, request_id="x")], ids=["worker", "request"]
)
def test_the_line_says_what_the_driver_does(
    monkeypatch: pytest.MonkeyPatch, note: Callable[[Exception], object]
) -> None:
    """The queue's library only says "Database error"."""
    monkeypatch.setattr("gateway.database.outages.DATABASE", Outage("database"))
    error = ConnectorException()
    error.__cause__ = PoolTimeout("couldn't get a connection after 2.00 sec")
    with capture_logs() as logs:
        note(error)
    [line] = logs
    assert line["error"] == "couldn't get a connection after 2.00 sec"
