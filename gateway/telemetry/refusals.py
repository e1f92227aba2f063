"""Refusals that operators look for: limits that were hit, credentials that were refused."""

from uuid import UUID

import structlog

from gateway.telemetry.metrics import CREDENTIALS_REFUSED, LIMITS_HIT, SOCKETS_CLOSED
from gateway.telemetry.tracing import CALLER, OPERATION, describe_caller

log = structlog.get_logger()


def note_limit(limit: str, allowed: float | None = None, found: float | None = None) -> None:
    """Count and log a limit that a request exceeded."""
    LIMITS_HIT.add(limit)
    operation = OPERATION.get()
    log.warning(
        "limit_hit",
        limit=limit,
        allowed=allowed,
        found=found,
        fields=(operation.root_fields or None) if operation else None,
        document=operation.document_digest() if operation else None,
        **describe_caller(),
    )


def note_refused_credential(reason: str, key: UUID | None = None, user: UUID | None = None) -> None:
    """Count and log a credential that was not accepted, with its API key and user, if known.

    Requests without any are only counted: they are nobody's attempt.
    """
    CREDENTIALS_REFUSED.add(reason)
    if reason != "missing":
        caller = CALLER.get()
        client = caller.address if caller else None
        log.warning("credential_refused", reason=reason, key=key, user=user, client=client)


def note_closed_socket(code: int, reason: str) -> None:
    """Count and log a WebSocket that the server closes."""
    SOCKETS_CLOSED.add(str(int(code)))
    log.info("socket_closed", code=int(code), reason=reason, **describe_caller())
