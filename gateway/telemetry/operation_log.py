"""Records how each operation ended: in the metrics always, in the log as settings say."""

from typing import Any

import structlog

from gateway.telemetry.metrics import OPERATION_NAMES, OPERATION_SECONDS, OPERATIONS
from gateway.telemetry.tracing import CALLER, OperationTrace

log = structlog.get_logger()

OK, REFUSED, INTERNAL = "ok", "refused", "INTERNAL_SERVER_ERROR"


class OperationLog:
    """Writes a line for each operation.

    Of queries that succeed, a `share` from 0 to 1 is logged. All other operations are, and so are
    those that took at least `slow_seconds`. These and refused ones have the digest of their
    document.
    """

    def __init__(self, share: float, slow_seconds: float) -> None:
        self._share = share
        self._slow_seconds = slow_seconds
        self._due = 0.0

    def record(
        self,
        trace: OperationTrace,
        *,
        seconds: float,
        status: str,
        executor: str,
    ) -> None:
        """Count an operation that has ended, and log it if that is due."""
        type_ = trace.type or "unknown"
        name = OPERATION_NAMES(trace.name) if trace.type else ""
        OPERATIONS.add(type_, name, status, executor)
        is_stream = type_ == "subscription"
        if not is_stream:
            OPERATION_SECONDS.observe(seconds, type_, name)
        is_slow = seconds >= self._slow_seconds and not is_stream
        if type_ == "query" and status == OK and not is_slow and not self._is_due():
            return
        caller = CALLER.get()
        fields: dict[str, Any] = {
            "type": trace.type,
            "name": trace.name or None,
            "status": status,
            "viewer": caller.viewer if caller else None,
            "milliseconds": round(1000 * seconds, 2),
            "statements": trace.statements,
            "executor": executor,
            "request_id": trace.request_id,
        }
        if trace.root_fields:
            fields["fields"] = trace.root_fields
        if trace.not_compiled:
            fields["not_compiled"] = trace.not_compiled
        if is_stream:
            fields["events"] = trace.events
        if trace.codes:
            fields["codes"] = sorted(trace.codes)
        if trace.user_errors:
            fields["user_errors"] = sorted(trace.user_errors)
        if is_slow:
            fields["slow"] = True
        if is_slow or status == REFUSED:
            fields["document"] = trace.document_digest()
        write = log.info
        if INTERNAL in trace.codes:
            write = log.error
        elif is_slow or status != OK:
            write = log.warning
        write("operation_ended", **fields)

    def _is_due(self) -> bool:
        """Return whether this success is one of the share that is logged."""
        self._due += self._share
        if self._due < 1:
            return False
        self._due -= 1
        return True
