"""Records the start and the end of the process, and watches its event loop in between."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from time import monotonic
from typing import Any

import structlog

from gateway.settings import Settings
from gateway.telemetry.loop_delay import measuring_loop_delay
from gateway.web_addresses import without_credentials

log = structlog.get_logger()
MASK = "**********"
"""How pydantic shows a secret."""


@contextmanager
def observed_process(command: str, settings: Settings, database: str) -> Iterator[None]:
    """Log that a command starts and stops, and measure its event loop in between."""
    log.info(
        "process_started",
        command=command,
        version=version("storegraph"),
        database=database,
        settings=shown_settings(settings),
    )
    began, error = monotonic(), None
    try:
        with measuring_loop_delay():
            yield
    except Exception as reason:
        error = type(reason).__name__
        raise
    finally:
        seconds = round(monotonic() - began, 1)
        log.info("process_stopped", command=command, seconds=seconds, error=error)


def shown_settings(settings: Settings) -> dict[str, Any]:
    """Return the settings that were given, without what is secret."""
    given = settings.model_dump(mode="json", include=settings.model_fields_set)
    shown = {name: value for name, value in given.items() if MASK not in str(value)}
    return {
        name: without_credentials(value) if name.endswith("_url") else value
        for name, value in shown.items()
    }
