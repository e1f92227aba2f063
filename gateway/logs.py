"""Logging: one line of JSON for each event, or plain text on a terminal."""

import atexit
import logging
import sys
from datetime import UTC, datetime
from typing import Any, Literal, TextIO, cast
from uuid import UUID

import orjson
import structlog
from structlog.contextvars import merge_contextvars
from structlog.processors import format_exc_info
from structlog.typing import EventDict, Processor, WrappedLogger

from gateway.telemetry.log_writer import LogWriter

LogFormat = Literal["auto", "json", "console"]

_STDERR = 2
"""The file descriptor, which is stderr even where a test replaces `sys.stderr`."""


class LineLogger:
    """Writes rendered events, as `structlog.WriteLogger` does, whose lock the writer has itself."""

    def __init__(self, writer: LogWriter) -> None:
        self._writer = writer

    def msg(self, line: str) -> None:
        """Write one event."""
        self._writer.write(line + "\n")

    debug = info = warning = error = exception = critical = msg


def configure_logs(level: str, format_: LogFormat = "auto") -> None:
    """Send logs of structlog and of the standard library to stderr, in the same format.

    `auto` is console on a terminal and JSON elsewhere. Tracebacks never show the values of
    variables, which may be secrets.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    processors = _console_processors() if is_plain_text(format_) else [render_json]
    writer = LogWriter(_STDERR)
    atexit.register(writer.drain)
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=lambda *_names: LineLogger(writer),
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *processors]
    )
    handler = logging.StreamHandler(cast(TextIO, writer))
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)
    # The driver and its pool warn of each failure in an outage; `outage_began` is logged once.
    logging.getLogger("psycopg").setLevel(logging.ERROR)


def is_plain_text(format_: LogFormat) -> bool:
    """Return whether the log is plain text rather than JSON."""
    return sys.stderr.isatty() if format_ == "auto" else format_ == "console"


def render_json(logger: WrappedLogger, method: str, event: EventDict) -> str:
    """Return an event as JSON; what JSON cannot hold is written as Python shows it.

    Everything is done here, because a chain of processors takes three times as long.
    """
    if event.get("exc_info"):
        event = format_exc_info(logger, method, event)
    level = "error" if method == "exception" else method
    head = {"timestamp": datetime.now(UTC), "level": level, "event": event.pop("event")}
    body: Any = {**head, **merge_contextvars(logger, method, event)}
    return orjson.dumps(body, default=repr).decode()


def _console_processors() -> list[Processor]:
    return [
        merge_contextvars,
        _with_plain_uuids,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        format_exc_info,
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        ),
    ]


def _with_plain_uuids(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Show UUIDs as text, as JSON does."""
    return {name: str(value) if isinstance(value, UUID) else value for name, value in event.items()}
