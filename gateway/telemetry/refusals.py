"""Refusals that operators look for: limits that were hit, credentials that were refused."""

import structlog

from gateway.telemetry.metrics import LIMITS_HIT
from gateway.telemetry.tracing import describe_caller

log = structlog.get_logger()


def note_limit(limit: str, allowed: float, found: float) -> None:
    """Count and log a limit that a request exceeded."""
    LIMITS_HIT.add(limit)
    log.warning("limit_hit", limit=limit, allowed=allowed, found=found, **describe_caller())
