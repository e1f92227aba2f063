"""Times of downloads are rounded, and never promise too little or more than stores accept."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.stores import downloads
from gateway.stores.downloads import MAX_LIFETIME, plan_download
from gateway.stores.headers import inline_media_type
from tests.fixtures.clocks import stop_clock

SECONDS = st.integers(60, int(MAX_LIFETIME.total_seconds()) - 1)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2040, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))


def plan(moment: datetime, seconds: int) -> downloads.Download:
    """Plan a download at a moment."""
    with pytest.MonkeyPatch.context() as patch:
        stop_clock(patch, moment)
        return plan_download("a.png", "image/png", timedelta(seconds=seconds))


@given(MOMENTS, SECONDS)
def test_at_least_the_lifetime_remains(moment: datetime, seconds: int) -> None:
    download = plan(moment, seconds)
    assert download.signed_at <= moment
    assert timedelta(seconds=seconds) <= download.expires_at - moment <= timedelta(seconds=1.5 * seconds)
    assert download.signed_seconds <= MAX_LIFETIME.total_seconds()
    assert download.cache_control == f"private, max-age={seconds}, immutable"


def test_a_download_is_the_same_until_half_of_the_lifetime_has_passed() -> None:
    start = datetime(2026, 1, 1, 12, tzinfo=UTC)
    first = plan(start, 3600)
    assert plan(start + timedelta(seconds=1799.9), 3600) == first
    assert plan(start + timedelta(seconds=1800), 3600) != first


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("image/png", "image/png"),
        ("video/webm", "video/webm"),
        ("audio/ogg", "audio/ogg"),
        ("application/pdf", "application/pdf"),
        ("text/html", "text/plain; charset=utf-8"),
        ("text/html; charset=utf-16", "text/plain; charset=utf-8"),
        ("TEXT/HTML", "text/plain; charset=utf-8"),
        ("application/xml", "text/plain; charset=utf-8"),
        ("application/json", "text/plain; charset=utf-8"),
        ("image/svg+xml", None),
        ("application/xhtml+xml", None),
        ("application/octet-stream", None),
        ("application/zip", None),
        ("image/unknown", None),
        ("video/", None),
        ("", None),
    ],
)
def test_only_types_that_cannot_run_script_are_shown(stored: str, shown: str | None) -> None:
    assert inline_media_type(stored) == shown


def test_text_is_shown_in_its_encoding() -> None:
    assert inline_media_type("text/csv", "windows-1252") == "text/plain; charset=windows-1252"
