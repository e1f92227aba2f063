"""The caller and the operation at hand, which any code below a transport can add to."""

import hashlib
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from gateway.telemetry.metrics import ERRORS, NOT_COMPILED, STATEMENTS


@dataclass(slots=True)
class Caller:
    """The sender of a request: a network address and, once known, a user."""

    address: str | None = None
    viewer: UUID | None = None


@dataclass(slots=True)
class OperationTrace:
    """A record of an operation while it runs.

    `root_fields` are the first fields of an operation without a name.
    `not_compiled` is the reason why graphql-core ran it, `codes` are those of top-level errors, and
    `user_errors` those of errors in payloads. `events` counts the answers of a subscription.
    `changes` has the keys in the response of mutations that have been committed. `engine` counts
    the statements that SQLAlchemy ran, which no plan had compiled.
    """

    request_id: str
    type: str | None = None
    name: str = ""
    root_fields: Sequence[str] = ()
    document: str = ""
    statements: int = 0
    not_compiled: str | None = None
    codes: tuple[str, ...] = ()
    user_errors: tuple[str, ...] = ()
    events: int = 0
    changes: tuple[str, ...] = ()
    engine: int = 0

    @property
    def outside_plan(self) -> str:
        """The reason why the operation, or the statements that, did not run as a compiled plan."""
        if self.not_compiled:
            return self.not_compiled
        return f"{self.engine} statements" if self.engine else ""

    def document_digest(self) -> str | None:
        """Return the SHA-256 of the document's text; None if it is not known yet."""
        if not self.document:
            return None
        return hashlib.sha256(self.document.encode(errors="replace")).hexdigest()


CALLER: ContextVar[Caller | None] = ContextVar("caller", default=None)
OPERATION: ContextVar[OperationTrace | None] = ContextVar("operation", default=None)


def describe_caller() -> dict[str, str | UUID | None]:
    """Return the address, the viewer and the operation at hand, for a line in the log."""
    caller, operation = CALLER.get(), OPERATION.get()
    described: dict[str, str | UUID | None] = {}
    if caller:
        described["client"] = caller.address
        described["viewer"] = caller.viewer
    if operation:
        described["operation"] = operation.name or None
        described["request_id"] = operation.request_id
    return described


def note_viewer(viewer: UUID) -> None:
    """Name the user whose credential was accepted."""
    if caller := CALLER.get():
        caller.viewer = viewer


def note_statement(pool: str) -> None:
    """Count an SQL statement."""
    STATEMENTS.add(pool)
    if operation := OPERATION.get():
        operation.statements += 1
        operation.engine += pool == "engine"


def note_error(code: str, *, is_user_error: bool = False) -> None:
    """Count an error of an answer by its code."""
    ERRORS.add(code)
    if operation := OPERATION.get():
        if is_user_error and code not in operation.user_errors:
            operation.user_errors = (*operation.user_errors, code)
        elif not is_user_error and code not in operation.codes:
            operation.codes = (*operation.codes, code)


def note_change(response_key: str) -> None:
    """Note that a mutation was committed."""
    if operation := OPERATION.get():
        operation.changes = (*operation.changes, response_key)


def note_not_compiled(reason: str) -> None:
    """Count an operation that graphql-core has to run."""
    NOT_COMPILED.add(reason)
    if operation := OPERATION.get():
        operation.not_compiled = reason
